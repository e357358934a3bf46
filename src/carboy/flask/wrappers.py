"""Request and Response: Werkzeug's, with the application's settings and the matched rule.

Limits come from the config of the current application each time they are asked for; setting one on
a request overrides it there.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from werkzeug.datastructures import EnvironHeaders, ImmutableMultiDict
from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.sansio.http import parse_cookie
from werkzeug.wrappers import Request as RequestBase
from werkzeug.wrappers import Response as ResponseBase

from carboy.flask import json
from carboy.flask.globals import _cv_app, current_app
from carboy.flask.helpers import _split_blueprint_path

if TYPE_CHECKING:
    from werkzeug.routing import Rule

    from carboy.core.context import RequestContext as Served
    from carboy.flask.typing import WSGIEnvironment


def _limit(setting: str, attribute: str) -> Any:
    """A limit of the request: its own, else the config's, else Werkzeug's."""
    own = f"_{attribute}"

    def get(self: Any) -> Any:
        if (value := self.__dict__.get(own)) is not None:
            return value
        context = _cv_app.get(None)
        return getattr(RequestBase, attribute) if context is None else context.app.config[setting]

    def set_(self: Any, value: Any) -> None:
        self.__dict__[own] = value

    return property(get, set_)


class Lean(RequestBase):
    """A request that the engine has read: the rest is made when it is asked for (lean.py).

    Werkzeug's own `__init__` sets all of it; then nothing here is called.
    """

    _served: Served

    @cached_property
    def environ(self) -> WSGIEnvironment:  # type: ignore[override]
        """The WSGI environ."""
        from carboy.flask.serving import environ_of

        environ = environ_of(self._served)
        environ["werkzeug.request"] = self
        return environ

    @cached_property
    def headers(self) -> EnvironHeaders:  # type: ignore[override]
        """The header fields."""
        return EnvironHeaders(self.environ)

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str, str]:
        """The cookies; without headers for a request that the engine has read."""
        served = self.__dict__.get("_served")
        if served is None or "headers" in self.__dict__:
            text = ";".join(self.headers.getlist("Cookie"))
        else:
            text = "; ".join(
                [value.decode("latin-1") for name, value in served.headers if name == b"cookie"]
            )
        return parse_cookie(text, cls=self.dict_storage_class)  # type: ignore[return-value]

    @cached_property
    def scheme(self) -> str:  # type: ignore[override]
        """``http`` or ``https``."""
        scheme: str = self._served.scope["scheme"]
        return scheme

    @cached_property
    def root_path(self) -> str:  # type: ignore[override]
        """Where the application is mounted."""
        root: str = self._served.scope["root_path"]
        return root.rstrip("/")

    @cached_property
    def server(self) -> tuple[str, int | None] | None:  # type: ignore[override]
        """The server's address."""
        environ = self.environ
        return environ["SERVER_NAME"], int(environ["SERVER_PORT"])

    @cached_property
    def remote_addr(self) -> str | None:  # type: ignore[override]
        """The client's address."""
        client = self._served.scope.get("client")
        return None if client is None else client[0]


class Request(Lean):
    """An HTTP request as views see it."""

    json_module: Any = json
    #: The rule that matched, and its values; None and the exception where none did.
    url_rule: Rule | None = None
    view_args: dict[str, Any] | None = None
    routing_exception: HTTPException | None = None

    max_content_length = _limit("MAX_CONTENT_LENGTH", "max_content_length")
    max_form_memory_size = _limit("MAX_FORM_MEMORY_SIZE", "max_form_memory_size")
    max_form_parts = _limit("MAX_FORM_PARTS", "max_form_parts")

    @property
    def endpoint(self) -> str | None:
        """The endpoint that matched."""
        return None if self.url_rule is None else self.url_rule.endpoint

    @property
    def blueprint(self) -> str | None:
        """The dotted name of the blueprint that the endpoint belongs to."""
        endpoint = self.endpoint
        if endpoint is None or "." not in endpoint:
            return None
        return endpoint.rpartition(".")[0]

    @property
    def blueprints(self) -> list[str]:
        """That blueprint and those it is nested in, innermost first."""
        name = self.blueprint
        return [] if name is None else _split_blueprint_path(name)

    def _load_form_data(self) -> None:
        super()._load_form_data()
        is_plain = not self.files and self.mimetype != "multipart/form-data"
        if is_plain and current_app and current_app.debug:
            from carboy.flask.debughelpers import attach_enctype_error_multidict

            attach_enctype_error_multidict(self)

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        try:
            return super().on_json_loading_failed(e)
        except BadRequest as error:
            if current_app and current_app.debug:
                raise
            # Outside debug mode the client is not told what the parser thought.
            raise BadRequest() from error


class Response(ResponseBase):
    """What views answer; HTML unless said otherwise."""

    default_mimetype: str | None = "text/html"
    json_module: Any = json
    autocorrect_location_header = False

    @property
    def max_cookie_size(self) -> int:  # type: ignore[override]
        """Bytes of a cookie that are warned about when exceeded; 0 for never."""
        if (context := _cv_app.get(None)) is not None:
            return context.app.config["MAX_COOKIE_SIZE"]  # type: ignore[no-any-return]
        return ResponseBase.max_cookie_size
