"""From endpoints to URLs: `url_for`, and what may change or rescue it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from werkzeug.routing import BuildError

from carboy.flask.globals import _cv_app, _cv_request
from carboy.flask.helpers import _split_blueprint_path
from carboy.flask.scaffold import Scaffold

if TYPE_CHECKING:
    from carboy.flask.adapter import MapAdapter

#: What stays as it is in the part behind "#". Source: the URL standard's fragment set.
_FRAGMENT_SAFE = "%!#$&'()*+,/:;=?@"


class Urls(Scaffold):
    """Building URLs. Mixed into `Flask`."""

    create_url_adapter: Callable[[Any], MapAdapter | None]
    url_build_error_handlers: list[Callable[[Exception, str, dict[str, Any]], str]]

    def url_for(
        self,
        /,
        endpoint: str,
        *,
        _anchor: str | None = None,
        _method: str | None = None,
        _scheme: str | None = None,
        _external: bool | None = None,
        **values: Any,
    ) -> str:
        """The URL of `endpoint`; ``.name`` is a view of the current blueprint.

        Without a request the URL is absolute and needs SERVER_NAME. BuildError where no rule fits
        `values`, unless one of `url_build_error_handlers` finds a URL.
        """
        context = _cv_request.get(None)
        if context is not None:
            adapter = context.url_adapter
            blueprint = context.request.blueprint
            if endpoint.startswith("."):
                endpoint = endpoint[1:] if blueprint is None else blueprint + endpoint
            external = (_scheme is not None) if _external is None else _external
        else:
            adapter = self._adapter_without_request()
            external = True if _external is None else _external
        if adapter is None:
            raise RuntimeError(
                "'url_for' needs a request, or the SERVER_NAME of the config (and "
                "APPLICATION_ROOT and PREFERRED_URL_SCHEME where they differ) to build a URL."
            )
        if _scheme is not None and not external:
            raise ValueError("With '_scheme', '_external' must be True.")
        self.inject_url_defaults(endpoint, values)
        try:
            url = adapter.build(
                endpoint, values, method=_method, url_scheme=_scheme, force_external=external
            )
        except BuildError as error:
            values.update(_anchor=_anchor, _method=_method, _scheme=_scheme, _external=external)
            return self.handle_url_build_error(error, endpoint, values)
        return url if _anchor is None else f"{url}#{quote(_anchor, safe=_FRAGMENT_SAFE)}"

    def _adapter_without_request(self) -> MapAdapter | None:
        context = _cv_app.get(None)
        return self.create_url_adapter(None) if context is None else context.url_adapter

    def inject_url_defaults(self, endpoint: str, values: dict[str, Any]) -> None:
        """Let `url_defaults` functions add to `values`, the application's first."""
        names: list[str | None] = [None]
        if "." in endpoint:
            names += reversed(_split_blueprint_path(endpoint.rpartition(".")[0]))
        for name in names:
            for function in self.url_default_functions.get(name, ()):
                function(endpoint, values)

    def handle_url_build_error(
        self, error: BuildError, endpoint: str, values: dict[str, Any]
    ) -> str:
        """The first URL that a handler finds, else the error again."""
        for handler in self.url_build_error_handlers:
            try:
                url = handler(error, endpoint, values)
            except BuildError as raised:
                error = raised
            else:
                if url is not None:
                    return url
        if error is sys.exc_info()[1]:
            raise
        raise error
