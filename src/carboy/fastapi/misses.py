"""What is answered where no route fits: 404, 405, the other slash, OPTIONS.

These are endpoints like any other, made once, so that plugins and exception handlers see them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from carboy.core.route import Route
from carboy.core.router import Router
from carboy.fastapi.routing import AppSettings

MakeRoute = Callable[[Callable[..., Any], str], Route]


class Misses:
    """The routes for requests that fit none."""

    def __init__(self, make: MakeRoute, redirect_slashes: bool, settings: AppSettings) -> None:
        self._make = make
        self._redirects = redirect_slashes
        self._answer_options = settings.get("answer_head", False)
        self._made: dict[Any, Route] = {}

    def route(self, method: str, path: str, found: list[Route], router: Router[Any]) -> Route:
        """Who answers `path`, of which `found` take other methods."""
        if found:
            if self._answer_options:
                allow = sorted(set().union(*(route.methods or () for route in found)))
                if method == "OPTIONS":
                    return self._once(("options", *allow), lambda: self._options(allow))
            else:
                # COMPAT: upstream names the methods of the first route only.
                allow = sorted(found[0].methods or ())
            return self._once(("405", *allow), lambda: self._wrong_method(allow))
        if self._redirects and path not in ("/", "*"):
            other = path.rstrip("/") if path.endswith("/") else path + "/"
            if other and router.candidates(other):
                return self._once("redirect", self._redirect)
        return self._once("404", self._not_found)

    def _once(self, key: Any, make: Callable[[], Route]) -> Route:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def _not_found(self) -> Route:
        async def not_found() -> None:
            from starlette.exceptions import HTTPException

            raise HTTPException(404)

        return self._make(not_found, "not found")

    def _wrong_method(self, allow: list[str]) -> Route:
        async def method_not_allowed() -> None:
            from starlette.exceptions import HTTPException

            raise HTTPException(405, headers={"Allow": ", ".join(allow)})

        return self._make(method_not_allowed, "method not allowed")

    def _options(self, allow: list[str]) -> Route:
        async def options() -> Any:
            from starlette.responses import Response

            return Response(status_code=204, headers={"Allow": ", ".join([*allow, "OPTIONS"])})

        return self._make(options, "options")

    def _redirect(self) -> Route:
        from starlette.requests import Request

        async def redirect_slashes(request: Request) -> Any:
            from starlette.datastructures import URL
            from starlette.responses import RedirectResponse

            path = request.scope["path"]
            other = path.rstrip("/") if path.endswith("/") else path + "/"
            # SAFETY: R7, "//evil/" must not become a redirect to another host.
            other = "/" + other.lstrip("/") if other.startswith("//") else other
            scope = {**request.scope, "path": other}
            return RedirectResponse(str(URL(scope=scope)))

        # The annotation is a name of this function; what reads signatures can't see it.
        redirect_slashes.__annotations__ = {"request": Request}
        return self._make(redirect_slashes, "redirect")
