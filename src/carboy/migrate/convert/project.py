"""The files of a project, and what the names in them mean.

A Source is one parsed module: its imports, what it defines, and which of its names are Flask's. A
Project finds Sources by module name, so that a blueprint imported elsewhere is the same one.
Carboy's own Flask face counts as `flask`: a project that is half converted is read like a whole
one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import libcst as cst

from carboy.migrate.convert.text import children, dotted, parsed, walk

#: Folders that are no part of an application.
SKIPPED = {"node_modules", "__pycache__", "site-packages", "build", "dist", "venv", "env"}
_FACES = {"carboy.flask": "flask", "carboy.fastapi": "fastapi"}


def canonical(name: str) -> str:
    """`name` with Carboy's faces called by the names of what they stand for."""
    for face, real in _FACES.items():
        if name == face or name.startswith(face + "."):
            return real + name[len(face) :]
    return name


_TOO_DEEP = (
    "an expression in it is nested too deep for Python {}.{}: "
    "split it (a long sum of texts is one), or take another Python for this command"
)
#: What stands in every module that declares something.
_DECLARING = re.compile(
    r"flask|flasgger|fastapi|carboy|marshmallow|@\s*[\w.\[\]]+\.(?:route|get|post|put|patch|delete)\b"
    r"|add_url_rule|register_blueprint|include_router|init_app|as_view|add_namespace|errorhandler"
)


class Source:
    """One module of the project."""

    def __init__(self, path: Path, name: str, text: str) -> None:
        self.path = path
        #: The dotted name, from the project's root.
        self.name = name
        self.text = text
        self._error: str | None = None
        #: Name -> nodes below functions with a parameter of that name.
        self._hidden: dict[str, set[int]] = {}

    @cached_property
    def tree(self) -> cst.Module:
        """The parsed module; an empty one where it can't be parsed."""
        try:
            tree = cst.parse_module(self.text)
            # What can be written back only: Python 3.12 allows some hundred calls by way of C above
            # one another, whatever the recursion limit is, and LibCST writes an expression by such.
            _ = tree.code
        except cst.ParserSyntaxError as error:
            self._error = str(error).partition("\n")[0]
        except RecursionError:
            self._error = _TOO_DEEP.format(*sys.version_info)
        else:
            return tree
        return cst.Module([])

    @property
    def why_broken(self) -> str | None:
        """Why it can't be parsed, if so."""
        if self.is_relevant or parsed(self.text) is None:
            _ = self.tree
        return self._error

    @cached_property
    def is_relevant(self) -> bool:
        """Whether applications, views or extensions can be declared here. PERF: others, which are
        most of a large project, are parsed only where somebody asks for a name of theirs.
        """
        return _DECLARING.search(self.text) is not None

    @cached_property
    def nodes(self) -> list[cst.CSTNode]:
        """Everything in the module, outermost first."""
        return list(walk(self.tree))

    @property
    def package(self) -> str:
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    @cached_property
    def imports(self) -> dict[str, str]:
        """Local name -> dotted name, wherever in the module it is imported.

        The last one counts at the top of the module; what a function or an `except` imports
        counts where nothing else has the name.
        """
        found: dict[str, str] = {}
        later: dict[str, str] = {}
        self._read_imports(self.tree, found, later)
        return {**later, **found}

    def _read_imports(
        self, node: cst.CSTNode, found: dict[str, str], later: dict[str, str]
    ) -> None:
        if isinstance(node, cst.FunctionDef | cst.ExceptHandler):
            found = later
        if isinstance(node, cst.Import):
            for alias in node.names:
                whole = dotted(alias.name) or ""
                if alias.asname is None:
                    whole = whole.partition(".")[0]
                local = whole if alias.asname is None else dotted(alias.asname.name) or ""
                found[local] = canonical(whole)
        elif isinstance(node, cst.ImportFrom) and not isinstance(node.names, cst.ImportStar):
            module = self.absolute(node)
            for alias in node.names:
                original = dotted(alias.name) or ""
                local = original if alias.asname is None else dotted(alias.asname.name) or ""
                found[local] = canonical(f"{module}.{original}")
        for child in children(node):
            self._read_imports(child, found, later)

    def absolute(self, node: cst.ImportFrom) -> str:
        """The dotted name of the module that `node` imports from, relative ones resolved."""
        module = dotted(node.module) if node.module is not None else ""
        level = len(node.relative)
        if not level:
            return module or ""
        parts = self.package.split(".") if self.package else []
        base = parts[: len(parts) - (level - 1)]
        return ".".join([*base, *([module] if module else [])])

    def meaning(self, node: cst.CSTNode) -> str | None:
        """What names and dots stand for: `flask.request.args` for `request.args`.

        A name that is not imported is taken for one of this module. None for other expressions.
        """
        text = dotted(node)
        if text is None:
            return None
        first, dot, rest = text.partition(".")
        known = self.imports.get(first)
        if known is None:
            known = f"{self.name}.{first}" if self.name else first
        return f"{known}{dot}{rest}"

    @cached_property
    def names(self) -> set[str]:
        """Every name that the module binds or imports at its top, or asks for anywhere."""
        return {node.value for node in self.nodes if isinstance(node, cst.Name)}

    @cached_property
    def called(self) -> dict[str, list[cst.BaseExpression]]:
        """What is called in the module, by its last name."""
        found: dict[str, list[cst.BaseExpression]] = {}
        for node in self.nodes:
            if isinstance(node, cst.Call) and isinstance(node.func, cst.Name | cst.Attribute):
                last = node.func.attr if isinstance(node.func, cst.Attribute) else node.func
                found.setdefault(last.value, []).append(node.func)
        return found

    def is_parameter(self, node: cst.BaseExpression) -> bool:
        """Whether a name is a parameter of a function around it, whatever the module calls so."""
        name = (dotted(node) or "").partition(".")[0]
        if name not in self._hidden:
            self._hidden[name] = {
                id(below)
                for one in self.nodes
                if isinstance(one, cst.FunctionDef) and _takes(one.params, name)
                for below in walk(one.body)
            }
        return id(node) in self._hidden[name]

    @cached_property
    def bound(self) -> set[str]:
        """Names that are bound at the top of the module."""
        return set(self.imports) | set(_bound(self.tree))

    @cached_property
    def functions(self) -> dict[str, cst.FunctionDef]:
        """Functions at the top of the module."""
        return {one.name.value: one for one in self.tree.body if isinstance(one, cst.FunctionDef)}


def _takes(params: cst.Parameters, name: str) -> bool:
    every = (*params.posonly_params, *params.params, *params.kwonly_params)
    return any(one.name.value == name for one in every)


def _bound(module: cst.Module) -> Iterator[str]:
    for top in module.body:
        if isinstance(top, cst.FunctionDef | cst.ClassDef):
            yield top.name.value
            continue
        for node in walk(top):
            if isinstance(node, cst.AssignTarget):
                for part in walk(node.target):
                    if isinstance(part, cst.Name):
                        yield part.value
            elif isinstance(node, cst.AnnAssign) and isinstance(node.target, cst.Name):
                yield node.target.value


@dataclass
class Project:
    """All Sources below a folder (or the one file)."""

    root: Path
    sources: dict[str, Source] = field(default_factory=dict)
    #: Files that could not be parsed, and why.
    broken: dict[str, str] = field(default_factory=dict)
    _owners: dict[str, tuple[Source, str] | None] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, path: Path) -> Project:
        """Every Python file below `path`, virtual environments and build folders left out."""
        root = path.parent if path.is_file() else path
        project = cls(root)
        base = _import_root(root)
        for file in [path] if path.is_file() else sorted(_python_files(root)):
            name = ".".join(file.relative_to(base).with_suffix("").parts)
            name = name.removesuffix(".__init__") if name != "__init__" else ""
            try:
                source = Source(file, name, _read(file))
            except UnicodeDecodeError as error:
                project.broken[str(file.relative_to(root))] = str(error)
                continue
            if source.why_broken is None:
                project.sources[name] = source
            else:
                project.broken[str(file.relative_to(root))] = source.why_broken
        return project

    @cached_property
    def relevant(self) -> list[Source]:
        """The Sources in which something may be declared."""
        return [one for one in self.sources.values() if one.is_relevant]

    def find(self, module: str) -> Source | None:
        """The Source of a dotted name; `src.` and the like in front of it may be missing."""
        if module in self.sources:
            return self.sources[module]
        ends = self._by_end.get(module, ())
        return self.sources[ends[0]] if len(ends) == 1 else None

    @cached_property
    def _by_end(self) -> dict[str, list[str]]:
        """What a dotted name may end with -> the names."""
        found: dict[str, list[str]] = {}
        for name in self.sources:
            parts = name.split(".")
            for at in range(1, len(parts)):
                found.setdefault(".".join(parts[at:]), []).append(name)
        return found

    def owner(self, meaning: str) -> tuple[Source, str] | None:
        """(module, name in it) that a dotted name stands for, followed through re-exports."""
        if meaning not in self._owners:
            self._owners[meaning] = self._owner(meaning)
        return self._owners[meaning]

    def _owner(self, meaning: str) -> tuple[Source, str] | None:
        for _ in range(8):
            module, _, name = meaning.rpartition(".")
            source = self.find(module)
            if source is None:
                return None
            if name not in source.imports:
                return source, name
            meaning = source.imports[name]
        return None


def _read(file: Path) -> str:
    with file.open(encoding="utf-8", newline="") as opened:
        return opened.read()


def _import_root(root: Path) -> Path:
    """The folder that dotted names start from: the first above `root` that is no package."""
    while (root / "__init__.py").exists() and root.parent != root:
        root = root.parent
    return root


def _python_files(root: Path) -> Iterator[Path]:
    for entry in root.iterdir():
        if entry.is_dir():
            hidden = entry.name.startswith(".") or entry.name in SKIPPED or _leads_back(entry)
            if not hidden and not (entry / "pyvenv.cfg").exists():
                yield from _python_files(entry)
        elif entry.suffix == ".py":
            yield entry


def _leads_back(folder: Path) -> bool:
    """Whether a link leads to a folder above itself: what is there is read already."""
    return folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())
