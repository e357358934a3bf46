"""`app.logger`: one logger a name, to the server's error stream where nobody else listens."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from werkzeug.local import LocalProxy

from carboy.flask.globals import request

if TYPE_CHECKING:
    from carboy.flask.app import Flask


@LocalProxy
def wsgi_errors_stream() -> Any:
    """The request's error stream, else stderr as it is now."""
    return request.environ["wsgi.errors"] if request else sys.stderr


default_handler = logging.StreamHandler(wsgi_errors_stream)  # type: ignore[call-overload]
default_handler.setFormatter(
    logging.Formatter("[%(asctime)s] %(levelname)s in %(module)s: %(message)s")
)


def has_level_handler(logger: logging.Logger) -> bool:
    """Whether somebody up the tree handles what `logger` lets through."""
    level = logger.getEffectiveLevel()
    current: logging.Logger | None = logger
    while current is not None:
        if any(handler.level <= level for handler in current.handlers):
            return True
        current = current.parent if current.propagate else None
    return False


def create_logger(app: Flask) -> logging.Logger:
    """The application's logger; DEBUG in debug mode unless a level is set."""
    logger = logging.getLogger(app.name)
    if app.debug and not logger.level:
        logger.setLevel(logging.DEBUG)
    if not has_level_handler(logger):
        logger.addHandler(default_handler)
    return logger
