"""The bundled files are the published ones; the pages load what they are told, nothing else."""

from __future__ import annotations

import hashlib
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from carboy.fastapi.openapi.docs import (
    get_redoc_html,
    get_swagger_ui_html,
    get_swagger_ui_oauth2_redirect_html,
    swagger_ui_default_parameters,
)
from carboy.openapi import pages

FILES = Path(str(resources.files("carboy.openapi"))) / "files"

#: As sha256sum writes it, of the files in the npm packages at the versions in pages.VERSIONS.
DIGESTS = (Path(__file__).parent / "bundled.sha256").read_text()

EVIL = "</script><b title='\"'>&\\\u2028"


def swagger(**options: Any) -> str:
    options = {"openapi_url": "/openapi.json", "title": "T", **options}
    return bytes(get_swagger_ui_html(**options).body).decode()


def redoc(**options: Any) -> str:
    options = {"openapi_url": "/openapi.json", "title": "T", **options}
    return bytes(get_redoc_html(**options).body).decode()


def test_files_are_the_published_ones_with_their_licences() -> None:
    expected = dict(line.split()[::-1] for line in DIGESTS.splitlines())
    found = {
        path.relative_to(FILES).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in FILES.rglob("*")
        if path.is_file() and path.name != "README.md"
    }
    assert found == expected
    for package, version in pages.VERSIONS.items():
        assert f"{package}/LICENSE" in found
        assert f"{package}@{version}" in (FILES / "README.md").read_text()


def test_every_file_can_be_read_and_nothing_else() -> None:
    for file, media_type in pages.MEDIA_TYPES.items():
        read = pages.read(file)
        assert read is not None
        assert read[1] == media_type
        assert len(read[0]) > 500
    package = pages.SWAGGER_UI_JS.partition("/")[0]
    for name in ("", "README.md", f"{package}/LICENSE", f"{package}/../README.md", "/etc/passwd"):
        assert pages.read(name) is None


def test_paths_lie_under_the_page_and_name_the_version() -> None:
    assert pages.url("/docs", pages.REDOC_JS) == (
        f"/docs/-/redoc@{pages.VERSIONS['redoc']}/redoc.standalone.js"
    )
    assert pages.url("/v1/", "f") == "/v1/-/f"
    assert pages.route("/") == "/-/{file:path}"


def test_pages_load_what_they_are_told() -> None:
    local = swagger(
        swagger_js_url=pages.url("/docs", pages.SWAGGER_UI_JS),
        swagger_css_url=pages.url("/docs", pages.SWAGGER_UI_CSS),
        swagger_favicon_url=pages.url("/docs", pages.FAVICON),
    )
    local += redoc(
        redoc_js_url=pages.url("/redoc", pages.REDOC_JS),
        redoc_favicon_url=pages.url("/redoc", pages.FAVICON),
        with_google_fonts=False,
    )
    loaded = re.findall(r'(?:src|href)="([^"]*)"', local)
    assert len(loaded) == 5
    assert all(re.match(r"/(docs|redoc)/-/", path) for path in loaded)
    assert "//" not in local
    assert "jsdelivr" in swagger()
    assert "fonts.googleapis.com" in redoc()


def test_settings() -> None:
    text = swagger(swagger_ui_parameters={"deepLinking": False, "filter": {1, 2}})
    assert '"deepLinking": false,' in text
    assert '"filter": [1, 2],' in text
    assert f'"dom_id": {json.dumps(swagger_ui_default_parameters["dom_id"])},' in text
    assert swagger_ui_default_parameters["deepLinking"] is True
    assert "oauth2RedirectUrl" not in text
    assert "initOAuth" not in text
    text = swagger(oauth2_redirect_url="/docs/back", init_oauth={"clientId": "c"})
    assert "oauth2RedirectUrl: window.location.origin + '/docs/back'," in text
    assert 'ui.initOAuth({"clientId": "c"})' in text


@pytest.mark.parametrize(
    "page",
    [
        *(
            lambda name=name: swagger(**{name: EVIL})
            for name in (
                "openapi_url",
                "title",
                "swagger_js_url",
                "swagger_css_url",
                "swagger_favicon_url",
                "oauth2_redirect_url",
            )
        ),
        lambda: swagger(init_oauth={EVIL: EVIL}),
        lambda: swagger(swagger_ui_parameters={EVIL: [EVIL]}),
        *(
            lambda name=name: redoc(**{name: EVIL})
            for name in ("openapi_url", "title", "redoc_js_url", "redoc_favicon_url")
        ),
    ],
)
def test_nothing_leaves_its_place(page: Any) -> None:
    text = page()
    assert "<b " not in text
    plain = swagger() if "SwaggerUIBundle" in text else redoc()
    assert text.count("</script>") == plain.count("</script>")
    assert "'\"'" not in text  # the quotes are escaped where they would end something
    script = text.partition("SwaggerUIBundle({")[2].partition("</script>")[0]
    assert not re.search("[<>&\u2028]", script)


def test_the_way_back_from_oauth2() -> None:
    text = bytes(get_swagger_ui_oauth2_redirect_html().body).decode()
    assert "window.opener.swaggerUIRedirectOauth2" in text
    assert text.count("</script>") == 1
    assert "src=" not in text
