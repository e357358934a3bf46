"""`App.mount` and `App.fallback`: what an application says of others.

Nothing of a request is shared with a hosted application: it has its own session, its own error
pages, its own everything. It gets the request as a server would give it.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, ClassVar

from carboy.fastapi._body_limit import get_body_size_limit

if TYPE_CHECKING:
    from carboy.app.hosting.asgi import HostedASGI
    from carboy.app.hosting.places import Place
    from carboy.fastapi.declared import Declared
    from carboy.fastapi.options import AppSettings

#: "As the application has it": None means no limit.
_OWN: Any = object()


class Hosting:
    """Mixed into `App`, in front of the typed face."""

    if TYPE_CHECKING:
        router: Any
        declared: Declared
        settings: ClassVar[AppSettings]
        _hosted: list[HostedASGI]

        def _mark_routes_changed(self) -> None: ...

    def mount(
        self,
        path: str,
        app: Any,
        name: str | None = None,
        *,
        kind: str | None = None,
        max_body: int | None = _OWN,
        cut_prefix: bool | None = None,
    ) -> None:
        """Have `app`, any ASGI or WSGI application, answer everything below `path`.

        `kind` is "asgi", "asgi2" or "wsgi", where it can't be told. `max_body` is in bytes, None
        for no limit; left out it is this application's. `cut_prefix` is for ASGI applications
        that take the whole path for theirs: they get what follows the prefix (Sanic and Falcon
        do anyway).
        TypeError: `app` is no application, or can't be told.
        """
        place = self._place(path, app, name, kind, max_body, cut_prefix)
        self.router.routes.append(place)

    def fallback(self, app: Any, *, kind: str | None = None, max_body: int | None = _OWN) -> None:
        """Have `app`, any ASGI or WSGI application, answer what no route takes.

        That is every request whose path no route has, and every request whose path a route has for
        other methods only. ValueError: there is one already.
        """
        if self.declared.fallback is not None:
            raise ValueError(
                f"{self!r} has a fallback already, and what no route takes can go to one only: "
                "mount the other one under a prefix, app.mount(path, application)."
            )
        self.declared.fallback = self._place("", app, None, kind, max_body, None)
        self._mark_routes_changed()

    def _place(
        self,
        path: str,
        app: Any,
        name: str | None,
        kind: str | None,
        max_body: Any,
        cut_prefix: bool | None,
    ) -> Place:
        from carboy.app.hosting.places import Place

        if app is self:
            raise ValueError("an application can't be mounted in itself")
        limit = self._max_body() if max_body is _OWN else max_body
        place = Place(path, app, name, kind, limit, cut_prefix)
        if place.hosted is not None:
            self.__dict__.setdefault("_hosted", []).append(place.hosted)
            self.declared.beside = self._live_hosted
        return place

    def _max_body(self) -> int | None:
        policy = self.router.policy
        if "max_body" in policy:
            return policy["max_body"]  # type: ignore[no-any-return]
        return get_body_size_limit(self.router.max_body_size, self.settings.get("max_body"))

    def _live_hosted(self) -> AbstractAsyncContextManager[None]:
        from carboy.app.hosting.lifespan import lived

        return lived(self._hosted)
