"""Server-sent events: one event as data, and one event as bytes.

Who sends them, and the comments that keep a silent connection open, is the routing's business.
The format is the HTML standard's, section 9.2.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, model_validator

from carboy.fastapi.responses import EventSourceResponse

__all__ = ["KEEPALIVE_COMMENT", "EventSourceResponse", "ServerSentEvent", "format_sse_event"]

#: What is sent when nothing else was for this many seconds.
KEEPALIVE_COMMENT = b": ping\n\n"
_PING_INTERVAL: float = 15.0

#: An event in the OpenAPI document, without what its data is.
_SSE_EVENT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "data": {"type": "string"},
        "event": {"type": "string"},
        "id": {"type": "string"},
        "retry": {"type": "integer", "minimum": 0},
    },
}


def _one_line(field: str) -> AfterValidator:
    # SAFETY: a line break in a field would let its text start another field, or another event.
    def check(text: str | None) -> str | None:
        if text is not None and ("\n" in text or "\r" in text):
            raise ValueError(f"SSE '{field}' must be a single line")
        return text

    return AfterValidator(check)


def _no_null(text: str | None) -> str | None:
    if text is not None and "\0" in text:
        raise ValueError("SSE 'id' must not contain null characters")
    return text


class ServerSentEvent(BaseModel):
    """An event that says more than its data.

    `data` is sent as JSON, `raw_data` as it stands; an event has one of them or none. `event` is
    its type, `id` what a client sends as Last-Event-ID when it comes back, `retry` after how many
    milliseconds it should, and `comment` is for nobody.
    """

    data: Any = None
    raw_data: str | None = None
    event: Annotated[str | None, _one_line("event")] = None
    id: Annotated[str | None, AfterValidator(_no_null), _one_line("id")] = None
    retry: Annotated[int | None, Field(ge=0)] = None
    comment: str | None = None

    @model_validator(mode="after")
    def _one_kind_of_data(self) -> ServerSentEvent:
        if self.data is None or self.raw_data is None:
            return self
        raise ValueError(
            "Cannot set both 'data' and 'raw_data' of a ServerSentEvent: "
            "'data' is written as JSON, 'raw_data' as it stands"
        )


def format_sse_event(
    *,
    data_str: str | None = None,
    event: str | None = None,
    id: str | None = None,
    retry: int | None = None,
    comment: str | None = None,
) -> bytes:
    """One event as it goes over the wire; text of several lines becomes several fields."""
    fields = [("", line) for line in _lines(comment)]
    fields += [("event", event)] if event is not None else []
    fields += [("data", line) for line in _lines(data_str)]
    fields += [
        (name, str(value)) for name, value in (("id", id), ("retry", retry)) if value is not None
    ]
    return "".join([*(f"{name}: {value}\n" for name, value in fields), "\n"]).encode()


def _lines(text: str | None) -> list[str]:
    """Split as the standard does; `str.splitlines` knows more kinds of breaks."""
    if text is None:
        return []
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def __getattr__(name: str) -> Any:
    from carboy.fastapi.borrowed import lend

    return lend(__name__, name)
