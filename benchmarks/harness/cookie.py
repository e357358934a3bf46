"""Signs a Flask session, so that a request can bring one: itsdangerous's format, by hand.

The harness runs without packages. Source: itsdangerous' documentation of its timed serializer, and
Flask's salt, digest (SHA-1) and key derivation (HMAC).
"""

import base64
import hashlib
import hmac
import json
import time


def session_cookie(secret: str, values: dict[str, object]) -> str:
    """Return the Cookie header with a session that holds these values."""
    key = hmac.digest(secret.encode(), b"cookie-session", hashlib.sha1)
    now = int(time.time())
    stamp = now.to_bytes((now.bit_length() + 7) // 8, "big")
    text = _coded(json.dumps(values, separators=(",", ":")).encode()) + b"." + _coded(stamp)
    signature = _coded(hmac.digest(key, text, hashlib.sha1))
    return f"session={(text + b'.' + signature).decode()}"


def _coded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
