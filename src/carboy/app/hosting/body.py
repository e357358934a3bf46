"""``wsgi.input``: a file for the body of a request, read piece by piece as it is wanted.

Nothing of it is kept: what the application does not read stays with the transport, and whoever is
too fast waits. Limits count further out, and an error of theirs is remembered: an application may
turn it into a page of its own, which must not take the refusal's place.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from tempfile import SpooledTemporaryFile
from typing import IO, Any

#: Bytes that `io.BufferedReader` asks for at a time.
AT_A_TIME = 64 * 1024
#: Bytes of a body without a length that are kept in memory.
IN_MEMORY = 1024 * 1024


class ClientGone(ConnectionAbortedError):
    """The client has left, or the server has ended the request: it is time to stop.

    It is an OSError, as applications expect it of reading and writing.
    """

    def __init__(self) -> None:
        super().__init__("the client has gone away")


class Pieces(io.RawIOBase):
    """A raw file of what `following()` returns: (piece, whether it is the last)."""

    def __init__(self, following: Callable[[], tuple[bytes, bool]]) -> None:
        super().__init__()
        self._following = following
        self._left = b""
        self._ended = False
        #: What reading has raised.
        self.failure: Exception | None = None

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next bytes; 0 at the end of the body."""
        while not self._left and not self._ended:
            if self.failure is not None:
                raise self.failure
            try:
                self._left, self._ended = self._following()
            except Exception as error:
                self.failure = error
                raise
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


def buffered(pieces: Pieces) -> io.BufferedReader:
    """`pieces` with all that PEP 3333 asks of an input."""
    return io.BufferedReader(pieces, AT_A_TIME)


def collected(stream: Any) -> tuple[IO[bytes], int]:
    """What is left of `stream` as a file of its own, and its size in bytes."""
    kept = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - whoever takes it closes it
    try:
        shutil.copyfileobj(stream, kept)
    except BaseException:
        kept.close()
        raise
    size = kept.tell()
    kept.seek(0)
    return kept, size
