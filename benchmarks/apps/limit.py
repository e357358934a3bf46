"""The limit: an asyncio protocol on uvloop and httptools with no framework.

It parses HTTP with httptools, the query string and JSON with the standard library,
and writes the answer straight to the transport. It leaves out what a real server
must have (timeouts, flow control, routes, errors), so it marks about how far a
Python server on these two libraries could go on this machine.
"""

import asyncio
import json
import os
from urllib.parse import parse_qs

import httptools
import uvloop


class HelloProtocol(asyncio.Protocol):
    """Answers every request on one connection."""

    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport and start a parser."""
        self.transport = transport  # type: ignore[assignment]
        self.parser = httptools.HttpRequestParser(self)
        self.url = b""

    def data_received(self, data: bytes) -> None:
        """Feed the parser, which calls the ``on_`` methods."""
        self.parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        """Collect the request target."""
        self.url += url

    def on_message_complete(self) -> None:
        """Answer the request."""
        query = httptools.parse_url(self.url).query or b""
        self.url = b""
        name = parse_qs(query.decode("latin-1")).get("name", ["World"])[0]
        body = json.dumps({"message": f"Hello, {name}!"}).encode()
        self.transport.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
            % (len(body), body)
        )


async def main() -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    port = int(os.environ["BENCH_PORT"])
    server = await loop.create_server(HelloProtocol, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
