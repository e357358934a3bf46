"""What a view's source says can't break the document or its pages, nor `carboy check`."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from carboy import App
from carboy.sources import read_module
from carboy.testing import TestClient

INJECTED = "</script><script>alert(1)</script>"
HEAD = f'''
from carboy import App
from carboy.flask import request

app = App(title="{INJECTED}", secret_key="documents" * 4)


@app.route("/plain")
def plain():
    """{INJECTED}

    <img src=x onerror=alert(2)> [a](javascript:alert(3))
    """
    return request.args.get("q", "{INJECTED}")
'''
DEEP = {
    "operands": "    return str(" + "+".join(["1"] * 1500) + ")",
    "calls": "    return request.args['a']" + ".strip()" * 700,
    "branches": "    q = request.args['a']\n    if q == '':\n        return ''\n"
    + "\n".join(f"    elif q == '{n}':\n        return '{n}'" for n in range(250)),
}


def made(folder: Path, text: str) -> Any:
    file = folder / "documented_site.py"
    file.write_text(text)
    spec = importlib.util.spec_from_file_location("documented_site", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.app


@pytest.mark.parametrize("deep", DEEP)
def test_a_view_that_is_nested_too_deeply_spoils_no_document(tmp_path: Path, deep: str) -> None:
    text = f"{HEAD}\n\n@app.route('/deep')\ndef deep():\n{DEEP[deep]}\n"
    paths = TestClient(made(tmp_path, text)).get("/openapi.json").json()["paths"]
    assert set(paths) == {"/plain", "/deep"}
    assert [one["name"] for one in paths["/plain"]["get"]["parameters"]] == ["q"]
    read_module(tmp_path / "documented_site.py")


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_what_sources_say_is_no_markup(tmp_path: Path, page: str) -> None:
    client = TestClient(made(tmp_path, HEAD))
    answer = client.get(page)
    assert answer.status_code == 200
    assert "alert(1)</script>" not in answer.text
    assert "onerror" not in answer.text
    # The document has it as text, and is no page.
    document = client.get("/openapi.json")
    assert document.headers["content-type"] == "application/json"
    assert document.json()["info"]["title"] == INJECTED


@pytest.mark.parametrize("how", ["gone", "changed", "binary", "a folder"])
def test_a_source_that_is_not_there_any_more(tmp_path: Path, how: str) -> None:
    app: App = made(tmp_path, HEAD)
    file = tmp_path / "documented_site.py"
    file.unlink()
    if how == "changed":
        file.write_text("x = 1\n" * 50)
    elif how == "binary":
        file.write_bytes(b"\0\xff" * 1000)
    elif how == "a folder":
        file.mkdir()
    operation = TestClient(app).get("/openapi.json").json()["paths"]["/plain"]["get"]
    assert operation["operationId"] == "plain"
    read_module(file)
