"""The files of Swagger UI and ReDoc that come with Carboy, and the paths they are served at.

Files and names only: who serves them, and the HTML that uses them, is the faces' business. A path
names package and version, so whoever has fetched it may keep it for ever. See files/README.md.

For a page at `docs_url` under `root_path`, link to ``url(root_path + docs_url, SWAGGER_UI_JS)`` and
answer ``route(docs_url)`` with ``read(file)``.
"""

from __future__ import annotations

from functools import cache

#: The packages and their exact versions.
VERSIONS = {"swagger-ui-dist": "5.35.0", "redoc": "2.5.4"}

_SWAGGER_UI = f"swagger-ui-dist@{VERSIONS['swagger-ui-dist']}/"
_REDOC = f"redoc@{VERSIONS['redoc']}/"

SWAGGER_UI_JS = _SWAGGER_UI + "swagger-ui-bundle.js"
SWAGGER_UI_CSS = _SWAGGER_UI + "swagger-ui.css"
#: Not linked: it goes into the page that OAuth2 providers send people back to.
SWAGGER_UI_OAUTH2_REDIRECT_JS = _SWAGGER_UI + "oauth2-redirect.js"
REDOC_JS = _REDOC + "redoc.standalone.js"
#: For both pages.
FAVICON = _SWAGGER_UI + "favicon-32x32.png"

#: Every file there is, and its media type.
MEDIA_TYPES = {
    SWAGGER_UI_JS: "text/javascript; charset=utf-8",
    SWAGGER_UI_CSS: "text/css; charset=utf-8",
    SWAGGER_UI_OAUTH2_REDIRECT_JS: "text/javascript; charset=utf-8",
    REDOC_JS: "text/javascript; charset=utf-8",
    FAVICON: "image/png",
}

#: For answers with these files: a new version has a new path.
CACHE_CONTROL = "public, max-age=31536000, immutable"

#: The one picture that ReDoc fetches from elsewhere; it does without where there is none.
_OUTSIDE = b"https://cdn.redoc.ly/redoc/logo-mini.svg"

#: Between the page's own path and the file's name.
_DASH = "/-/"


def url(page: str, file: str) -> str:
    """Where the page at path `page` finds `file`, one of the constants above."""
    return page.rstrip("/") + _DASH + file


def route(page: str) -> str:
    """The path pattern, in FastAPI's syntax, under which a page's files are; `file` is the rest."""
    return url(page, "{file:path}")


@cache
def read(file: str) -> tuple[bytes, str] | None:
    """Content and media type of `file`, or None if there is none of that name."""
    # SAFETY: only names in the table are opened, so no name leads out of the directory.
    media_type = MEDIA_TYPES.get(file)
    if media_type is None:
        return None
    from importlib import resources

    package, _, name = file.partition("/")
    directory = resources.files(__package__) / "files" / package.partition("@")[0]
    return (directory / name).read_bytes().replace(_OUTSIDE, b"data:,"), media_type
