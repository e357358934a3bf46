"""One object for every server.

uvicorn and hypercorn call ``app(scope, receive, send)``, WSGI servers ``app(environ,
start_response)``, and some look before they call: the instance attribute ``__call__`` is an
``async def`` function for those, the method on the type takes both by their number.
"""

from __future__ import annotations

from typing import Any

from carboy.core.engine import Engine


class Entry:
    """Mixed into applications; `engine` answers."""

    engine: Engine

    def _serve_everywhere(self) -> None:
        """Make this instance recognisable to servers that inspect applications."""
        engine = self.engine

        async def __call__(scope: Any, receive: Any, send: Any) -> None:  # noqa: N807
            from carboy.server.asgi import serve

            await serve(engine, scope, receive, send)

        self.__dict__["__call__"] = __call__

    def __call__(self, *args: Any) -> Any:
        """ASGI with three arguments, WSGI with two."""
        if len(args) == 3:
            # Through the instance's attribute: whoever replaced it wants to be called.
            return self.__dict__["__call__"](*args)
        if len(args) == 2:
            from carboy.server.wsgi import serve

            return serve(self.engine, *args)
        raise TypeError(
            f"{type(self).__name__} is called by servers: (scope, receive, send) for ASGI or "
            f"(environ, start_response) for WSGI, not with {len(args)} arguments. "
            "To serve it: carboy run module:app"
        )
