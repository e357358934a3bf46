"""Contract: the lifespan opens before the first answer and closes once at the end."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from carboy.testing import TestClient

from .clients import Client
from .contract_app import app
from .servers import TRANSPORTS, Transport, serving
from .wire import Line, request


def test_it_has_opened_once_and_its_state_is_there(client: Client) -> None:
    found = client.get("/lifespan").json()
    assert found == {"events": ["startup"], "motto": "festina lente"}


def test_its_state_is_there_for_def_handlers(client: Client) -> None:
    assert client.get("/lifespan/def").json() == {"motto": "festina lente"}


@pytest.mark.parametrize("transport", TRANSPORTS, ids=lambda t: t.name)
def test_it_closes_when_the_server_stops(transport: Transport, tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    with serving(transport.command, environ={"CONTRACT_DIARY": str(diary)}) as server:
        with Line(server.address) as line:
            line.send(request("GET", "/unslashed"))
            assert line.answer().status == 200
        assert diary.read_text().split() == ["startup"]
        assert server.stop() is not None, server.log()
        if transport.name.startswith("wsgi") and sys.version_info[:2] == (3, 12):
            # CPython 3.12 starts no thread once it is ending (3.11 and 3.13 do): a shutdown under
            # WSGI that wants one fails there, and is told.
            assert "can't create new thread at interpreter shutdown" in server.log()
            return
        assert diary.read_text().split() == ["startup", "shutdown"], server.log()


def test_it_closes_with_the_test_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    diary = tmp_path / "diary"
    monkeypatch.setenv("CONTRACT_DIARY", str(diary))
    with TestClient(app) as memory:
        assert memory.get("/unslashed").status_code == 200
        assert diary.read_text().split() == ["startup"]
    assert diary.read_text().split() == ["startup", "shutdown"]
