"""One request to a WSGI application, from its call to its close(), all in one thread.

Applications keep things in thread-locals and close them in close(), so a thread is lent for the
whole of it. What they yield leaves as they yield it; what they have in one piece leaves in one
message with its length. Source: PEP 3333.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from carboy.core.answer import BODILESS
from carboy.server.environ import Environ

Message = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Cycle:
    """`send(*messages)` has ASGI's messages sent, and returns when there is room for more.

    `failed()` is asked before the answer starts: an error that has to be answered in its place.
    """

    def __init__(
        self,
        application: Application,
        environ: Environ,
        send: Callable[..., None],
        failed: Callable[[], Exception | None],
    ) -> None:
        self._application = application
        self._environ = environ
        self._send = send
        self._failed = failed
        self._is_head = environ["REQUEST_METHOD"] == "HEAD"
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] | None = None
        self._begun = False
        #: Bytes that the content-length still promises; None where there is none.
        self._left: int | None = None
        self._complete = False

    def run(self) -> None:
        """Call the application and send what it answers. Raises what it raises."""
        try:
            result = self._application(self._environ, self._start_response)
            try:
                self._send_all(result)
            finally:
                close = getattr(result, "close", None)
                if close is not None:
                    close()
        except Exception:
            raise
        except BaseException as error:
            # SAFETY: a SystemExit that reaches the loop would end the server.
            raise RuntimeError(f"the application raised {error!r}") from error

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        if exc_info is not None:
            try:
                if self._begun:
                    raise exc_info[1]
            finally:
                exc_info = None  # a traceback that holds this frame, which holds it
        elif self._headers is not None:
            raise AssertionError("start_response was called a second time, without exc_info")
        try:
            self._status = int(status.split(" ", 1)[0])
        except (ValueError, AttributeError):
            raise ValueError(f'a WSGI status is text such as "200 OK", not {status!r}') from None
        self._headers = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers]
        length = next((v for k, v in self._headers if k == b"content-length"), b"")
        self._left = int(length) if length.isdigit() else None
        return self._write

    def _write(self, data: bytes) -> None:
        if data and not self._is_head:
            self._push(data)

    def _send_all(self, result: Iterable[bytes]) -> None:
        if isinstance(result, list | tuple) and not self._begun:
            self._end(b"".join(result))
            return
        for piece in result:
            if piece and self._is_head:
                break  # nobody gets it
            if piece:
                self._push(piece)
        self._end(b"")

    def _push(self, piece: bytes) -> None:
        """Send a piece; with the last one that was promised, the answer is complete."""
        if not isinstance(piece, bytes):
            raise TypeError(f"a WSGI application yields bytes, not {type(piece).__name__}")
        start = self._starting()
        if self._left is not None:
            self._left -= len(piece)
        last = self._left == 0
        self._complete = self._complete or last
        self._send(*start, {"type": "http.response.body", "body": piece, "more_body": not last})

    def _end(self, body: bytes) -> None:
        if self._complete:
            return
        is_whole = not (self._begun or self._is_head or self._status in BODILESS)
        if is_whole and self._left not in (None, len(body)):
            raise ValueError(f"content-length is {self._left}, and the body has {len(body)} bytes")
        start = self._starting()
        # To HEAD, an application may leave out the body whose length it does not say.
        is_known = self._status not in BODILESS and bool(body or not self._is_head)
        if start and self._left is None and is_known:
            start[0]["headers"].append((b"content-length", b"%d" % len(body)))
        self._complete = True
        self._send(*start, {"type": "http.response.body", "body": body, "more_body": False})

    def _starting(self) -> list[Message]:
        """The message that starts the answer, unless it has started."""
        if self._begun:
            return []
        if (failure := self._failed()) is not None:
            raise failure
        if self._headers is None:
            raise RuntimeError(
                f"{self._application!r} answered without having called start_response"
            )
        self._begun = True
        headers = self._headers
        return [{"type": "http.response.start", "status": self._status, "headers": headers}]
