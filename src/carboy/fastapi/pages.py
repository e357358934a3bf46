"""The routes of the OpenAPI document and of the pages that show it.

The pages' scripts come out of the package (carboy/openapi): nothing is asked of anybody else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request

if TYPE_CHECKING:
    from carboy.fastapi.applications import FastAPI


def _root(request: Request) -> str:
    return str(request.scope.get("root_path", "")).rstrip("/")


def add_pages(app: FastAPI) -> None:
    """Add what the application's URLs ask for."""
    if not app.openapi_url:
        return
    app.add_route(app.openapi_url, _document(app), include_in_schema=False)
    if app.docs_url:
        app.add_route(app.docs_url, _swagger_ui(app), include_in_schema=False)
        _add_files(app, app.docs_url)
        if app.swagger_ui_oauth2_redirect_url:
            app.add_route(
                app.swagger_ui_oauth2_redirect_url, swagger_ui_redirect, include_in_schema=False
            )
    if app.redoc_url:
        app.add_route(app.redoc_url, _redoc(app), include_in_schema=False)
        _add_files(app, app.redoc_url)


def _add_files(app: FastAPI, page: str) -> None:
    from carboy.openapi import pages

    app.add_route(pages.route(page), page_files, include_in_schema=False)


def page_files(request: Request) -> Any:
    """A script, style or picture of a page."""
    from starlette.exceptions import HTTPException
    from starlette.responses import Response

    from carboy.openapi import pages

    found = pages.read(request.path_params["file"])
    if found is None:
        raise HTTPException(404)
    content, media_type = found
    headers = {"cache-control": pages.CACHE_CONTROL}
    return Response(content, media_type=media_type, headers=headers)


def _document(app: FastAPI) -> Any:
    async def openapi(request: Request) -> Any:
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import JSONResponse

        root = _root(request)
        # Once it takes long, for many models: others are served meanwhile.
        made = app.openapi_schema is not None
        document = app.openapi() if made else await run_in_threadpool(app.openapi)
        if root and app.root_path_in_servers:
            servers = document.get("servers", [])
            if root not in {server.get("url") for server in servers}:
                document = {**document, "servers": [{"url": root}, *servers]}
        return JSONResponse(document)

    return openapi


def _swagger_ui(app: FastAPI) -> Any:
    async def swagger_ui_html(request: Request) -> Any:
        from carboy.fastapi.openapi.docs import get_swagger_ui_html
        from carboy.openapi import pages

        root = _root(request)
        page = f"{root}{app.docs_url}"
        redirect = app.swagger_ui_oauth2_redirect_url
        return get_swagger_ui_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=f"{app.title} - Swagger UI",
            oauth2_redirect_url=f"{root}{redirect}" if redirect else redirect,
            init_oauth=app.swagger_ui_init_oauth,
            swagger_ui_parameters=app.swagger_ui_parameters,
            swagger_js_url=pages.url(page, pages.SWAGGER_UI_JS),
            swagger_css_url=pages.url(page, pages.SWAGGER_UI_CSS),
            swagger_favicon_url=pages.url(page, pages.FAVICON),
        )

    return swagger_ui_html


async def swagger_ui_redirect(request: Request) -> Any:
    from carboy.fastapi.openapi.docs import get_swagger_ui_oauth2_redirect_html

    return get_swagger_ui_oauth2_redirect_html()


def _redoc(app: FastAPI) -> Any:
    async def redoc_html(request: Request) -> Any:
        from carboy.fastapi.openapi.docs import get_redoc_html
        from carboy.openapi import pages

        root = _root(request)
        page = f"{root}{app.redoc_url}"
        return get_redoc_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=f"{app.title} - ReDoc",
            redoc_js_url=pages.url(page, pages.REDOC_JS),
            redoc_favicon_url=pages.url(page, pages.FAVICON),
            with_google_fonts=False,
        )

    return redoc_html
