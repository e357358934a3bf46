"""Whom the server believes about the client: X-Forwarded-For and -Proto of named proxies.

The only reader of these headers. HTTP asks `Proxies.seen_through` (server/shared.py), WebSockets
get an application wrapped in `Forwarded`, which asks the same, so both agree. Nothing here trusts
anybody who was not named. Source: RFC 7239, 5.2 and 7.4, for what the lists mean.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from carboy.core.context import Address

_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Names whoever connects through a UNIX socket: such a peer has no address.
UNIX = "unix"
#: Beyond this many different peers what is known about them is forgotten.
_REMEMBERED = 4096
_SECURE = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


class Proxies:
    """Addresses, networks (``10.0.0.0/8``), ``unix``, or ``*`` for everybody.

    ValueError: a name is none of these.
    """

    def __init__(self, names: str | Iterable[str]) -> None:
        said = names.split(",") if isinstance(names, str) else list(names)
        wanted = [name.strip() for name in said if name.strip()]
        self.everybody = "*" in wanted
        self.unix = UNIX in wanted
        self._networks = [_network(name) for name in wanted if name not in ("*", UNIX)]
        self._known: dict[str, bool] = {}

    def __bool__(self) -> bool:
        """Whether anybody is trusted."""
        return self.everybody or self.unix or bool(self._networks)

    def trusts(self, client: Address) -> bool:
        """Whether what this peer says is believed."""
        if self.everybody:
            return True
        host = client[0] if client else ""
        return self._has(host) if host else self.unix

    def _has(self, host: str) -> bool:
        found = self._known.get(host)
        if found is None:
            try:
                address = _unmapped(ipaddress.ip_address(host))
                found = any(address in network for network in self._networks)
            except ValueError:
                found = False
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            # SAFETY: what stands in a header may be long; it is not kept.
            if len(host) < 64:
                self._known[host] = found
        return found

    def seen_through(
        self, client: Address, scheme: str, headers: Iterable[tuple[bytes, bytes]]
    ) -> tuple[Address, str]:
        """Client and scheme ("http" or "https") as a trusted peer tells them; else as they are."""
        if not self.trusts(client):
            return client, scheme
        chain: list[str] = []
        for name, value in headers:
            if name == b"x-forwarded-proto":
                scheme = _SECURE.get(value.decode("latin-1").strip().lower(), scheme)
            elif name == b"x-forwarded-for":
                chain += value.decode("latin-1").split(",")
        hops = [hop for one in chain if (hop := one.strip())]
        return (self._farthest(hops) if hops else client), scheme

    def _farthest(self, hops: list[str]) -> tuple[str, int]:
        """The last hop that no trusted proxy vouches beyond: each appends whom it saw."""
        if not self.everybody:
            for hop in reversed(hops):
                host, port = _parted(hop)
                if not self._has(host):
                    return host, port
        return _parted(hops[0])


class Forwarded:
    """An ASGI application whose scopes say client and scheme as `proxies` see them."""

    def __init__(self, app: Any, proxies: Proxies) -> None:
        self.app = app
        self.proxies = proxies

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        if scope["type"] in ("http", "websocket"):
            secure = scope["scheme"] in ("https", "wss")
            client, scheme = self.proxies.seen_through(
                scope.get("client"), "https" if secure else "http", scope["headers"]
            )
            if scope["type"] == "websocket":
                scheme = "wss" if scheme == "https" else "ws"
            scope = {**scope, "client": client, "scheme": scheme}
        return await self.app(scope, receive, send)


def _network(name: str) -> Any:
    try:
        return ipaddress.ip_network(name)
    except ValueError as error:
        raise ValueError(
            f"{name!r} names no proxy ({error}): say an address, a network such as 10.0.0.0/8, "
            f"{UNIX} for the peers of a UNIX socket, or * for everybody"
        ) from None


def _unmapped(address: _Ip) -> _Ip:
    """IPv4 clients of a socket for both versions come as ::ffff:10.0.0.1."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _parted(hop: str) -> tuple[str, int]:
    """Host and port (0: not told) of ``10.0.0.1:80``, ``[::1]:80``, ``::1``."""
    if hop.startswith("["):
        host, bracket, rest = hop[1:].partition("]")
        if not bracket:
            return hop, 0
    elif hop.count(":") == 1:
        host, _, port = hop.partition(":")
        rest = f":{port}"
    else:
        return hop, 0
    port = rest[1:]
    return host, int(port) if port.isascii() and port.isdigit() and int(port) < 65536 else 0
