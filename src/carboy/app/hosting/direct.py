"""A hosted WSGI application on a WSGI server: the server calls it, in its own thread.

Only what the prefix and the limit of bodies change is changed. What it raises before it has started
an answer is answered as the application's own errors are; what comes later is the server's to see.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Any

from starlette.routing import Mount

from carboy.app.hosting.body import collected
from carboy.core.context import RequestContext
from carboy.core.engine import Engine
from carboy.core.errors import BodyTooLarge
from carboy.core.voice import drive
from carboy.server.environ import Environ, as_variable
from carboy.server.outer import outer_ring, refused, report


class Direct:
    """`application` where `place` is; `limit` is in bytes of a body."""

    def __init__(self, application: Any, limit: int | None, place: Mount) -> None:
        self._application = application
        self._limit = limit
        self._place = place

    def __call__(
        self, engine: Engine, request: RequestContext, environ: Environ, start_response: Any
    ) -> Iterable[bytes]:
        """WSGI, for a request that the engine has matched."""
        from carboy.server.wsgi import answer

        stream = Counted(environ, self._limit)
        started = False
        kept: Environ = {}

        def start(status: str, headers: Any, exc_info: Any = None) -> Any:
            nonlocal started
            if stream.failure is not None and not started:
                raise stream.failure
            started = True
            return start_response(status, headers, *((exc_info,) if exc_info else ()))

        try:
            if stream.is_too_long():
                raise BodyTooLarge(self._limit or 0)
            kept = _collected(environ, stream)
            below = {**self._below(environ, request), **(kept or {"wsgi.input": stream})}
            result: Iterable[bytes] = self._application(below, start)
            held = () if started else _held(result, lambda: started)
        except Exception as error:
            if kept:
                kept["wsgi.input"].close()
            if isinstance(error, BodyTooLarge) and not started:
                pair = drive(refused(request, error), request)
                return answer(engine, start_response, request, *pair)
            report(request, error)
            again = partial(start_response, exc_info=sys.exc_info()) if started else start_response
            pair = drive(outer_ring(engine, request, error), request)
            return answer(engine, again, request, *pair)
        is_head = request.method == "HEAD"
        if kept or held or is_head:
            return Pulled(result, () if is_head else held or (result,), kept.get("wsgi.input"))
        return result

    def _below(self, environ: Environ, request: RequestContext) -> Environ:
        """The environ below the prefix."""
        root = environ.get("SCRIPT_NAME", "")
        _, child_scope = self._place.matches({**request.scope})
        inner = as_variable(child_scope.get("root_path", "")) or root
        path = root + environ.get("PATH_INFO", "")
        return {**environ, "SCRIPT_NAME": inner, "PATH_INFO": path[len(inner) :]}


def _collected(environ: Environ, stream: Counted) -> Environ:
    """What the environ says of a body that came in chunks: it gets a length. Else nothing."""
    if not environ.get("HTTP_TRANSFER_ENCODING") or not environ.get("wsgi.input_terminated"):
        return {}
    kept, size = collected(stream)
    return {"wsgi.input": kept, "CONTENT_LENGTH": str(size), "HTTP_TRANSFER_ENCODING": ""}


class Counted:
    """A WSGI server's input, with at most so many bytes to be read."""

    def __init__(self, environ: Environ, limit: int | None) -> None:
        self._stream = environ["wsgi.input"]
        self._limit = limit
        self._length = environ.get("CONTENT_LENGTH") or ""
        self._read = 0
        #: What reading too much has raised.
        self.failure: BodyTooLarge | None = None

    def is_too_long(self) -> bool:
        """Whether more is announced than may come."""
        length = self._length
        return self._limit is not None and length.isdigit() and int(length) > self._limit

    def _keep(self, data: bytes) -> bytes:
        self._read += len(data)
        if self._limit is not None and self._read > self._limit:
            self.failure = BodyTooLarge(self._limit)
            raise self.failure
        return data

    def _most(self, size: int | None) -> int:
        """How much to ask for: who asks for all must not get more than one byte too much."""
        if size is None or size < 0:
            return -1 if self._limit is None else self._limit - self._read + 1
        return size

    def read(self, size: int | None = -1) -> bytes:
        """At most `size` bytes; BodyTooLarge."""
        return self._keep(self._stream.read(self._most(size)))

    def readline(self, size: int | None = -1) -> bytes:
        """One line, or `size` bytes of it; BodyTooLarge."""
        return self._keep(self._stream.readline(self._most(size)))

    def readlines(self, hint: int | None = None) -> list[bytes]:
        """All lines; BodyTooLarge."""
        return list(self)

    def __iter__(self) -> Counted:
        return self

    def __next__(self) -> bytes:
        if line := self.readline():
            return line
        raise StopIteration


def _held(result: Iterable[bytes], is_started: Callable[[], bool]) -> tuple[Iterable[bytes], ...]:
    """The first piece, for which a generator calls start_response; servers take its word for it."""
    try:
        pieces = iter(result)
        first = next(filter(None, pieces), b"")
        if not is_started():
            raise RuntimeError("the application answered without having called start_response")
    except BaseException:
        Pulled(result, (), None).close()
        raise
    return (first,), pieces


class Pulled:
    """An application's answer as `parts` have it; `kept` closes with it."""

    def __init__(self, result: Any, parts: Iterable[Iterable[bytes]], kept: Any) -> None:
        self._result = result
        self._pieces = chain.from_iterable(parts)
        self._kept = kept

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """PEP 3333."""
        try:
            if hasattr(self._result, "close"):
                self._result.close()
        finally:
            if self._kept is not None:
                self._kept.close()
