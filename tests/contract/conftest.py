"""`client` is every transport in turn; a failing test shows what its server printed."""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterator
from types import FrameType
from uuid import uuid4

import pytest

from carboy.testing import TestClient

from .clients import Client, MemoryClient, SocketClient
from .contract_app import app
from .servers import TRANSPORTS, Server, Transport, serving

MEMORY = Transport("memory", ())


@pytest.fixture(scope="session", autouse=True)
def _orderly_end() -> Iterator[None]:
    """A SIGTERM ends the session as Ctrl-C does: no server outlives it."""

    def stop(number: int, frame: FrameType | None) -> None:
        pytest.exit("terminated", returncode=2)

    before = signal.signal(signal.SIGTERM, stop)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session", params=[*TRANSPORTS, MEMORY], ids=lambda t: t.name)
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """The application on one transport."""
    transport: Transport = request.param
    if transport is MEMORY:
        memory = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
        with memory:
            yield MemoryClient(transport, memory)
        return
    with serving(transport.command) as server:
        yield SocketClient(transport, server)
        assert server.process.poll() is None, f"the server died:\n{server.log()}"


@pytest.fixture
def wire(client: Client) -> SocketClient:
    """The same, for what shows on a socket only."""
    if not isinstance(client, SocketClient):
        pytest.skip("there is no socket in memory")
    return client


@pytest.fixture
def tag() -> str:
    """A name for this test's events."""
    return uuid4().hex


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            server = getattr(value, "server", value)
            if isinstance(server, Server) and server.log_file.exists():
                report.sections.append(("the server said", server.log()[-8000:]))
                break
    return report
