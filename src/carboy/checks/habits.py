"""What sources do that is different here, or that takes a longer way: Flask's habits and FastAPI's.

What is different is docs/from-flask.md's and docs/from-fastapi.md's tables, as far as a source
shows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from carboy.checks.findings import Finding, Used
from carboy.flask.serving import STEPS
from carboy.sources import ModuleFacts, Rule
from carboy.sources.facts import View

WSGI = "every request becomes a WSGI environ for it first; the views behind it stay as fast."
_ASGI = "requests reach the routes through ASGI; without middleware they come there directly."
_SIGNALS = frozenset(
    ("appcontext_popped", "appcontext_pushed", "appcontext_tearing_down", "request_started")
) | {"before_render_template", "got_request_exception", "message_flashed", "request_finished"}
_SIGNALS |= {"request_tearing_down", "template_rendered"}
#: Names whose use says something: (level, what, advice).
_NAMES: dict[str, tuple[str, str, str]] = {
    "anyio.to_thread.current_default_thread_limiter": (
        "different",
        "AnyIO's thread limiter",
        "`def` endpoints run in a pool of Carboy's own: 40 threads, see docs/limits.md.",
    ),
    "fastapi.routing.run_endpoint_function": (
        "slower",
        "run_endpoint_function",
        "what replaces it is called, and its routes are solved step by step.",
    ),
    "werkzeug.middleware.proxy_fix.ProxyFix": (
        "slower",
        "ProxyFix",
        (
            "carboy run reads X-Forwarded-For and -Proto itself from the proxies you name "
            "(--forwarded-allow-ips, docs/deployment.md), and does so for typed routes too."
        ),
    ),
    "asgiref.wsgi.WsgiToAsgi": (
        "different",
        "WsgiToAsgi",
        "not needed: every application of Carboy is WSGI and ASGI.",
    ),
    "a2wsgi.ASGIMiddleware": (
        "different",
        "a2wsgi",
        "not needed: every application of Carboy is WSGI and ASGI.",
    ),
}
#: Attributes of other modules that applications replace: what of it counts here.
_REPLACED = {
    "json.loads": ("different", "bodies are parsed by pydantic-core: it is not asked."),
    "fastapi.routing.solve_dependencies": (
        "slower",
        "it is called, by routes that are built after that.",
    ),
    "fastapi.Request.body": ("different", "bodies are read before there is a Request."),
    "starlette.requests.Request.body": (
        "different",
        "bodies are read before there is a Request.",
    ),
}
_BLOCKING = ("requests.", "time.sleep", "urllib.", "db.session", "query", "flask_sqlalchemy.")


def habits(facts: ModuleFacts) -> Iterator[Finding | Used]:
    """Everything that one file's own text tells."""
    yield from _classes(facts)
    yield from _assigned(facts)
    yield from _called(facts)
    for named in facts.names:
        if (known := _NAMES.get(named.name)) is not None:
            level, what, advice = known
            yield Finding(level, what, advice, facts.file, named.line)
        package, name, *_ = [*named.name.split("."), ""]
        if package == "flask" and name in _SIGNALS:
            yield Used("signals", name, "", facts.file, named.line)
    for hook in facts.hooks:
        told = f"async {hook.function}" if hook.is_async else hook.function
        yield Used("hooks", f"@{hook.owner}.{hook.kind}", told, facts.file, hook.line)
    for rule in facts.rules:
        yield from _rule(rule, facts.file)


def _classes(facts: ModuleFacts) -> Iterator[Finding]:
    for one in facts.classes:
        if any(base.endswith("flask.Flask") for base in one.bases):
            for name in sorted(STEPS & one.members.keys()):
                yield Finding(
                    "slower",
                    f"{one.name}.{name}",
                    "a step of Flask's that is overridden: it and all other steps are called, one "
                    "by one, for every request.",
                    facts.file,
                    one.members[name],
                )
        line = one.members.get("get_route_handler")
        if line is not None and any(base.endswith("APIRoute") for base in one.bases):
            advice = "routes of this class go from a Request to a Response, as FastAPI's do."
            yield Finding("slower", f"{one.name}.get_route_handler", advice, facts.file, line)
        if any(base.endswith(("fastapi.Request", "requests.Request")) for base in one.bases):
            for name in sorted({"body", "stream", "json"} & one.members.keys()):
                advice = "bodies of usual routes are read before there is a Request: not asked."
                what = f"{one.name}.{name}"
                yield Finding("different", what, advice, facts.file, one.members[name])


def _assigned(facts: ModuleFacts) -> Iterator[Finding]:
    for one in facts.assigned:
        owner, _, attribute = one.name.rpartition(".")
        if attribute == "wsgi_app":
            yield Finding("slower", "middleware around wsgi_app", WSGI, facts.file, one.line)
        elif one.name in _REPLACED:
            level, advice = _REPLACED[one.name]
            yield Finding(level, f"{one.name} is replaced", advice, facts.file, one.line)
        elif owner.endswith("flask.Flask()") and attribute in STEPS:
            advice = "a step of Flask's that is replaced: all steps are called, one by one."
            yield Finding("slower", f"app.{attribute}", advice, facts.file, one.line)


def _called(facts: ModuleFacts) -> Iterator[Finding | Used]:
    for call in facts.calls:
        if call.name.endswith(".add_middleware"):
            yield Finding("slower", "middleware", _ASGI, facts.file, call.line)
        elif call.name.endswith("environ.get") and "request.environ" in call.name:
            key = str(call.positional[0]) if call.positional else ""
            if key.startswith(("werkzeug.", "gunicorn.", "uwsgi.", "eventlet.", "waitress.")):
                advice = "a server's own key, which is not in the environ of carboy run."
                yield Finding("different", f"environ[{key!r}]", advice, facts.file, call.line)


def _rule(rule: Rule, file: str) -> Iterator[Finding | Used]:
    view = rule.view
    names = re.findall(r"<(?:[^<>]*:)?(\w+)>", rule.text or "")
    for name in sorted({one for one in names if names.count(one) > 1}):
        advice = "a rule that names a variable twice is an error, in Flask too."
        yield Finding("unsupported", f"{rule.text}: {name}", advice, file, view.line)
    yield from differing(view)
    if view.is_async and "flask" in rule.maker:
        yield Used("async views", view.name, "on the server's loop", file, view.line)


def differing(view: View) -> Iterator[Finding]:
    """What a view does that is answered otherwise."""
    for answer in view.answers:
        status = answer.status
        if status and not 200 <= status <= 599:
            advice = "no status of a final answer: 500 under carboy run."
            yield Finding("different", f"status {status}", advice, view.file, answer.line)
        if status == 205 and answer.kind not in ("empty", "unknown"):
            advice = "205 has no body, as HTTP says: what the view returns is left out."
            yield Finding("different", "status 205", advice, view.file, answer.line)
    for read in view.reads_of("header"):
        if "_" in read.key:
            advice = (
                "headers with an underscore in their name are left out under carboy run, as "
                "nginx does: call it " + read.key.replace("_", "-")
            )
            yield Finding("different", f"header {read.key}", advice, view.file, read.line)
    if view.is_async and view.decorators and "flask" in view.decorators[0]:
        for use in view.uses:
            name = use.name if use.detail is None else f"{use.name}.{use.detail}"
            if name.startswith(_BLOCKING):
                advice = (
                    f"`{name}` waits, and this async view runs on the server's loop: all others "
                    'wait with it. Make it a `def`, or set CARBOY_ASYNC_VIEWS = "thread".'
                )
                yield Finding("different", f"async {view.name}", advice, view.file, use.line)
