"""From what a view returned to what is written; a Response is made only for who looks at it.

After hooks, a session to be saved and receivers of `request_finished` are given one. Text and JSON
that nobody looks at become (Head, bytes) at once, the same bytes that the Response would have been.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.datastructures import Headers
from werkzeug.urls import iri_to_uri
from werkzeug.wrappers import Response as BaseResponse

from carboy.core.answer import BODILESS, Body, Head
from carboy.flask.answers import remember, response_for, undress
from carboy.flask.json.provider import DefaultJSONProvider
from carboy.flask.sessions import NullSession, SecureCookieSession, SecureCookieSessionInterface
from carboy.flask.signals import request_finished
from carboy.flask.wrappers import Response

if TYPE_CHECKING:
    from carboy.flask.app import Flask
    from carboy.flask.ctx import RequestContext

Pair = tuple[Head, Body]
_HTML = "text/html; charset=utf-8"
HTML = Head(200, [(b"content-type", _HTML.encode())])
#: Heads that were sent before; those of one answer only are not kept.
_HEADS: dict[Any, Head] = {}
_KEPT = 512
_OFTEN = frozenset({b"content-type", b"vary", b"cache-control", b"x-frame-options", b"allow"})
_URLS = frozenset({"location", "content-location"})


def respond(context: RequestContext, result: Any) -> Pair:
    """The answer for what a view returned, where there are no after hooks."""
    plain = plain_answer(context, result)
    if plain is None:
        return finish(context, late(context, make_response(context, result)))
    status, kind, text = plain
    if kind is _HTML and status == 200:
        return HTML, text.encode()
    return _head(status, [(b"content-type", kind.encode())]), text.encode()


def plain_answer(context: RequestContext, result: Any) -> tuple[int, str, str] | None:
    """Status, content type and text for a result that needs no Response; None for any other."""
    app = context.app
    status, body = 200, result
    if type(result) is tuple and len(result) == 2 and type(result[1]) is int:
        body, status = result
    kind = type(body)
    if (
        (kind is not str and kind is not dict and kind is not list)
        or not 200 <= status < 600
        or status in BODILESS
        or app.response_class is not Response
        or context._after_request_functions
        or request_finished.receivers
        or not (context._session is None or _is_untouched(app, context._session))
    ):
        return None
    if kind is str:
        return status, _HTML, body
    provider: Any = app.json
    if type(provider).response is DefaultJSONProvider.response:
        return status, provider.mimetype, provider.text(body)
    return None


def _is_untouched(app: Flask, session: Any) -> bool:
    """Whether saving `session` would do nothing."""
    kind = type(session)
    if type(app.session_interface) is not SecureCookieSessionInterface:
        return False
    if kind is NullSession:
        return True
    if kind is not SecureCookieSession or session.accessed or session.modified:
        return False
    return not session.permanent


def make_response(context: RequestContext, result: Any) -> Response:
    """The response that a value stands for."""
    return response_for(context.app, context.request.endpoint, result)


def late(context: RequestContext, response: Any) -> Any:
    """What was asked for by `after_this_request`."""
    for after in context._after_request_functions:
        response = context.app.ensure_sync(after)(response)
    return response


def finish(context: RequestContext, response: Any) -> Pair:
    """Save the session, tell who listens, and open the response up."""
    save(context, response)
    return open_up(context, response)


def save(context: RequestContext, response: Any) -> None:
    """Save the session, and tell who listens."""
    app = context.app
    save_session(context, response)
    if request_finished.receivers:
        request_finished.send(app, _async_wrapper=app.ensure_sync, response=response)


def save_session(context: RequestContext, response: Any) -> None:
    """Save the session, unless nobody has opened it or there can be none."""
    app, session = context.app, context._session
    if session is not None and not app.session_interface.is_null_session(session):
        app.session_interface.save_session(app, session, response)


def failed(context: RequestContext, error: Exception) -> Pair:
    """The answer to what nobody handled; raised again for debuggers and tests."""
    try:
        raise error
    except Exception as raised:
        # Loggers and debuggers look at the error that is being handled.
        return open_up(context, context.app.handle_exception(raised))


def open_up(context: RequestContext, response: Any) -> Pair:
    """`undress` for a lean request: without an environ where Werkzeug's methods are its own."""
    if (
        not _is_plain(type(response))
        or not response.is_sequence
        or response.direct_passthrough
        or response.status_code == 304
        or type(response.headers) is not Headers  # COMPAT: replaced by a dict
    ):
        return undress(context.request._served, context.request.environ, response)
    fields = []
    for key, value in response.headers:
        name = key.lower()
        if name in _URLS:
            value = iri_to_uri(value)
        fields.append((name.encode("latin-1"), value.encode("latin-1")))
    head = _head(response.status_code, fields)
    pieces = response.response
    if response._on_close or hasattr(pieces, "close"):
        remember(context.request._served, response)
    return head, b"".join([one.encode() if isinstance(one, str) else bytes(one) for one in pieces])


_PLAIN: dict[type, bool] = {}


def _is_plain(kind: type[Any]) -> bool:
    """Whether a class of responses opens up as Werkzeug's does."""
    known = _PLAIN.get(kind)
    if known is None:
        if len(_PLAIN) >= _KEPT:
            _PLAIN.clear()
        known = _PLAIN[kind] = not kind.autocorrect_location_header and all(
            getattr(kind, name) is getattr(BaseResponse, name)
            for name in ("get_wsgi_headers", "get_app_iter", "get_wsgi_response", "iter_encoded")
        )
    return known


def _head(status: int, fields: list[tuple[bytes, bytes]]) -> Head:
    """A Head, made once for what is often sent."""
    key = (status, *fields)
    head = _HEADS.get(key)
    if head is None:
        head = Head(status, fields)
        if len(_HEADS) < _KEPT and _OFTEN.issuperset([name for name, _ in fields]):
            _HEADS[key] = head
    return head
