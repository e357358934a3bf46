"""Cookies that an answer sets, opened up to be compared: name, attributes, and what is inside.

A signed session (Flask's, Starlette's) can be read by anybody, only not written: its payload is
compared, not its signature and time. Values only.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from carboy.migrate.proof.exchange import Reply

#: A payload may not unpack to more than this.
_MOST = 1_000_000


@dataclass(frozen=True)
class SetCookie:
    """One Set-Cookie header. `attributes` are by lower-case name; flags have the value ""."""

    name: str
    value: str
    attributes: dict[str, str]

    @property
    def is_deleted(self) -> bool:
        """Whether it takes the cookie away: its time is over."""
        if "max-age" in self.attributes:
            return self.attributes["max-age"].strip().lstrip("-").isdigit() and (
                int(self.attributes["max-age"]) <= 0
            )
        try:
            return parsedate_to_datetime(self.attributes.get("expires", "")).year <= 1970
        except (ValueError, TypeError):
            return False


def parse(header: str) -> SetCookie:
    """A Set-Cookie header. Source: RFC 6265, 5.2."""
    pair, *rest = header.split(";")
    name, _, value = pair.partition("=")
    attributes = {}
    for one in rest:
        key, _, text = one.partition("=")
        attributes[key.strip().lower()] = text.strip()
    return SetCookie(name.strip(), value.strip().strip('"'), attributes)


def set_by(reply: Reply) -> list[SetCookie]:
    """The cookies of an answer, in order."""
    return [parse(value) for name, value in reply.headers if name == "set-cookie"]


def payload(value: str) -> Any:
    """What a signed cookie holds, or None where it is none.

    ``payload.time.signature``: Flask's payload is URL-safe base64 without padding, compressed
    where it begins with a dot; Starlette's is base64 with padding. ``head.claims.signature`` is a
    JSON Web Token.
    """
    is_packed = value[:1] == "."
    parts = value[is_packed:].split(".")
    if len(parts) != 3:
        return None
    found = _object(parts[0], is_packed)
    if found is not None and "alg" in found:
        claims = _object(parts[1], False)
        return None if claims is None else {"head": found, "claims": _lasting(claims)}
    return found


def _lasting(claims: dict[str, Any]) -> dict[str, Any]:
    """Claims without their moments. Source: RFC 7519, 4.1."""
    return {
        key: "(there)" if key in ("exp", "iat", "nbf", "jti") else value
        for key, value in claims.items()
    }


def _object(part: str, is_packed: bool) -> dict[str, Any] | None:
    try:
        plain = part.rstrip("=")
        padded = plain + "=" * (-len(plain) % 4)
        raw = base64.b64decode(padded, altchars=None if {"+", "/"} & set(part) else b"-_")
        if is_packed:
            raw = zlib.decompressobj().decompress(raw, _MOST)
        found = json.loads(raw)
    except (binascii.Error, zlib.error, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
