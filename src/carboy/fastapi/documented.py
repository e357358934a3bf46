"""What an application says of itself, and the OpenAPI document made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carboy.fastapi.router import APIRouter


#: What is kept under the names it was given by.
ABOUT = (
    "title",
    "summary",
    "description",
    "version",
    "terms_of_service",
    "contact",
    "license_info",
    "openapi_url",
    "openapi_tags",
    "root_path_in_servers",
    "docs_url",
    "redoc_url",
    "swagger_ui_oauth2_redirect_url",
    "swagger_ui_init_oauth",
    "swagger_ui_parameters",
    "servers",
    "separate_input_output_schemas",
    "openapi_external_docs",
    "webhooks",
)


class Documented:
    """The part of an application that the document and its pages show. Mixed into `FastAPI`."""

    title: str
    summary: str | None
    description: str
    version: str
    terms_of_service: str | None
    contact: dict[str, Any] | None
    license_info: dict[str, Any] | None
    openapi_url: str | None
    openapi_tags: list[dict[str, Any]] | None
    root_path_in_servers: bool
    docs_url: str | None
    redoc_url: str | None
    swagger_ui_oauth2_redirect_url: str | None
    swagger_ui_init_oauth: dict[str, Any] | None
    swagger_ui_parameters: dict[str, Any] | None
    servers: list[dict[str, Any]]
    separate_input_output_schemas: bool
    openapi_external_docs: dict[str, Any] | None
    webhooks: APIRouter
    router: APIRouter
    openapi_version = "3.1.0"
    openapi_schema: dict[str, Any] | None = None
    _openapi_routes_version: int | None = None

    def _describe(self, **about: Any) -> None:
        """Keep what was said, under the attributes of the same names."""
        if about["openapi_url"]:
            assert about["title"], "A title must be provided for OpenAPI, e.g.: 'My API'"
            assert about["version"], "A version must be provided for OpenAPI, e.g.: '2.1.0'"
        from carboy.fastapi.router import APIRouter

        about["servers"] = about["servers"] or []
        about["webhooks"] = about["webhooks"] or APIRouter()
        self.__dict__.update(about)

    def openapi(self) -> dict[str, Any]:
        """The document, made when the routes have changed. May be replaced by a function."""
        version = self.router._get_routes_version()
        if not self.openapi_schema or self._openapi_routes_version != version:
            from carboy.fastapi.openapi.utils import get_openapi

            self.openapi_schema = get_openapi(
                title=self.title,
                version=self.version,
                openapi_version=self.openapi_version,
                summary=self.summary,
                description=self.description,
                terms_of_service=self.terms_of_service,
                contact=self.contact,
                license_info=self.license_info,
                routes=self.router.routes,
                webhooks=self.webhooks.routes,
                tags=self.openapi_tags,
                servers=self.servers,
                separate_input_output_schemas=self.separate_input_output_schemas,
                external_docs=self.openapi_external_docs,
            )
            self._openapi_routes_version = version
        return self.openapi_schema

    def setup(self) -> None:
        """Add the routes of the document and its pages."""
        from carboy.fastapi.pages import add_pages

        add_pages(self)  # type: ignore[arg-type]
