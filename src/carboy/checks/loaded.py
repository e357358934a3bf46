"""What an application that is loaded tells: its routes compiled, and what stands around them."""

from __future__ import annotations

import inspect
from collections.abc import Generator, Iterator
from typing import Any

from carboy.checks.findings import Finding, Used
from carboy.flask.serving import STEPS

#: Where a Flask application's middleware stands.
AROUND = "around wsgi_app"
_HOOKS = (
    "before_request_funcs",
    "after_request_funcs",
    "teardown_request_funcs",
    "url_value_preprocessors",
    "template_context_processors",
)


def kind_of(app: Any) -> str:
    """flask, fastapi or app."""
    from carboy.app import App
    from carboy.flask import Flask

    if isinstance(app, App):
        return "app"
    return "flask" if isinstance(app, Flask) else "fastapi"


def look_at(app: Any) -> Iterator[Finding | Used]:
    """Findings of a Carboy application of any kind."""
    if not (yield from _routes(app)):
        return
    kind = kind_of(app)
    if kind in ("app", "fastapi"):
        yield from _typed(app)
    flask = app if kind == "flask" else getattr(app, "_side", None)
    if flask is not None:
        yield from _flask(flask)


def _routes(app: Any) -> Generator[Finding | Used, None, bool]:
    """Compile every route. Gives whether there is a URL map at all."""
    try:
        routes = app.engine.router.routes
    except Exception as error:
        yield Finding("unsupported", "the URL map", _said(error))
        return False
    for target in routes:
        if target.call is not None:
            continue
        try:
            target.compile(app.override if hasattr(app, "override") else app.declared.override)
        except Exception as error:
            endpoint = getattr(target.route.extras.get("route"), "endpoint", None)
            yield Finding("unsupported", target.route.title, _said(error), *place_of(endpoint))
    yield Used("routes", str(sum(map(_is_declared, routes))), "compiled")
    return True


def _is_declared(target: Any) -> bool:
    """Whether a route is the application's: no page of the documentation, no toggled slash."""
    extras = target.route.extras
    return "foreign" not in extras and not getattr(extras.get("seen"), "other_slash", False)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def place_of(function: Any) -> tuple[str | None, int | None]:
    """File and line of a function."""
    code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
    return (None, None) if code is None else (code.co_filename, code.co_firstlineno)


def _typed(app: Any) -> Iterator[Finding | Used]:
    for one in app.user_middleware:
        cls = one.cls
        yield Used(
            "middleware", getattr(cls, "__name__", repr(cls)), getattr(cls, "__module__", "")
        )
    for route in app.routes:
        kind = type(route).__name__
        if kind == "Mount":
            yield Used("mounts", route.path, type(route.app).__name__)
        elif kind == "WebSocketRoute" or kind == "APIWebSocketRoute":
            yield Used("websockets", route.path, route.name)


def _flask(app: Any) -> Iterator[Finding | Used]:
    from carboy.flask import Flask

    for name in sorted(app.extensions):
        yield Used("app.extensions", name, type(app.extensions[name]).__name__)
    for name, blueprint in app.blueprints.items():
        yield Used("blueprints", name, blueprint.import_name)
    for step in sorted(STEPS - {"wsgi_app"}):
        replaced = getattr(type(app), step)
        if step in app.__dict__ or replaced is not getattr(Flask, step):
            advice = "a step of Flask's that is overridden: all steps are called, one by one."
            place = place_of(app.__dict__.get(step, replaced))
            yield Finding("slower", f"{type(app).__name__}.{step}", advice, *place)
    if "wsgi_app" in app.__dict__:
        name = type(app.wsgi_app).__name__
        yield Used("middleware", name, AROUND)
    for table in _HOOKS:
        functions = [one for found in getattr(app, table).values() for one in found]
        own = [one for one in functions if not _is_ours(one)]
        if own:
            label = table.removesuffix("_funcs").removesuffix("s")
            yield Used("hooks in all", label, str(len(own)))
    yield from _urls(app)


def _is_ours(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).startswith("carboy.")


def _urls(app: Any) -> Iterator[Finding | Used]:
    """Rules whose requests take the long way."""
    from werkzeug.routing.converters import DEFAULT_CONVERTERS

    known = set(DEFAULT_CONVERTERS.values())
    told: set[str] = set()
    for rule in app.url_map.iter_rules():
        for name, converter in rule._converters.items():
            kind = type(converter)
            if kind not in known and kind.__name__ not in told:
                told.add(kind.__name__)
                advice = (
                    f"the application's own converter, in {rule.rule!r}: requests of its rules go "
                    "through Flask's steps one by one."
                )
                yield Finding("slower", f"<{kind.__name__}:{name}>", advice, *_class_place(kind))
    if app.url_map.host_matching or app.url_map.knows_hosts or app.subdomain_matching:
        advice = "rules that ask for the host go through Flask's steps one by one."
        yield Finding("slower", "hosts or subdomains in rules", advice)
    if app.config["SERVER_NAME"]:
        yield Used("config", "SERVER_NAME", str(app.config["SERVER_NAME"]))


def _class_place(kind: type[Any]) -> tuple[str | None, int | None]:
    try:
        return inspect.getsourcefile(kind), inspect.getsourcelines(kind)[1]
    except (OSError, TypeError):
        return None, None
