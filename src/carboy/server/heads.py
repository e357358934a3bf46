"""What the head of a request may say: sizes, Host, framing, target.

Nothing here knows a connection: server/reading.py asks, and refuses. A head that is only a method,
a target and a Host that was seen before is not looked at again.
SAFETY: F2, F6, F7, L6. What two readers could understand in two ways is refused (RFC 9112, 11.2).
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from typing import NamedTuple

import httptools

from carboy.server.settings import whole_numbers

Fields = list[tuple[bytes, bytes]]
#: A refusal: status and what is wrong.
Fault = tuple[int, str]

#: The fields that decide who is asked and where the request ends.
HEEDED = frozenset({b"host", b"transfer-encoding"})
#: Host fields that are known to be right, at most.
HOSTS = 256
#: Bytes of framing that a body in chunks may have, besides `FRAMING_RATE` for each of its bytes.
MAX_FRAMING = 4 * 1024
FRAMING_RATE = 16

# A name, an IPv4 address or an IPv6 address; nothing that needs decoding (RFC 9110, 4.2.1).
_HOST = re.compile(rb"(?:[A-Za-z0-9._~-]*|\[([0-9A-Fa-f:.]+)\])(?::([0-9]{0,5}))?")


class Limits(NamedTuple):
    """The sizes of heads; `from_environment` reads CARBOY_<NAME>."""

    #: Header fields of a request; 431.
    max_header_fields: int = 100
    #: Bytes of one, name and value; 431.
    max_header_field_size: int = 8 * 1024
    #: Bytes of all; 431.
    max_header_size: int = 32 * 1024
    #: Bytes of the target; 414.
    max_target_size: int = 8 * 1024

    @classmethod
    def from_environment(cls) -> Limits:
        """The settings of this process; ValueError says which one is no number."""
        return cls(**whole_numbers(cls._field_defaults, "a whole number, 1 or more", 1))

    @property
    def glance(self) -> int:
        """Bytes of a head that can be over none of the limits but that of the fields' number."""
        return min(self.max_header_field_size, self.max_header_size, self.max_target_size)

    def find_fault(self, url: bytes, headers: Fields) -> Fault | None:
        """The refusal of a head that is over one of the limits."""
        if len(url) > self.max_target_size:
            return 414, f"The request target is longer than {self.max_target_size} bytes"
        if len(headers) > self.max_header_fields:
            return 431, f"The request has more than {self.max_header_fields} header fields"
        sizes = [len(name) + len(value) for name, value in headers]
        if sizes and max(sizes) > self.max_header_field_size:
            return 431, f"A header field is longer than {self.max_header_field_size} bytes"
        if sum(sizes) > self.max_header_size:
            return 431, f"The header fields are longer than {self.max_header_size} bytes"
        return None


def find_fault(heeded: Fields, version: str) -> Fault | None:
    """The refusal of Host and framing; `heeded` are the fields of these names, in lower case."""
    hosts = [value for name, value in heeded if name == b"host"]
    if not hosts and version == "1.1":
        return 400, "The Host header is missing"
    if len(hosts) > 1:
        return 400, "There is more than one Host header"
    if hosts and not is_host(hosts[0]):
        return 400, "The Host header is not valid"
    codings = [value for name, value in heeded if name == b"transfer-encoding"]
    if codings and (version != "1.1" or len(codings) > 1 or codings[0].lower() != b"chunked"):
        return 400, "The only Transfer-Encoding is chunked, in HTTP/1.1"
    return None


def is_host(value: bytes) -> bool:
    """Whether `value` is a Host: a name or an address, with a port or without, or nothing."""
    found = _HOST.fullmatch(value)
    if found is None:
        return False
    address, port = found.groups()
    if port and int(port) > 65535:
        return False
    if address is None:
        return True
    try:
        IPv6Address(address.decode())
    except ValueError:
        return False
    return True


def split_target(url: bytes) -> tuple[bytes, bytes] | None:
    """Path and query of a target that is not plain origin-form (RFC 9112, 3.2)."""
    if url == b"*":
        return b"*", b""
    if b"#" in url or not url.isascii():
        return None
    try:
        parsed = httptools.parse_url(url)
    except httptools.HttpParserInvalidURLError:
        return None
    # SAFETY: F7, the host never comes from the target, only the Host header.
    if parsed.schema is not None and parsed.schema not in (b"http", b"https"):
        return None
    path = parsed.path or (b"/" if parsed.schema else None)
    if path is None or not path.startswith(b"/"):
        return None
    return path, parsed.query or b""
