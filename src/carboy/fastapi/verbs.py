"""The verbs, once: what routers and applications have in common.

All of them are `api_route` with a method; each class says what that does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

if TYPE_CHECKING:
    from carboy.fastapi.options import RouteOptions

Cls = TypeVar("Cls", bound=type[Any])
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class Verbs:
    """One decorator for each HTTP method, and one for classes of them."""

    def view(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Cls], Cls]:
        """Every method of the decorated class that is called as an HTTP method answers `path`.

        See views.py; `options` hold for all of them.
        """

        def decorate(cls: Cls) -> Cls:
            from carboy.fastapi.views import add_view

            add_view(self, path, cls, dict(options))
            return cls

        return decorate

    def api_route(
        self, path: str, *, methods: list[str] | None = None, **options: Unpack[RouteOptions]
    ) -> Callable[[Endpoint], Endpoint]:
        """Answer `path` with the decorated function, for GET unless `methods` says otherwise."""
        raise NotImplementedError

    def _verb(self, method: str, path: str, options: Any) -> Callable[[Endpoint], Endpoint]:
        if "methods" in options:
            from carboy.fastapi.mistakes import more_methods

            raise more_methods(method, path, options["methods"])
        return self.api_route(path, methods=[method], **options)

    def get(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Endpoint], Endpoint]:
        """Answer GET requests to `path` with the decorated function."""
        return self._verb("GET", path, options)

    def post(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Endpoint], Endpoint]:
        """Answer POST requests."""
        return self._verb("POST", path, options)

    def put(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Endpoint], Endpoint]:
        """Answer PUT requests."""
        return self._verb("PUT", path, options)

    def patch(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Endpoint], Endpoint]:
        """Answer PATCH requests."""
        return self._verb("PATCH", path, options)

    def delete(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Endpoint], Endpoint]:
        """Answer DELETE requests."""
        return self._verb("DELETE", path, options)

    def head(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Endpoint], Endpoint]:
        """Answer HEAD requests."""
        return self._verb("HEAD", path, options)

    def options(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Endpoint], Endpoint]:
        """Answer OPTIONS requests."""
        return self._verb("OPTIONS", path, options)

    def trace(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Endpoint], Endpoint]:
        """Answer TRACE requests."""
        return self._verb("TRACE", path, options)
