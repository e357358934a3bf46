"""What log lines look like: for people (uvicorn's format), or JSON, one object a line.

`--log-format json`, or `JsonFormatter` in a configuration of your own. Every object has `time`,
`level`, `logger` and `message`; a request's has `client`, `method`, `path`, `status`, and under the
direct protocol `route` and `duration` in seconds; an error's has `error` and `traceback`; what code
says by ``extra={...}`` stands beside them.
SAFETY: R9, what clients send is escaped before it gets here, and everything else by JSON.
"""

from __future__ import annotations

import json
import logging
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from uvicorn.config import LOGGING_CONFIG

FORMATS = ("text", "json")
#: The arguments of an access line, uvicorn's and ours.
_ACCESS = ("client", "method", "path", "http_version", "status")
#: What every record has, and what uvicorn adds for terminals.
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class JsonFormatter(logging.Formatter):
    """One JSON object for a record, in ASCII, without line breaks."""

    def __init__(self, use_colors: bool | None = None) -> None:
        super().__init__()  # uvicorn tells its formatters about colours, whatever they are

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        found: dict[str, Any] = {
            "time": _time(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.name == "uvicorn.access" and len(record.args or ()) == len(_ACCESS):
            found |= zip(_ACCESS, record.args or (), strict=True)
            found["message"] = f"{found['method']} {found['path']} {found['status']}"
        if record.exc_info and record.exc_info[1] is not None:
            found["error"] = logging.Formatter().formatException(record.exc_info).split("\n")[-1]
            found["traceback"] = self.formatException(record.exc_info)
        if record.stack_info:
            found["stack"] = self.formatStack(record.stack_info)
        more = {k: v for k, v in vars(record).items() if k not in _USUAL and k not in found}
        try:
            return json.dumps(found | more, default=str, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            # What somebody's `extra` holds must not cost the line.
            return json.dumps(found | {key: repr(value) for key, value in more.items()})


def _time(seconds: float) -> str:
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def log_config(options: dict[str, Any]) -> Any:
    """The file that was named, or one format for our log lines and the server's."""
    if options.get("log_config"):
        return str(options["log_config"])
    logs = deepcopy(LOGGING_CONFIG)
    level = (options.get("log_level") or "info").upper()
    logs["loggers"]["carboy"] = {"handlers": ["default"], "level": level, "propagate": False}
    if options.get("log_format") == "json":
        logs["formatters"] = {
            name: {"()": f"{__name__}.JsonFormatter"} for name in logs["handlers"]
        }
        # The application's own lines too: a file of objects with text in between is neither.
        least = (options.get("log_level") or "warning").upper()
        logs["root"] = {"handlers": ["default"], "level": least}
    return logs
