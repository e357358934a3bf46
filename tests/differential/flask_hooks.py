"""Applications with nested blueprints, every kind of hook, error handlers and signals, as data.

Whatever is called writes its name into `app.called`: the order of calls is compared, not only the
answer. A hook may also answer, raise or change the response, as the plan says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from hypothesis import strategies as st
from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    HTTPException,
    InternalServerError,
    NotFound,
    ServiceUnavailable,
)

from .wsgi_asking import refusal


class Base(Exception):
    pass


class Below(Base):
    pass


class Teapot(HTTPException):
    code = 418
    description = "short"


ERRORS: dict[str, Callable[[], Exception]] = {
    "base": lambda: Base("base"),
    "below": lambda: Below("below"),
    "key": lambda: KeyError("key"),
    "zero": ZeroDivisionError,
    "404": NotFound,
    "403": lambda: Forbidden("no <b>"),
    "400": BadRequest,
    "418": Teapot,
    "500": InternalServerError,
    "503": lambda: ServiceUnavailable(retry_after=5),
}
#: What error handlers are registered for.
HANDLED: dict[str, Any] = {
    "404": 404, "403": 403, "500": 500, "418": 418, "405": 405, "base": Base, "below": Below,
    "exception": Exception, "http": HTTPException, "notfound": NotFound, "lookup": LookupError,
    "arithmetic": ArithmeticError,
}  # fmt: skip
HOOKS = [
    "before_request", "after_request", "teardown_request", "url_value_preprocessor", "url_defaults",
    "context_processor", "before_app_request", "after_app_request", "teardown_app_request",
    "app_url_value_preprocessor", "app_url_defaults", "app_context_processor",
    "teardown_appcontext",
]  # fmt: skip
SIGNALS = [
    "request_started", "request_finished", "request_tearing_down", "got_request_exception",
    "appcontext_pushed", "appcontext_popped", "appcontext_tearing_down", "template_rendered",
    "before_render_template",
]  # fmt: skip
#: The blueprints, each with the one it stands in.
NESTING = {"": None, "a": "", "b": "", "ab": "a", "abc": "ab"}


@dataclass(frozen=True)
class Hook:
    """A hook of a kind at a blueprint ("" for the application), and what it does."""

    kind: str
    where: str
    does: str = ""


@dataclass(frozen=True)
class Handler:
    """An error handler, `wide` for the whole application."""

    handled: str
    where: str
    wide: bool = False
    does: str = "text"


@dataclass(frozen=True)
class View:
    """A view of a blueprint: ``/<name>/<int:n>`` below its prefixes."""

    where: str
    does: str = ""


@dataclass(frozen=True)
class HookPlan:
    hooks: tuple[Hook, ...]
    handlers: tuple[Handler, ...]
    views: tuple[View, ...]
    config: tuple[tuple[str, Any], ...] = ()
    signals: tuple[str, ...] = ()
    #: How each blueprint is registered.
    registered: tuple[tuple[str, str], ...] = ()


WHERE = st.sampled_from(sorted(NESTING))
RAISED = st.sampled_from(sorted(ERRORS)).map("raise {}".format)
DOES = st.sampled_from([""] * 6 + ["answer", "change", "session", "g", "after", "none"]) | RAISED


def plans() -> st.SearchStrategy[HookPlan]:
    hooks = st.builds(Hook, st.sampled_from(HOOKS), WHERE, DOES)
    handlers = st.builds(
        Handler,
        st.sampled_from(sorted(HANDLED)),
        WHERE,
        st.booleans(),
        st.sampled_from(["text", "same", "reraise", "tuple"]) | RAISED,
    )
    views = st.builds(
        View, WHERE, st.sampled_from(["", "template", "url", "missing"]) | DOES | RAISED
    )
    config = st.sampled_from(
        [()] * 6
        + [(("TESTING", True),), (("TRAP_HTTP_EXCEPTIONS", True),),
           (("PROPAGATE_EXCEPTIONS", True),), (("DEBUG", True), ("PROPAGATE_EXCEPTIONS", False)),
           (("TESTING", True), ("PROPAGATE_EXCEPTIONS", False))]
    )  # fmt: skip
    ways = st.sampled_from(["prefix", "prefix", "own", "none", "defaults", "name"])
    registered = st.tuples(*[st.tuples(st.just(name), ways) for name in NESTING if name])
    return st.builds(
        HookPlan,
        st.lists(hooks, max_size=8).map(tuple),
        st.lists(handlers, max_size=5).map(tuple),
        st.lists(views, min_size=1, max_size=4).map(tuple),
        config,
        st.lists(st.sampled_from(SIGNALS), max_size=3, unique=True).map(tuple),
        registered,
    )


def build(package: ModuleType, plan: HookPlan) -> Any:
    """The application of `plan`, what it calls in `app.called`."""
    app = package.Flask("differential", static_folder=None)
    app.logger.disabled = True
    app.config.update(SECRET_KEY="secret", **dict(plan.config))
    app.called = []
    homes = {name: app if not name else package.Blueprint(name, "differential") for name in NESTING}
    for number, view in enumerate(plan.views):
        name = f"view{number}"
        homes[view.where].add_url_rule(
            f"/{name}/<int:n>", name, _view(package, app, name, view.does)
        )
    for number, hook in enumerate(plan.hooks):
        register = getattr(homes[hook.where], hook.kind, None)
        if register is not None:
            register(_hook(package, app, f"{hook.kind} {hook.where}{number}", hook))
    for number, handler in enumerate(plan.handlers):
        home = homes[handler.where]
        wide = handler.wide and handler.where
        register = home.app_errorhandler if wide else home.errorhandler
        name = f"handler {handler.handled} {handler.where}{number}"
        register(HANDLED[handler.handled])(_handler(package, app, name, handler.does))
    for name, way in reversed(plan.registered):
        options: dict[str, Any] = {
            "prefix": {"url_prefix": f"/{name}"},
            "own": {"url_prefix": f"/<x{name}>/{name}/"},
            "none": {},
            "defaults": {"url_prefix": f"/{name}", "url_defaults": {"y": 5}},
            "name": {"url_prefix": f"/{name}", "name": f"other_{name}"},
        }[way]
        homes[NESTING[name] or ""].register_blueprint(homes[name], **options)
    for name in plan.signals:
        _listen(package, app, name)
    return app


def _listen(package: ModuleType, app: Any, name: str) -> None:
    def receive(sender: Any, **given: Any) -> None:
        shown = sorted(key for key in given if not key.startswith("_"))
        app.called.append(f"signal {name} {shown} {type(given.get('exception')).__name__}")

    getattr(package, name).connect(receive, app, weak=False)


def _act(package: ModuleType, app: Any, name: str, does: str) -> None:
    app.called.append(name)
    if does.startswith("raise "):
        raise ERRORS[does[6:]]()
    if does == "session":
        package.session[name] = 1
    elif does == "g":
        package.g.seen = [*package.g.get("seen", ()), name]
    elif does == "after" and package.has_request_context():

        @package.after_this_request
        def later(response: Any) -> Any:
            app.called.append(f"later {name}")
            response.headers.add("X-Later", name)
            return response


def _hook(package: ModuleType, app: Any, name: str, hook: Hook) -> Any:
    if "after" in hook.kind:

        def after(response: Any) -> Any:
            _act(package, app, name, hook.does)
            response.headers.add("X-After", name)
            if hook.does == "none":
                return None
            return package.make_response("changed", 203) if hook.does == "change" else response

        return after
    if "teardown" in hook.kind:
        return lambda error: _act(package, app, f"{name} {type(error).__name__}", hook.does)
    if "context_processor" in hook.kind:

        def values() -> Any:
            _act(package, app, name, hook.does)
            return {"x": name, hook.where or "top": 1}

        return values
    if "url" in hook.kind:

        def see(endpoint: str, values: Any) -> None:
            _act(package, app, f"{name} {endpoint} {values}", hook.does)
            if hook.does == "change" and values is not None:
                values.setdefault("q", name)
                values.pop("xa", None)

        return see

    def before() -> Any:
        _act(package, app, name, hook.does)
        return name if hook.does == "answer" else None

    return before


def _handler(package: ModuleType, app: Any, name: str, does: str) -> Any:
    def handle(error: Any) -> Any:
        original = getattr(error, "original_exception", None)
        _act(package, app, f"{name} {refusal(error)} {type(original).__name__}", does)
        if does == "reraise":
            raise error
        if does == "same":
            return error
        return (name, getattr(error, "code", None) or 410) if does == "tuple" else name

    return handle


def _view(package: ModuleType, app: Any, name: str, does: str) -> Any:
    def view(**values: Any) -> Any:
        _act(package, app, f"{name} {values}", does)
        request = package.request
        if does == "none":
            return None
        if does == "template":
            return package.render_template_string(
                "{{ x }} {{ top }} {{ a }} {{ g.seen }} {{ url_for('.view0', n=1) }}"
            )
        if does == "url":
            return package.url_for(f".{name}", **values, _external=True, z="1")
        if does == "missing":
            return package.url_for("absent")
        seen = package.g.get("seen", ())
        return repr([request.endpoint, request.blueprint, request.blueprints, values, seen])

    return view
