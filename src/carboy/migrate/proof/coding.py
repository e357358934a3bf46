"""Bodies as they were before they were compressed: what is inside can be compared, and redacted.

Only what the standard library can read; what it can't is said to be closed.
"""

from __future__ import annotations

import zlib

#: A body may not unpack to more than this.
MOST = 20 * 1024 * 1024
#: What zlib is told about a coding: gzip's head, zlib's head, or none.
_WINDOWS = {"gzip": (31,), "x-gzip": (31,), "deflate": (15, -15)}


def opened(coding: str | None, body: bytes) -> bytes | None:
    """`body` without its content coding; None where that can't be taken off.

    A body that was cut gives what can be had of it. One that is plain already, in spite of what
    its header says, is as it is: a record keeps it so.
    """
    names = [name.strip().lower() for name in (coding or "").split(",")]
    names = [name for name in names if name not in ("", "identity")]
    for name in reversed(names):
        if name not in _WINDOWS:
            return None
        body = _inflated(body, _WINDOWS[name])
    return body


def _inflated(body: bytes, windows: tuple[int, ...]) -> bytes:
    for window in windows:
        try:
            return zlib.decompressobj(window).decompress(body, MOST)
        except zlib.error:
            continue
    return body
