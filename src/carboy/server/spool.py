"""Bodies above a megabyte that are read before their endpoint runs: on disk while they arrive.

So a hundred slow uploads cost file space and not memory. The file has no name, nothing is left of
it however the process ends; it is written and read in threads of its own, a batch at a time, and
the socket is left alone while they lag behind. Only for its endpoint the body is one `bytes` again.
"""

from __future__ import annotations

import logging
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from carboy.core.context import RequestContext

if TYPE_CHECKING:
    from carboy.server.bodies import Receiving
    from carboy.server.pool import Pool

#: Bytes of a body that are kept in memory.
IN_MEMORY = 1024 * 1024
#: Bytes that are written at a time, and that may wait for it.
BATCH = 256 * 1024
WAITING = 1024 * 1024

logger = logging.getLogger("carboy.error")


class Spool:
    """One body on its way. `feed`, `end` and `drop` are called on the loop."""

    __slots__ = (
        "busy",
        "connection",
        "dropped",
        "ended",
        "file",
        "files",
        "held",
        "pieces",
        "request",
    )

    def __init__(self, connection: Receiving, request: RequestContext, files: Pool) -> None:
        self.connection = connection
        self.request = request
        self.files = files
        self.file: IO[bytes] | None = None
        self.pieces: list[bytes] = []
        self.held = 0
        #: A thread has the file.
        self.busy = self.ended = self.dropped = False

    def feed(self, pieces: list[bytes]) -> None:
        """What has come."""
        self.pieces += pieces
        self.held += sum(map(len, pieces))
        if self.held > WAITING:
            self.connection.transport.pause_reading()
        self._go_on()

    def end(self) -> None:
        """That was all: the connection gets the body by `loaded`."""
        self.ended = True
        self._go_on()

    def drop(self) -> None:
        """Nobody wants the body any more."""
        self.dropped = True
        self.pieces = []
        self._go_on()

    @property
    def lags(self) -> bool:
        """Whether the socket is left alone."""
        return self.held > WAITING

    def _go_on(self) -> None:
        if self.busy:
            return
        if self.dropped:
            if self.file is not None:
                self.busy = True
                self.files.insist(self.file.close)
        elif self.ended or self.held >= BATCH:
            self.busy = True
            pieces, self.pieces = self.pieces, []
            self.files.submit(self._work, pieces, self.ended)

    def _work(self, pieces: list[bytes], is_last: bool) -> None:
        """In a thread: write these, and read all if they are the last."""
        body = None
        try:
            if self.file is None:
                self.file = TemporaryFile(buffering=0)  # noqa: SIM115
            self.file.write(b"".join(pieces))
            if is_last:
                self.file.seek(0)
                body = self.file.read()
                self.file.close()
        except OSError as error:
            if self.file is not None:
                self.file.close()
            self.files.post(self._failed, error)
        else:
            self.files.post(self._worked, sum(map(len, pieces)), body)

    def _worked(self, size: int, body: bytes | None) -> None:
        lagged = self.lags
        self.held -= size
        self.busy = False
        if body is not None:
            if not self.dropped:
                self.connection.loaded(self.request, body)
            return
        if lagged and not self.lags and not self.connection.closed:
            self.connection.read_on()
        self._go_on()

    def _failed(self, error: OSError) -> None:
        logger.error("a request body could not be kept in a temporary file", exc_info=error)
        if not self.dropped:
            self.dropped = True
            self.connection.loaded(self.request, None)
