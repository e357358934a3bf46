"""The HTML of the documentation pages: Swagger UI, ReDoc, and the way back from OAuth2.

The pages only load scripts; the default URLs are upstream's CDN, and carboy.openapi.pages has files
to serve instead. SAFETY: titles, URLs and settings come from the application, some of them in part
from the request (root_path): everything is escaped for the place it is written to.
"""

from __future__ import annotations

import json
from html import escape
from string import Template
from typing import Any

from starlette.responses import HTMLResponse

from carboy.openapi import pages

_FAVICON = "https://fastapi.tiangolo.com/img/favicon.png"

swagger_ui_default_parameters: dict[str, Any] = {
    "dom_id": "#swagger-ui",
    "layout": "BaseLayout",
    "deepLinking": True,
    "showExtensions": True,
    "showCommonExtensions": True,
}

_SWAGGER_UI = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<link rel="stylesheet" href="$css">
<link rel="icon" href="$favicon">
</head>
<body>
<div id="swagger-ui"></div>
<script src="$js"></script>
<script>
const ui = SwaggerUIBundle({
$settings
presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
})
$then
</script>
</body>
</html>
""")

_REDOC = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
$fonts<link rel="icon" href="$favicon">
<style>body { margin: 0; padding: 0 }</style>
</head>
<body>
<noscript>ReDoc needs JavaScript to show this documentation.</noscript>
<redoc spec-url="$openapi"></redoc>
<script src="$js"></script>
</body>
</html>
""")

_FONTS = (
    '<link rel="stylesheet" '
    'href="https://fonts.googleapis.com/css?family=Montserrat:300,400,700|Roboto:300,400,700">\n'
)

_OAUTH2_REDIRECT = Template("""\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Swagger UI: OAuth2 Redirect</title></head>
<body>
<script>
$js
</script>
</body>
</html>
""")


def get_swagger_ui_html(
    *,
    openapi_url: str,
    title: str,
    swagger_js_url: str = "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/swagger-ui-bundle.js",
    swagger_css_url: str = "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/swagger-ui.css",
    swagger_favicon_url: str = _FAVICON,
    oauth2_redirect_url: str | None = None,
    init_oauth: dict[str, Any] | None = None,
    swagger_ui_parameters: dict[str, Any] | None = None,
) -> HTMLResponse:
    """The page that shows the document at `openapi_url` in Swagger UI.

    `swagger_ui_parameters` are laid over `swagger_ui_default_parameters`; `init_oauth` is what
    Swagger UI's own initOAuth takes; `oauth2_redirect_url` is a path on the page's own host.
    """
    parameters = {**swagger_ui_default_parameters, **(swagger_ui_parameters or {})}
    settings = [f"url: {_js_text(openapi_url)},"]
    settings += [f"{_js(key)}: {_js(value)}," for key, value in parameters.items()]
    if oauth2_redirect_url:
        redirect = f"window.location.origin + {_js_text(oauth2_redirect_url)}"
        settings.append(f"oauth2RedirectUrl: {redirect},")
    page = _SWAGGER_UI.substitute(
        title=escape(title),
        css=escape(swagger_css_url),
        js=escape(swagger_js_url),
        favicon=escape(swagger_favicon_url),
        settings="\n".join(settings),
        then=f"ui.initOAuth({_js(init_oauth)})" if init_oauth else "",
    )
    return HTMLResponse(page)


def get_redoc_html(
    *,
    openapi_url: str,
    title: str,
    redoc_js_url: str = "https://cdn.jsdelivr.net/npm/redoc@2/bundles/redoc.standalone.js",
    redoc_favicon_url: str = _FAVICON,
    with_google_fonts: bool = True,
) -> HTMLResponse:
    """The page that shows the document at `openapi_url` in ReDoc."""
    page = _REDOC.substitute(
        title=escape(title),
        openapi=escape(openapi_url),
        js=escape(redoc_js_url),
        favicon=escape(redoc_favicon_url),
        fonts=_FONTS if with_google_fonts else "",
    )
    return HTMLResponse(page)


def get_swagger_ui_oauth2_redirect_html() -> HTMLResponse:
    """The page an OAuth2 provider sends people back to: it tells Swagger UI, and closes."""
    found = pages.read(pages.SWAGGER_UI_OAUTH2_REDIRECT_JS)
    assert found is not None, "it is in the package"
    return HTMLResponse(_OAUTH2_REDIRECT.substitute(js=found[0].decode()))


#: JSON is JavaScript, but in HTML "</script>" ends a script wherever it stands.
_IN_SCRIPT = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})


def _js(value: Any) -> str:
    from carboy.fastapi.encoders import jsonable_encoder

    return json.dumps(jsonable_encoder(value)).translate(_IN_SCRIPT)


def _js_text(text: str) -> str:
    """In single quotes. COMPAT: so upstream writes it, and people look for it."""
    inside = json.dumps(text)[1:-1].translate(_IN_SCRIPT)
    return "'" + inside.replace("'", "\\u0027") + "'"


def __getattr__(name: str) -> Any:
    from carboy.fastapi.borrowed import lend

    return lend(__name__, name)
