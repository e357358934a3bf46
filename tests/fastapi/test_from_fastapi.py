"""Rows of docs/from-fastapi.md that have no other test; every row names one that exists."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from carboy.fastapi import FastAPI
from carboy.testing import TestClient

ROOT = Path(__file__).resolve().parents[2]


def _client() -> TestClient:
    app = FastAPI()

    @app.post("/")
    def echo(body: dict[str, int]) -> dict[str, int]:
        return body

    return TestClient(app)


JSON = {"content-type": "application/json"}


def _fail(*args: Any, **kwargs: Any) -> Any:
    raise AssertionError("asked")


def test_json_loads_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    client = _client()
    monkeypatch.setattr(json, "loads", _fail)
    assert client.post("/", content=b'{"a": 1}', headers=JSON).content == b'{"a":1}'


def test_request_body_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Request, "body", _fail)
    assert _client().post("/", json={"a": 1}).json() == {"a": 1}


def test_every_row_names_a_test_that_exists() -> None:
    page = (ROOT / "docs" / "from-fastapi.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ") and "shown by" not in line]
    assert len(rows) > 8
    for row in rows:
        (named,) = re.findall(r"`(tests/[\w/.]+\.py)::(\w+)`", row)
        tree = ast.parse((ROOT / named[0]).read_text())
        assert named[1] in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
