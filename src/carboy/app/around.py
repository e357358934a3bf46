"""What Flask has around a typed route of an `App`, written as one line of source.

Contexts are pushed, so that `request`, `session`, `g` and `current_app` work in typed handlers and
their dependencies; the application's hooks run, and those of the blueprint that the route's name
belongs to; the session is saved. The typed route itself is compiled as ever: `inner` in the text.

Contexts last as long as the route's dependencies do: where something is left open, or the answer is
a stream, they are closed after it (`stay`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

from werkzeug.datastructures import Headers
from werkzeug.local import LocalProxy

from carboy.app import failing
from carboy.app.crossing import fresh_for
from carboy.app.errors import answer_by_kind
from carboy.app.options import STANDS_FOR
from carboy.app.streams import saying, sends_itself, within
from carboy.core.answer import BODILESS, Body, Head
from carboy.core.closing import Ending, Opened
from carboy.core.compile import build
from carboy.core.context import RequestContext as Served
from carboy.core.engine import Target
from carboy.core.route import Lane, Route
from carboy.flask import Flask, finishing
from carboy.flask.ctx import RequestContext
from carboy.flask.globals import _cv_app, _cv_request
from carboy.flask.hooked import Hooked
from carboy.flask.lean import close_context, open_context
from carboy.flask.serving import environ_of, keep_contexts
from carboy.flask.sessions import SecureCookieSessionInterface
from carboy.flask.signals import request_finished
from carboy.flask.wrappers import Request

if TYPE_CHECKING:
    from carboy.app.declared import Both
    from carboy.app.side import Side

Pair = tuple[Head, Body]
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})


def line_for(declared: Both, inner: Target, route: Route) -> Lane:
    """The lane of `route`, which leads to `inner`."""
    side = declared.side
    assert side is not None
    inner.compile(declared.override)
    line = _Line(side, route, inner)
    # What hooks may want to read as well is read before them; also where the endpoint reads it by
    # itself, since a form that a hook has read would be gone.
    is_hooked = bool(line.before or line.after)
    route.buffered = inner.buffered or bool(line.before) or _is_kept_form(inner)
    # `carboy.flask.request` may be asked for a body that no parameter wants.
    has_body = route.methods is None or bool(route.methods - _BODILESS)
    reads = inner.reads or (route.buffered and (is_hooked or has_body))
    return line.lane()._replace(reads=reads)


def _is_kept_form(inner: Target) -> bool:
    """Whether the endpoint parses a form as it comes: no one else could read it after that.

    One of any size is not kept.
    """
    source = inner.route.input
    return source is not None and source.is_async and inner.max_body is not None


def _overrides(side: Side, step: str) -> bool:
    """Whether the included application has a step of its own."""
    return step in side.__dict__ or getattr(type(side), step) is not getattr(Flask, step)


class _Line(Hooked):
    """Writes the line around one typed route."""

    def __init__(self, side: Side, route: Route, inner: Target) -> None:
        # What answers where no route fits has no endpoint.
        typed = inner.route.extras.get(STANDS_FOR, inner.route)
        super().__init__(side, typed.name if "route" in typed.extras else "", inner.is_async)
        self.route = route
        self.inner = inner
        kind = side.request_class
        self.is_lean = (
            issubclass(kind, Request)
            and kind.__init__ is Request.__init__
            and not _overrides(side, "request_context")
        )
        # Steps of an application's own run the hooks themselves, the second saves the session too.
        if _overrides(side, "preprocess_request"):
            self.preprocessors, self.before = [], [side.preprocess_request]
        self.processes = _overrides(side, "process_response")
        if self.processes:
            self.after = [side.process_response]
        self.write.names.update(
            inner=inner.call,
            rule=side.rule_of(typed),
            open_context=open_context,
            open_fully=_open_fully,
            close_context=close_context,
            stale=_stale,
            request_finished=request_finished,
            respond=finishing.respond,
            finish=finishing.finish,
            stay=_stay,
            dressed=_dressed,
            undressed=_undressed,
            saved=_saved,
            processed=_processed,
            told=_told,
            concerns=failing.concerns,
            failed=failing.failed,
            keep_contexts=keep_contexts,
        )

    def lane(self) -> Lane:
        """The compiled line."""
        write, wait = self.write, "await " if self.is_async else ""
        write(f"{write.prefix} endpoint(request):")
        write("    app = get_app()")
        write("    if tables != known:")
        write(f"        return {wait}stale(request)")
        # PERF: written out: four calls less than `request.path_params`.
        names = enumerate(self.route.pattern.names)
        values = f"{{{', '.join(f'{name!r}: request.params[{at}]' for at, name in names)}}}"
        lean = f"open_context(app, request, rule, {values}) or " if self.is_lean else ""
        write(f"    context = {lean}open_fully(app, request, rule)")
        write("    if type(context) is tuple:")
        write("        return context")
        write("    error = result = None")
        write("    try:")
        self.open_session()
        write("        try:")
        self.start("context.request.view_args")
        if self.before:
            self.ask_before()
        write("        except Exception as raised:")
        write(f"            result = {self.threaded('handled', 'app, raised', is_rare=True)}")
        write("        if result is None:")
        write(f"            answer = {wait}inner(request)")
        self.answer()
        self.end()
        compiled = build(self.route, write, " in Flask's contexts")
        source = f"{compiled.source}\n\n# inner:\n{self.inner.source}"
        # No task of its own where Python does not tell its context: dependencies have scopes that
        # have to end in the task they began in. What hooks set is carried back instead.
        return Lane(compiled.call, self.is_async, source)

    def answer(self) -> None:
        """The answer with hooks run and the session saved."""
        write = self.write
        if self.processes:
            write("            response = dressed(context, answer)")
            write(f"            response = {self.step(self.after[0], 'response')}")
            write("            answer = processed(context, response, answer)")
        elif self.after:
            write("            response = dressed(context, answer)")
            self.run_after(" " * 12)
            save = self.saving("undressed", "context, response, answer")
            write(f"            answer = {save}")
        else:
            write("            if (")
            write("                context._session is not None")
            write("                or context._after_request_functions")
            write("                or request_finished.receivers")
            write("            ):")
            write(f"                answer = {self.saving('saved', 'context, answer')}")
        write("        else:")
        if self.processes:
            write("            response = make_response(context, result)")
            write(f"            response = {self.step(self.after[0], 'response')}")
            write("            answer = told(context, response)")
        elif self.after:
            write("            response = make_response(context, result)")
            self.run_after(" " * 12)
            write(f"            answer = {self.saving('finish', 'context, response')}")
        else:
            write(f"            answer = {self.saving('respond', 'context, result')}")

    def end(self) -> None:
        """What nobody handled; teardown, now or when all is closed."""
        write = self.write
        write("    except Exception as raised:")
        write("        error = raised")
        # Nothing is awaited in vain: who is cancelled would lose the error for it.
        write(f"        if not concerns(context, request, raised, {bool(self.after)}):")
        write("            raise")
        failed = self.threaded("failed", "context, request, raised", is_rare=True)
        write(f"        answer = {failed}")
        write("    except BaseException as raised:")
        write("        error = raised")
        write("        raise")
        write("    finally:")
        # Flask's test client keeps contexts for `with client:`.
        write('        if (environ := getattr(request.wire, "environ", None)) is not None:')
        write("            keep_contexts(environ)")
        # What Flask answered itself (a hook's result) is over as Flask's answers are.
        write("        if error is None and result is None and (")
        write("            request.opened or request.background or type(answer[1]) is not bytes")
        write("        ):")
        write(f"            answer = stay(context, request, answer, {self.bound_teardown()})")
        write("        else:")
        self.close(" " * 12)
        write("        error = None")
        write("    return answer")


def _open_fully(app: Side, served: Served, rule: Any) -> RequestContext | Pair:
    """The pushed context of a request below a prefix; the answer where its Host is refused."""
    context = app.request_context(environ_of(served))
    request = context.request
    if request.routing_exception is not None:
        return answer_by_kind(served, request.routing_exception)
    context.push()
    request._served = served
    # What the engine has matched is no rule that this map would find.
    request.routing_exception, request.url_rule = None, rule
    request.view_args = served.path_params
    return context


def share(scope: dict[str, Any]) -> None:
    """Have `request.session` be the session, and `request.state` the same names as `g`."""
    context = _cv_request.get(None)
    if context is None:
        return
    scope.setdefault("session", LocalProxy(lambda: context.session))
    current = _cv_app.get()
    state = scope.setdefault("state", {})
    state.update(current.g.__dict__)
    object.__setattr__(current.g, "__dict__", state)


def _stale(request: Served) -> Any:
    """A hook was added or taken away: the line is written anew."""
    target = request.target
    target.compile(target.route.extras["by"].override)
    assert target.call is not None
    return target.call(request)


# -- answers ------------------------------------------------------------------------------------


class _Sent:
    """The body of a typed route's answer that is no bytes: hooks may replace it, not read it."""

    def __init__(self, body: Any) -> None:
        self.body = body

    def __iter__(self) -> Iterator[bytes]:
        raise TypeError(
            "this answer is a stream of a typed route: an after_request hook may set its status, "
            "headers, or another body, but not read it"
        )


def _dressed(context: RequestContext, answer: Pair) -> Any:
    """A typed route's answer as a Flask response, for hooks."""
    head, body = answer[0], cast("Any", answer[1])
    response = fresh_for(context, head.status)
    own = response.direct_passthrough = sends_itself(body)
    said = body.raw_headers if own else head.fields()
    response.headers = Headers([(n.decode("latin-1"), v.decode("latin-1")) for n, v in said])
    response.response = [body] if type(body) is bytes else _Sent(body)
    if type(body) is bytes and head.status not in BODILESS:
        # COMPAT: Flask's responses know their length; who compresses them asks for it.
        response.headers.setdefault("Content-Length", str(len(body)))
    return response


def _undressed(context: RequestContext, response: Any, answer: Pair) -> Pair:
    """The pair for what hooks have made of `answer`, with the session saved."""
    finishing.save(context, response)
    return _framed(context, response, answer)


def _tell(context: RequestContext, response: Any) -> None:
    if request_finished.receivers:
        wrapper = context.app.ensure_sync
        request_finished.send(context.app, _async_wrapper=wrapper, response=response)


def _told(context: RequestContext, response: Any) -> Pair:
    """The pair for a hook's answer that `process_response` has seen."""
    _tell(context, response)
    return finishing.open_up(context, response)


def _processed(context: RequestContext, response: Any, answer: Pair) -> Pair:
    """The same where `process_response` has saved it."""
    _tell(context, response)
    return _framed(context, response, answer)


def _framed(context: RequestContext, response: Any, answer: Pair) -> Pair:
    body = response.response
    if type(body) is _Sent:
        fields = [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in response.headers]
        if sends_itself(body.body):
            status = response.status_code
            return Head(status, ()), saying(body.body, fields, status)
        return Head(response.status_code, fields), body.body
    if body == [answer[1]]:
        # Untouched: what was said of its length and framing still holds.
        return finishing.open_up(context, response)
    response.headers.pop("content-length", None)
    return finishing.open_up(context, response)


def _saved(context: RequestContext, answer: Pair) -> Pair:
    """`answer` with the session saved, `after_this_request` done and receivers told."""
    if context._after_request_functions or request_finished.receivers:
        response = finishing.late(context, _dressed(context, answer))
        return _undressed(context, response, answer)
    head, body = answer
    session: Any = context._session
    own = type(context.app.session_interface) is SecureCookieSessionInterface
    if own and not (session.modified or session.permanent):
        # PERF: who has only looked is told by one header; 60 calls less than through a Response.
        if not session.accessed:
            return answer
        if not any(name == b"vary" for name, _ in head.headers):
            return head.with_headers([(b"vary", b"Cookie")]), body
    response = context.app.response_class()
    said = [value for name, value in head.headers if name == b"vary"]
    response.headers = Headers([("Vary", b", ".join(said).decode("latin-1"))] if said else [])
    finishing.save_session(context, response)
    if not response.headers:
        return answer
    fields = [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in response.headers]
    kept = [field for field in head.fields() if field[0] != b"vary"]
    return Head(head.status, [*kept, *fields]), body


# -- closing ---------------------------------------------------------------------------------------


def _stay(
    context: RequestContext,
    request: Served,
    answer: Pair,
    hooks: tuple[Callable[..., Any], ...],
    app_hooks: tuple[Callable[..., Any], ...],
) -> Pair:
    """Have `context` closed after everything that the request has opened, and its stream."""
    steps = _leaving(context, hooks, app_hooks)
    next(steps)
    opened = request.opened or []
    # What stands around all that is opened, on transports that have that, stays the first.
    sheltered = bool(opened) and opened[0].is_async is None and type(opened[0].steps) is not Ending
    opened.insert(1 if sheltered else 0, Opened(steps, False, False))
    request.opened = opened
    head, body = answer[0], cast("Any", answer[1])
    if sends_itself(body) and (added := list(head.fields())):
        body = saying(body, [*body.raw_headers, *added], head.status)
    return head, body if type(body) is bytes else within(context, body)


def _leaving(
    context: RequestContext,
    hooks: tuple[Callable[..., Any], ...],
    app_hooks: tuple[Callable[..., Any], ...],
) -> Iterator[None]:
    error: BaseException | None = None
    try:
        yield
    except BaseException as raised:
        error = raised
        raise
    finally:
        close_context(context, error, hooks, app_hooks)
