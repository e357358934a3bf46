"""From HTTP to WebSockets: the connection is handed to uvicorn's protocol for them.

Only the switch is here. uvicorn's protocol gets the head again, in bytes, and from then on the
transport; it calls the application by ASGI. Source: RFC 6455, 4.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carboy.server.reading import Reading


def is_websocket(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether a request that asks for an upgrade asks for this one."""
    return any(name == b"upgrade" and value.lower() == b"websocket" for name, value in headers)


def hand_over(connection: Reading, url: bytes, headers: list[tuple[bytes, bytes]]) -> Any:
    """The WebSocket protocol that has the connection now."""
    shared = connection.shared
    shared.lost(connection)  # type: ignore[arg-type]
    connection.closed = True
    lines = [b"%b %b HTTP/1.1" % (connection.parser.get_method(), url)]
    lines += [b"%b: %b" % pair for pair in headers]
    protocol = shared.websockets(
        config=shared.config, server_state=shared.state, app_state=shared.app_state
    )
    transport = connection.transport
    protocol.connection_made(transport)
    protocol.data_received(b"\r\n".join([*lines, b"", b""]))
    transport.set_protocol(protocol)
    return protocol
