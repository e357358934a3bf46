"""Imports of a rewritten module: Flask's from Carboy's face, those that are needed, none that are
not.

A name that was imported only for what has been rewritten goes. What a module imports for others to
import from it can't be told from that, so only names that rewritten views used are looked at.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import libcst as cst

from carboy.migrate.convert.project import canonical
from carboy.migrate.convert.text import children, dotted, walk

if TYPE_CHECKING:
    from carboy.migrate.convert.modules import Edits

_STANDARD = {"typing", "uuid", "datetime", "decimal", "logging", "pathlib"}


def tidy(edits: Edits, tree: cst.Module) -> cst.Module:
    """`tree` with its imports brought up to date."""
    # New ones first: they take over the blank lines of those that go.
    changed = _add(tree, edits).visit(_Imports(edits, _used(tree)))
    assert isinstance(changed, cst.Module)
    return changed


def _used(tree: cst.Module) -> set[str]:
    """Names that anything but an import asks for; those in `__all__` too."""
    found: set[str] = set()
    #: What is to be looked at, and the parameters that stand before the module's names there.
    pending: list[tuple[cst.CSTNode, frozenset[str]]] = [(tree, frozenset())]
    while pending:
        node, hidden = pending.pop()
        if isinstance(node, cst.Import | cst.ImportFrom):
            continue
        if isinstance(node, cst.Name) and node.value not in hidden:
            found.add(node.value)
        elif isinstance(node, cst.SimpleString):
            found.add(node.raw_value)
        elif isinstance(node, cst.Attribute | cst.Arg):
            pending.append((node.value, hidden))
            continue
        elif isinstance(node, cst.FunctionDef | cst.Lambda):
            pending.append((node.body, hidden | _parameters(node.params)))
        skipped = (getattr(node, "body", None), node.name if isinstance(node, cst.Param) else None)
        inside = isinstance(node, cst.FunctionDef | cst.Lambda | cst.Param)
        pending += [(one, hidden) for one in children(node) if not (inside and one in skipped)]
    return found


def _parameters(params: cst.Parameters) -> frozenset[str]:
    named = [*params.params, *params.kwonly_params, *params.posonly_params]
    named += [one for one in (params.star_arg, params.star_kwarg) if isinstance(one, cst.Param)]
    return frozenset(one.name.value for one in named)


class _Imports(cst.CSTTransformer):
    """Changes and removes what is imported already."""

    def __init__(self, edits: Edits, used: set[str]) -> None:
        super().__init__()
        self.edits, self.used = edits, used

    def _may_go(self, local: str) -> bool:
        return local in self.edits.unneeded and local not in self.used

    def leave_ImportFrom(self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom) -> Any:
        if isinstance(updated_node.names, cst.ImportStar):
            return updated_node
        module = dotted(updated_node.module) if updated_node.module else ""
        names = [one for one in updated_node.names if not self._may_go(_local(one))]
        if not names:
            return cst.RemoveFromParent()
        if len(names) != len(updated_node.names):
            names = _closed(names, updated_node)
        updated_node = updated_node.with_changes(names=names)
        if (
            self.edits.changes_face
            and not updated_node.relative
            and module
            and module.partition(".")[0] == "flask"
        ):
            return updated_node.with_changes(module=_face(module))
        return updated_node

    def leave_Import(self, original_node: cst.Import, updated_node: cst.Import) -> Any:
        if self.edits.target == "fastapi":
            left = [one for one in updated_node.names if not self._may_go(_local(one))]
            if len(left) == len(updated_node.names):
                return updated_node
            left[-1:] = [one.with_changes(comma=cst.MaybeSentinel.DEFAULT) for one in left[-1:]]
            return updated_node.with_changes(names=left) if left else cst.RemoveFromParent()
        if not self.edits.changes_face:
            return updated_node
        if [_local(one) for one in updated_node.names] == ["flask"] and self._may_go("flask"):
            return cst.RemoveFromParent()
        names = [_import_of(one) for one in updated_node.names]
        return updated_node.with_changes(names=names)


def _closed(names: list[cst.ImportAlias], node: cst.ImportFrom) -> list[cst.ImportAlias]:
    """The last name with the comma (or none) that the last one had."""
    assert not isinstance(node.names, cst.ImportStar)
    return [*names[:-1], names[-1].with_changes(comma=node.names[-1].comma)]


def _import_of(alias: cst.ImportAlias) -> cst.ImportAlias:
    """`import flask` as `import carboy.flask as flask`."""
    if dotted(alias.name) != "flask":
        return alias
    name = alias.asname or cst.AsName(name=cst.Name("flask"))
    return alias.with_changes(name=_face("flask"), asname=name)


def _face(module: str) -> Any:
    return cst.parse_expression(f"carboy.{module}")


def _local(alias: cst.ImportAlias) -> str:
    if alias.asname is not None:
        return dotted(alias.asname.name) or ""
    return dotted(alias.name) or ""


def _add(tree: cst.Module, edits: Edits) -> cst.Module:
    """`tree` with the imports that are needed and not there."""
    wanted: dict[str, set[tuple[str, str]]] = {}
    for (module, name), local in edits.needs.items():
        if _has(tree, module, name, local):
            continue
        wanted.setdefault(module, set()).add((name, local))
    body: list[Any] = list(tree.body)
    for module in sorted(wanted, reverse=True):
        names = wanted[module]
        if not module:
            for one in sorted(names, reverse=True):
                _insert(body, _statement(module, {one}), one[0] if one[0] in _STANDARD else "")
            continue
        at = _extended(body, module, names)
        if at is None:
            _insert(body, _statement(module, names), module)
    return tree.with_changes(body=body)


def _has(tree: cst.Module, module: str, name: str, local: str) -> bool:
    for statement in tree.body:
        for node in walk(statement) if not isinstance(statement, cst.FunctionDef) else ():
            if isinstance(node, cst.ImportFrom) and not isinstance(node.names, cst.ImportStar):
                found = dotted(node.module) if node.module else ""
                if node.relative or canonical(found or "") != canonical(module):
                    continue
                found_here = [one for one in node.names if dotted(one.name) == name]
                if local in map(_local, found_here):
                    return True
            elif isinstance(node, cst.Import) and not module:
                return name in [dotted(one.name) for one in node.names]
    return False


def _names(names: set[tuple[str, str]]) -> list[str]:
    ordered = sorted(names, key=lambda one: (not one[0][0].isupper(), one[0].lower()))
    return [name if name == local else f"{name} as {local}" for name, local in ordered]


def _statement(module: str, names: set[tuple[str, str]]) -> Any:
    if not module:
        lines = ", ".join(_names(names))
        return cst.parse_statement(f"import {lines}\n")
    return cst.parse_statement(f"from {module} import {', '.join(_names(names))}\n")


def _extended(body: list[Any], module: str, names: set[tuple[str, str]]) -> int | None:
    """Where an import of that module stood and now has the names too."""
    for at, statement in enumerate(body):
        if not (isinstance(statement, cst.SimpleStatementLine) and len(statement.body) == 1):
            continue
        node = statement.body[0]
        if not isinstance(node, cst.ImportFrom) or isinstance(node.names, cst.ImportStar):
            continue
        if node.relative or not module or dotted(node.module or cst.Name("_")) != module:
            continue
        if node.lpar is not None:
            continue
        known = {(dotted(one.name) or "", _local(one)) for one in node.names}
        new: Any = _statement(module, known | names)
        body[at] = statement.with_changes(body=new.body)
        return at
    return None


def _is_import(statement: cst.CSTNode) -> bool:
    return isinstance(statement, cst.SimpleStatementLine) and isinstance(
        statement.body[0], cst.Import | cst.ImportFrom
    )


def _module_of(statement: Any) -> str:
    node = statement.body[0]
    if isinstance(node, cst.ImportFrom):
        return "." if node.relative or node.module is None else dotted(node.module) or ""
    return dotted(node.names[0].name) or ""


def _insert(body: list[Any], statement: Any, module: str) -> None:
    """Put an import where it belongs: standard modules to their kind, ours where Flask's is."""
    imports = [at for at, one in enumerate(body) if _is_import(one)]
    imports = [at for at in imports if _module_of(body[at]) != "__future__"]
    if not imports:
        at = next((n for n, one in enumerate(body) if not _is_head(one)), len(body))
        body.insert(at, statement.with_changes(leading_lines=[cst.EmptyLine()] if at else []))
        return
    if module in _STANDARD:
        run = list(_run(body, imports, _is_standard))
        later = [at for at in run if _sorts(body[at]) > _sorts(statement)]
    else:
        run = list(_run(body, imports, _is_ours))
        later = [at for at in run if _sorts(body[at])[1] > module]
    if later or run:
        _beside(body, statement, later[0] if later else run[-1] + 1, is_first=run[0] in later[:1])
    elif module in _STANDARD:
        _before(body, statement, imports[0])
    else:
        local = [at for at in imports if _module_of(body[at]).startswith(".")]
        if local:
            _before(body, statement, local[0])
        else:
            body.insert(imports[-1] + 1, statement)


def _run(body: list[Any], imports: list[int], fits: Callable[[Any], bool]) -> Iterator[int]:
    """The first of the imports that fit, and those that follow without a blank line."""
    for at in imports:
        if fits(body[at]):
            yield at
            while at + 1 in imports and not body[at + 1].leading_lines and fits(body[at + 1]):
                at += 1
                yield at
            return


def _beside(body: list[Any], statement: Any, at: int, *, is_first: bool) -> None:
    if is_first:
        statement = statement.with_changes(leading_lines=body[at].leading_lines)
        body[at] = body[at].with_changes(leading_lines=[])
    body.insert(at, statement)


def _before(body: list[Any], statement: Any, at: int) -> None:
    """As a block of its own."""
    lines = body[at].leading_lines
    body[at] = body[at].with_changes(leading_lines=[cst.EmptyLine()])
    body.insert(at, statement.with_changes(leading_lines=lines))


def _sorts(statement: Any) -> tuple[bool, str]:
    return isinstance(statement.body[0], cst.ImportFrom), _module_of(statement)


def _is_standard(statement: Any) -> bool:
    return _module_of(statement).partition(".")[0] in sys.stdlib_module_names


def _is_ours(statement: Any) -> bool:
    return _module_of(statement).partition(".")[0] in ("carboy", "fastapi", "flask")


def _is_head(statement: Any) -> bool:
    """A docstring or `from __future__ import`."""
    if _is_import(statement):
        return _module_of(statement) == "__future__"
    return isinstance(statement, cst.SimpleStatementLine) and isinstance(
        statement.body[0], cst.Expr
    )
