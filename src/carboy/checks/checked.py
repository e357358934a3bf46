"""A whole check: find the files, read them, load the application if it can be loaded, report.

Whether the drop-in is needed is read from the sources before anything is imported: afterwards it
would be too late.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from carboy.checks.extensions import extensions, is_extension
from carboy.checks.faces import lacking
from carboy.checks.files import below, followed, installed, loaded, module_file
from carboy.checks.findings import Finding, Report, Used
from carboy.checks.habits import WSGI, habits
from carboy.checks.loaded import AROUND, kind_of, look_at
from carboy.checks.proven import BY_MODULE
from carboy.checks.servers import beside, python_here, served_in_code
from carboy.sources import ModuleFacts, read_module

_FACES = frozenset(("flask", "fastapi"))


def check(
    target: str,
    load: Callable[[bool], Any] | None,
    module: str = "",
    roots: list[Path] | None = None,
    drop_in: bool = False,
) -> Report:
    """Check `target`.

    `load` takes whether to use the drop-in and gives the application, or raises whatever is in the
    way; None: sources only. `module` is where the application is, below one of `roots`; without it
    `target` is a file or folder.
    """
    report = Report(target, python=python_here())
    roots = [root.resolve() for root in roots or []]
    package = module.partition(".")[0]
    place = installed(module) if module and module_file(module, roots) is None else None
    if place is not None:
        # An application from the package index: its own modules are those of its package.
        roots = [place]
        files = followed(module, roots, package)
    elif module:
        files = followed(module, roots)
    else:
        path = Path(target).resolve()
        roots = [path if path.is_dir() else path.parent]
        files = {one: read_module(one) for one in (below(path) if path.is_dir() else [path])}
    report.drop_in = drop_in or needs_drop_in(files)
    report.kind = _kind(files)
    if load is not None:
        files |= _load(report, load, roots if place is None else [place / package])
    own = _own_names(files, roots)
    for file in sorted(files):
        _read(report, files[file], own)
    report.add(_wrapped(report))
    for root in roots[:1] if place is None else ():
        report.add(beside(root))
    report.modules = len(files)
    report.add([_mark(report)])
    _shorten(report, roots)
    return report


def needs_drop_in(files: dict[Path, ModuleFacts]) -> bool:
    """Whether own modules import flask or fastapi by their names, or an extension that does."""
    imported = [one for facts in files.values() for one in facts.imports if not one.is_typing]
    if any("carboy.dropin" in (one.module, f"{one.module}.{one.name}") for one in imported):
        return False  # they see to it themselves
    named = {one.module.partition(".")[0] for one in imported}
    return any(one in _FACES or one in BY_MODULE or is_extension(one) for one in named if one)


def _load(
    report: Report, load: Callable[[bool], Any], roots: list[Path]
) -> dict[Path, ModuleFacts]:
    # Modules that end in app.run() are loaded, not run. COMPAT: what Flask's own command says.
    os.environ.setdefault("FLASK_RUN_FROM_CLI", "true")
    try:
        app = load(report.drop_in)
    except Exception as error:
        report.error = str(error)
        return {}
    report.loaded = True
    report.kind = kind_of(app)
    report.add(look_at(app))
    return loaded(roots)


def _read(report: Report, facts: ModuleFacts, own: frozenset[str]) -> None:
    if facts.error:
        advice = f"can't be read: {facts.error}"
        report.add([Finding("unsupported", Path(facts.file).name, advice, facts.file, 1)])
    for look in (lacking, habits, served_in_code):
        report.add(look(facts))
    report.add(extensions(facts, own))


def _wrapped(report: Report) -> list[Finding]:
    """That there is middleware around `wsgi_app`, where no source of the application's says so."""
    names = [one.name for one in report.used if one.detail == AROUND]
    if not names or any(one.what == f"middleware {AROUND}" for one in report.findings):
        return []
    return [Finding("slower", f"middleware {AROUND}", f"{names[0]}: {WSGI}")]


def _own_names(files: dict[Path, ModuleFacts], roots: list[Path]) -> frozenset[str]:
    """Top-level names of the application's own modules."""
    names = set()
    for file in files:
        for root in roots:
            if file.is_relative_to(root):
                names.add(file.relative_to(root).parts[0].removesuffix(".py"))
    return frozenset(names)


def _kind(files: dict[Path, ModuleFacts]) -> str:
    makers = {made.call.name for facts in files.values() for made in facts.made}
    if any(name.endswith("carboy.App") for name in makers):
        return "app"
    for kind, name in (("fastapi", "fastapi.FastAPI"), ("flask", "flask.Flask")):
        if any(maker.endswith(name) for maker in makers):
            return kind
    return "unknown"


def _mark(report: Report) -> Used:
    how = "--drop-in" if report.drop_in else "as it is"
    return Used("runs", f"carboy run {how}".removesuffix(" as it is"), report.target)


def _shorten(report: Report, roots: list[Path]) -> None:
    """Files as seen from where the application is."""

    def short(file: str | None) -> str | None:
        for root in roots:
            if file and Path(file).is_relative_to(root):
                return str(Path(file).relative_to(root))
        return file

    from dataclasses import replace

    report.findings = [replace(one, file=short(one.file)) for one in report.findings]
    report.used = [replace(one, file=short(one.file)) for one in report.used]
