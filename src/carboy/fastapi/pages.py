"""The routes of the OpenAPI document and of the pages that show it."""

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
        if app.swagger_ui_oauth2_redirect_url:
            app.add_route(
                app.swagger_ui_oauth2_redirect_url, _oauth2_redirect, include_in_schema=False
            )
    if app.redoc_url:
        app.add_route(app.redoc_url, _redoc(app), include_in_schema=False)


def _document(app: FastAPI) -> Any:
    async def openapi(request: Request) -> Any:
        from starlette.responses import JSONResponse

        root = _root(request)
        document = app.openapi()
        if root and app.root_path_in_servers:
            servers = document.get("servers", [])
            if root not in {server.get("url") for server in servers}:
                document = {**document, "servers": [{"url": root}, *servers]}
        return JSONResponse(document)

    return openapi


def _swagger_ui(app: FastAPI) -> Any:
    async def swagger_ui_html(request: Request) -> Any:
        from carboy.fastapi.openapi.docs import get_swagger_ui_html

        root = _root(request)
        redirect = app.swagger_ui_oauth2_redirect_url
        return get_swagger_ui_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=f"{app.title} - Swagger UI",
            oauth2_redirect_url=f"{root}{redirect}" if redirect else redirect,
            init_oauth=app.swagger_ui_init_oauth,
            swagger_ui_parameters=app.swagger_ui_parameters,
        )

    return swagger_ui_html


async def _oauth2_redirect(request: Request) -> Any:
    from carboy.fastapi.openapi.docs import get_swagger_ui_oauth2_redirect_html

    return get_swagger_ui_oauth2_redirect_html()


def _redoc(app: FastAPI) -> Any:
    async def redoc_html(request: Request) -> Any:
        from carboy.fastapi.openapi.docs import get_redoc_html

        return get_redoc_html(
            openapi_url=f"{_root(request)}{app.openapi_url}", title=f"{app.title} - ReDoc"
        )

    return redoc_html
