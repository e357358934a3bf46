"""Packages for Flask and FastAPI that are imported, and whether they are known to work."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version

from carboy.checks.findings import Finding, Used
from carboy.checks.proven import BY_MODULE, NOTES, PROVEN, SEEN
from carboy.sources import ModuleFacts

_FRAMEWORKS = frozenset(("flask", "fastapi", "starlette", "quart"))
_PREFIXES = ("flask_", "fastapi_", "starlette_")
#: Nothing to tell: the frameworks themselves, and what our faces are made with.
_KNOWN = frozenset(("flask", "fastapi", "starlette", "carboy", "werkzeug", "jinja2", "click"))


def extensions(facts: ModuleFacts, own: frozenset[str]) -> Iterator[Finding | Used]:
    """What is known of the packages for web frameworks that are imported; `own` are own modules."""
    for one in facts.imports:
        module = one.module.partition(".")[0]
        if not module or one.is_typing or module in _KNOWN or module in own:
            continue
        if module in sys.stdlib_module_names:
            continue
        if module in NOTES:
            level, advice = NOTES[module]
            yield Finding(level, module, advice, facts.file, one.line)
        elif module in BY_MODULE:
            yield _proven(module, facts.file, one.line)
        elif module in SEEN:
            detail = f"answered as on Flask at {SEEN[module]}"
            yield Used("extensions", _told(module), detail, facts.file, one.line)
        elif is_extension(module):
            told = _told(module)
            yield Used("extensions", told, "not tested", facts.file, one.line)
            yield Finding(
                "untested",
                told,
                "its own tests have not been run on Carboy; run yours: carboy exec -- pytest",
                facts.file,
                one.line,
            )


def _proven(module: str, file: str, line: int) -> Used:
    name = BY_MODULE[module]
    tested = PROVEN[name][0]
    here = _version(name)
    detail = f"its tests pass at {tested}" if here in (None, tested) else f"tested at {tested}"
    return Used("extensions", f"{name} {here}" if here else name, detail, file, line)


def _told(module: str) -> str:
    names = _distributions().get(module)
    here = _version(names[0]) if names else None
    return f"{names[0]} {here}" if names and here else module


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(packages_distributions())


@cache
def is_extension(module: str) -> bool:
    """Whether a module is of a package that is made for Flask, FastAPI or Starlette."""
    if module in _KNOWN:
        return False
    if module.startswith(_PREFIXES):
        return True
    for name in _distributions().get(module, ()):
        for needed in requires(name) or ():
            package, _, condition = needed.partition(";")
            is_framework = re.split(r"[^\w.-]", package.strip())[0].lower() in _FRAMEWORKS
            if is_framework and "extra" not in condition:
                return True
    return False
