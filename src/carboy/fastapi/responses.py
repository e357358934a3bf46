"""Responses: Starlette's own under FastAPI's path, the event stream, and two that are going.

COMPAT: EventSourceResponse is defined here and imported by sse.py, not the other way round, so
that importing a response does not load pydantic.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from typing_extensions import deprecated

from carboy.fastapi.exceptions import FastAPIDeprecationWarning

__all__ = [
    "EventSourceResponse",
    "FileResponse",
    "HTMLResponse",
    "JSONResponse",
    "ORJSONResponse",
    "PlainTextResponse",
    "RedirectResponse",
    "Response",
    "StreamingResponse",
    "UJSONResponse",
]


class EventSourceResponse(StreamingResponse):
    """A stream of server-sent events; as `response_class`, what the endpoint yields is framed."""

    media_type = "text/event-stream"


@deprecated(
    "UJSONResponse is deprecated: with a return type or a response model, data is written by "
    "pydantic, which is faster and needs no response class of its own.",
    category=FastAPIDeprecationWarning,
)
class UJSONResponse(JSONResponse):
    """JSON as the package ujson writes it."""

    def render(self, content: Any) -> bytes:
        """`content` as UTF-8; other than ASCII is written as it is."""
        ujson = _package("ujson", self)
        return bytes(ujson.dumps(content, ensure_ascii=False).encode())


@deprecated(
    "ORJSONResponse is deprecated: with a return type or a response model, data is written by "
    "pydantic, which is faster and needs no response class of its own.",
    category=FastAPIDeprecationWarning,
)
class ORJSONResponse(JSONResponse):
    """JSON as the package orjson writes it, NumPy's arrays and keys that are not text too."""

    def render(self, content: Any) -> bytes:
        """`content` as UTF-8."""
        orjson = _package("orjson", self)
        options = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
        return bytes(orjson.dumps(content, option=options))


def _package(name: str, response: Response) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # COMPAT: upstream asserts that the package is there.
        raise AssertionError(
            f"{type(response).__name__} needs {name}: pip install {name}"
        ) from error
