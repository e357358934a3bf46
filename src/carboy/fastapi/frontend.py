"""`app.frontend()`: the built files of a single-page application, where no route takes a path.

A frontend is asked last, after the redirect to the other slash; of several, the one with the
longest path. Its dependencies are compiled like those of any path operation. Files are looked up in
threads.
"""

from __future__ import annotations

import email.message
import errno
import os
import stat
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from starlette._utils import get_route_path
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import URL, URLPath
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from carboy.fastapi.depends import Depends
from carboy.fastapi.scopes import FRONTEND_PATH, KEY, said

Fallback = Literal["auto", "index.html", "404.html"] | None
Found = tuple[str, os.stat_result]
_FALLBACKS = {"auto", "index.html", "404.html", None}
_PAGES = {"text/html", "application/xhtml+xml"}
_READ = ("GET", "HEAD")


def normal_path(path: str) -> str:
    """The path without its last slash. AssertionError for one that can't be."""
    assert path, "A frontend path cannot be empty"
    assert path.startswith("/"), "A frontend path must start with '/'"
    return path.rstrip("/") or "/"


def joined(prefix: str, path: str) -> str:
    """A frontend's path below a router's prefix."""
    if not prefix:
        return path
    return prefix if path == "/" else prefix + path


def must_exist(directory: Any, check_dir: bool | Literal["auto"]) -> bool:
    """Whether the folder is checked now: in development it may be built later."""
    if check_dir != "auto":
        return check_dir
    if os.environ.get("FASTAPI_ENV") != "development":
        return True
    if not Path(directory).is_dir():
        warnings.warn(_no_folder(directory), stacklevel=_outside())
    return False


def _outside() -> int:
    """The stack level of the code that called into this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__package__") == __package__:
        level, frame = level + 1, frame.f_back
    return level


def _no_folder(directory: Any) -> str:
    where = os.path.realpath(os.fspath(directory))
    return f"Frontend directory '{directory}' does not exist. Resolved absolute path: '{where}'"


def below(path: str, asked: str) -> str | None:
    """The part of `asked` below a frontend's path, None where it is outside."""
    if path == "/":
        return asked.lstrip("/")
    if asked == path:
        return ""
    prefix = path + "/"
    return asked[len(prefix) :] if asked.startswith(prefix) else None


class FrontendFiles(StaticFiles):
    """A folder of built files, with a page for the paths that only the client knows."""

    def __init__(self, directory: Any, fallback: Fallback, check_dir: bool) -> None:
        if fallback not in _FALLBACKS:
            raise AssertionError("fallback must be 'auto', 'index.html', '404.html', or None")
        self.fallback = fallback
        if check_dir and not Path(directory).is_dir():
            raise RuntimeError(_no_folder(directory))
        super().__init__(directory=directory, html=True, check_dir=check_dir)
        if check_dir and fallback in ("index.html", "404.html"):
            self._page_file(fallback)

    def _page_file(self, name: str) -> Found:
        path, found = self.lookup_path(name)
        if found is None or not stat.S_ISREG(found.st_mode):
            where = os.path.realpath(os.fspath(self.directory or ""))
            raise RuntimeError(
                f"Frontend fallback file '{name}' does not exist in directory "
                f"'{self.directory}'. Resolved absolute directory: '{where}'"
            )
        return path, found

    async def answer(self, below: str, scope: Scope) -> Response:
        """The response for the path `below` the frontend's."""
        if not self.config_checked:
            await self.check_config()
            self.config_checked = True
        # SAFETY: lookup_path refuses what leaves the folder after this.
        path = _normal(below)
        found = await self._find(path)
        if scope["method"] not in _READ:
            raise HTTPException(405 if found is not None else 404)
        if found is None:
            return await self._page(scope)
        full, details, is_index = found
        if is_index and not scope["path"].endswith("/"):
            url = URL(scope=scope)
            return RedirectResponse(url=url.replace(path=url.path + "/"))
        return self.file_response(full, details, scope)

    async def _look(self, path: str) -> tuple[str, os.stat_result | None]:
        try:
            return await run_in_threadpool(self.lookup_path, path)
        except PermissionError:
            raise HTTPException(401) from None
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise HTTPException(404) from None
            raise
        except ValueError:  # a NUL byte
            raise HTTPException(404) from None

    async def _find(self, path: str) -> tuple[str, os.stat_result, bool] | None:
        full, details = await self._look(path)
        if details is None:
            return None
        if stat.S_ISREG(details.st_mode):
            return full, details, False
        if stat.S_ISDIR(details.st_mode):
            full, details = await self._look(f"{path}/index.html")
            if details is not None and stat.S_ISREG(details.st_mode):
                return full, details, True
        return None

    async def _has(self, name: str) -> bool:
        _, details = await run_in_threadpool(self.lookup_path, name)
        return details is not None and stat.S_ISREG(details.st_mode)

    async def _page(self, scope: Scope) -> Response:
        """What is answered where there is no file: the client's own page, or a page for 404."""
        auto = self.fallback == "auto"
        if self.fallback == "404.html" or (auto and await self._has("404.html")):
            return await self._file("404.html", scope, 404)
        own = self.fallback == "index.html" or (auto and await self._has("index.html"))
        if own and _wants_page(scope):
            return await self._file("index.html", scope, 200)
        raise HTTPException(404)

    async def _file(self, name: str, scope: Scope, status: int) -> Response:
        path, details = await run_in_threadpool(self._page_file, name)
        return self.file_response(path, details, scope, status_code=status)


def _normal(path: str) -> str:
    return os.path.normpath(path.replace("/", os.sep) or ".")


def _accepted(accept: str) -> Iterator[tuple[str, float]]:
    for text in accept.split(","):
        message = email.message.Message()
        message["content-type"] = text.strip()
        try:
            quality = float(str(message.get_param("q") or 1))
        except ValueError:
            quality = 1.0
        yield f"{message.get_content_maintype()}/{message.get_content_subtype()}", quality


def _wants_page(scope: Scope) -> bool:
    """Whether a browser is navigating, rather than a script or a tag loading something."""
    accept = Request(scope).headers.get("accept", "")
    return any(kind in _PAGES and quality != 0 for kind, quality in _accepted(accept))


class FrontendRoute(BaseRoute):
    """One frontend."""

    def __init__(self, path: str, directory: Any, fallback: Fallback, check_dir: bool) -> None:
        self.path = path
        self.methods = set(_READ)
        self.app = FrontendFiles(directory, fallback, check_dir)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return self.matches_below("", scope)

    def matches_below(self, prefix: str, scope: Scope) -> tuple[Match, Scope]:
        """Whether this frontend, under a router's prefix, is where the request goes."""
        if scope["type"] != "http":
            return Match.NONE, {}
        rest = below(joined(prefix, self.path), get_route_path(scope))
        if rest is None:
            return Match.NONE, {}
        match = Match.FULL if scope["method"] in _READ else Match.PARTIAL
        return match, {KEY: {FRONTEND_PATH: rest}}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.app.answer(said(scope).get(FRONTEND_PATH) or "", scope)
        await response(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        raise NoMatchFound(name, path_params)


class FrontendRouteGroup(BaseRoute):
    """The frontends of a router, which share its dependencies. Not in its list of routes."""

    def __init__(self, dependencies: Sequence[Depends], dependency_overrides_provider: Any) -> None:
        self.routes: list[FrontendRoute] = []
        self.dependencies = list(dependencies)
        self.dependency_overrides_provider = dependency_overrides_provider

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return self.matches_with_prefix(scope, "")

    def matches_with_prefix(self, scope: Scope, prefix: str) -> tuple[Match, Scope]:
        """Whether one of these frontends, under a router's prefix, is where the request goes."""
        for route in sorted(self.routes, key=lambda one: -len(one.path)):
            match, child_scope = route.matches_below(prefix, scope)
            if match != Match.NONE:
                return match, child_scope
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as a router with nothing else would, dependencies included."""
        if self.matches(scope)[0] == Match.NONE:
            raise HTTPException(404)
        from carboy.fastapi.standalone import serve_frontends

        await serve_frontends(self, scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        raise NoMatchFound(name, path_params)


def endpoint_for(route: FrontendRoute, path: str) -> Any:
    """The path operation of a frontend: what its dependencies set goes onto the file's response."""

    async def frontend(request: Request, response: Response) -> Response:
        rest = below(path, get_route_path(request.scope))
        answer = await route.app.answer(rest or "", request.scope)
        answer.raw_headers.extend(response.raw_headers)
        return answer

    frontend.__annotations__ = {"request": Request, "response": Response}
    return frontend


_FrontendRoute, _FrontendRouteGroup = FrontendRoute, FrontendRouteGroup
_FrontendStaticFiles = FrontendFiles
