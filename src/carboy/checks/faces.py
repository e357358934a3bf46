"""Names of flask, fastapi and starlette that sources ask for and the faces lack."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from collections.abc import Iterator
from functools import cache

from carboy.checks.findings import Finding
from carboy.sources import ModuleFacts
from carboy.sources.modules import HOMES, canonical

#: Package -> where its names are.
_FACES = {"flask": "carboy.flask", "fastapi": "carboy.fastapi", "starlette": "starlette"}
#: What went away in Flask before 3.1, and what to write.
_GONE = {
    "flask._app_ctx_stack": "Flask 2.3 took it away: use flask.g or flask.current_app.",
    "flask._request_ctx_stack": "Flask 2.3 took it away: use flask.g, or request.",
    "flask.Markup": "Flask 3.0 took it away: from markupsafe import Markup.",
    "flask.escape": "Flask 3.0 took it away: from markupsafe import escape.",
    "flask.json.JSONEncoder": "Flask 2.3 took it away: make a flask.json.provider.JSONProvider.",
    "flask.json.JSONDecoder": "Flask 2.3 took it away: make a flask.json.provider.JSONProvider.",
    "flask.helpers.safe_join": "Flask 2.1 took it away: from werkzeug.utils import safe_join.",
    "flask.safe_join": "Flask 2.1 took it away: from werkzeug.utils import safe_join.",
}
#: Attributes of applications and blueprints that went away, likewise.
_GONE_OF_APPS = {
    "before_first_request": "Flask 2.3 took it away: do it where the application is made.",
    "before_app_first_request": "Flask 2.3 took it away: do it where the application is made.",
    "json_encoder": "Flask 2.3 took it away: make a JSONProvider, app.json_provider_class.",
    "json_decoder": "Flask 2.3 took it away: make a JSONProvider, app.json_provider_class.",
    "session_cookie_name": "Flask 2.3 took it away: app.config['SESSION_COOKIE_NAME'].",
    "env": "Flask 2.3 took it away: app.debug.",
    "propagate_exceptions": "Flask 2.3 took it away: app.config['PROPAGATE_EXCEPTIONS'].",
    "got_first_request": "Flask 2.3 deprecated it; there is no need for it.",
}
_OTHERWISE = " The import may fail: the source has another way."
_ADVICE = {
    "flask": "Carboy's Flask face has no such name. It has all of Flask 3.1's documented ones; "
    "a private one has to be done without.",
    "fastapi": "Carboy's FastAPI face has no such name. It has all of FastAPI 0.165's documented "
    "ones; a private one has to be done without.",
    "starlette": "the installed Starlette has no such name.",
}


def lacking(facts: ModuleFacts) -> Iterator[Finding]:
    """Names that can't be had. Imports for type checkers don't matter, optional ones are told."""
    missing = {
        canonical(one.module if one.name is None else f"{one.module}.{one.name}")
        for one in facts.imports
        if one.module.partition(".")[0] in _FACES and not has(one.module, one.name)
    }
    for one in facts.imports:
        if one.is_typing or one.module.partition(".")[0] not in _FACES:
            continue
        name = one.module if one.name is None else f"{one.module}.{one.name}"
        if one.name != "*" and not has(one.module, one.name):
            level = "different" if one.is_optional else "unsupported"
            advice = _advice(name) + (_OTHERWISE if one.is_optional else "")
            yield Finding(level, name, advice, facts.file, one.line)
    for named in facts.names:
        package = named.name.partition(".")[0]
        if any(f"{named.name}.".startswith(f"{name}.") for name in missing):
            continue  # it is told where it is imported
        if package in _FACES and "()" not in named.name and not reaches(named.name):
            yield Finding("unsupported", named.name, _advice(named.name), facts.file, named.line)
        elif (gone := _gone_of_app(named.name)) is not None:
            attribute = named.name.rpartition(".")[2]
            yield Finding("unsupported", f"app.{attribute}", gone, facts.file, named.line)
    for hook in facts.hooks:
        if hook.kind in _GONE_OF_APPS:
            gone = _GONE_OF_APPS[hook.kind]
            yield Finding("unsupported", f"@{hook.owner}.{hook.kind}", gone, facts.file, hook.line)


def _gone_of_app(name: str) -> str | None:
    owner, _, attribute = name.rpartition(".")
    if owner.endswith(("flask.Flask()", "flask.Blueprint()", "flask.current_app")):
        return _GONE_OF_APPS.get(attribute)
    return None


def _advice(name: str) -> str:
    return _GONE.get(name) or _ADVICE[name.partition(".")[0]]


@cache
def has(module: str, name: str | None) -> bool:
    """Whether ``from module import name`` works with the faces."""
    package, _, rest = module.partition(".")
    true_name = _FACES[package] + (f".{rest}" if rest else "")
    if _module(true_name) is None:
        return False
    return name is None or _get(true_name, name)


@cache
def reaches(dotted: str) -> bool:
    """Whether ``flask.a.b`` can be got to, by way of modules and attributes of classes.

    What hangs on objects (a proxy, an instance) is not looked at.
    """
    package, *parts = dotted.split(".")
    where = _FACES[package]
    for index, part in enumerate(parts):
        if _module(f"{where}.{part}") is not None:
            where = f"{where}.{part}"
        elif _get(where, part):
            return True
        elif package == "flask" and index == 0:
            # Names of Flask's own modules are known by their short form (sources/modules.py).
            return any(_get(f"{where}.{home}", part) for home in sorted(HOMES))
        else:
            return False
    return True


def _module(name: str) -> object | None:
    try:
        with warnings.catch_warnings():
            # That a module is deprecated is not asked here.
            warnings.simplefilter("ignore")
            if importlib.util.find_spec(name) is None:
                return None
            return importlib.import_module(name)
    except ImportError:
        return None


def _get(module: str, name: str) -> bool:
    found = _module(module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return hasattr(found, name) or _module(f"{module}.{name}") is not None
