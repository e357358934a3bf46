"""What an `App` answers where no route fits, if it has a Flask side.

Hooks run around these answers as around all others, so that they are made in one thread with them.
With `App(flask_habits=True)` they are Flask's: OPTIONS is 200, a slash that is missing 308, one too
many 404.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from carboy.core.answer import Body, Head
from carboy.core.context import RequestContext
from carboy.core.route import Lane, Route
from carboy.fastapi.misses import Misses

Pair = tuple[Head, Body]
_HTML = (b"content-type", b"text/html; charset=utf-8")


class BothMisses(Misses):
    """FastAPI's, and with `flask_habits` Flask's."""

    @property
    def _app(self) -> Any:
        return self._router.dependency_overrides_provider

    def extras(self) -> dict[str, Any]:
        """Errors are pages, or JSON."""
        return {**super().extras(), "pages": self._app.flask_habits}

    def wrong_method(self, allow: list[str]) -> Callable[[RequestContext], Any]:
        """405; Flask allows OPTIONS, too."""
        if self._app.flask_habits:
            allow = sorted({*allow, "OPTIONS"})
        return super().wrong_method(allow)

    def lane(self, call: Callable[[RequestContext], Any]) -> Lane:
        """In a thread where there may be hooks: none of these endpoints waits for anything."""
        if getattr(self._app, "_side", None) is None:
            return super().lane(call)

        def endpoint(request: RequestContext) -> Any:
            try:
                call(request).send(None)
            except StopIteration as done:
                return done.value
            raise RuntimeError(f"{call!r} waits for something")

        return Lane(endpoint, False)

    def names_path(self, route: Route) -> bool:
        """Typed routes only: Flask's rules say themselves which slash they redirect."""
        return "seen" not in route.extras and super().names_path(route)

    def redirects(self, method: str, path: str, other: Route) -> bool:
        """Flask never takes a slash away, and only redirects what the route would take."""
        if not self._app.flask_habits:
            return True
        return not path.endswith("/") and (other.methods is None or method in other.methods)

    def options(self, allow: list[str]) -> Callable[[RequestContext], Any]:
        """204, or Flask's 200."""
        if not self._app.flask_habits:
            return super().options(allow)
        head = Head(200, [(b"allow", ", ".join([*allow, "OPTIONS"]).encode()), _HTML])

        async def options(request: RequestContext) -> Pair:
            return head, b""

        return options

    async def redirect(self, request: RequestContext) -> Pair:
        """307, or Flask's 308 with its page."""
        answer = await super().redirect(request)
        if not self._app.flask_habits:
            return answer
        from werkzeug.utils import redirect

        head, _ = answer
        to = dict(head.headers)[b"location"].decode("latin-1")
        page = redirect(to, 308)
        return Head(308, [_HTML, (b"location", page.headers["Location"].encode())]), page.data
