"""Flask's suite by the other door: what its test client asks is answered by the engine.

Upstream's tests call `wsgi_app`, WSGI's door (src/carboy/flask/door.py); a server of Carboy's comes
in by the engine's. With CONFORMANCE_DOOR=engine the client's environ is taken to the engine, whose
answer goes back as WSGI. With CONFORMANCE_DOOR=app every application is the Flask side of an `App`.
FastAPI's suite has a door as well: with CONFORMANCE_DOOR=mixed every application has a Flask side.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any


def open_door() -> None:
    """Let WSGI calls of applications in by the engine's door."""
    from carboy.flask import app
    from carboy.server.portal import portal_of
    from carboy.server.wsgi import answer, read_body, request_of

    by_wsgi = app.Flask.__call__

    def call(self: Any, *args: Any) -> Any:
        if len(args) != 2 or "werkzeug.debug.preserve_context" in args[0]:
            return by_wsgi(self, *args)
        environ, start_response = args
        served = request_of(environ, portal_of(self.engine))
        target = self.engine.match(served)
        if environ.get("CONTENT_LENGTH") or environ.get("wsgi.input_terminated"):
            sent = environ["wsgi.input"]
            served.body = read_body(environ, None)
            environ["wsgi.input"] = BytesIO(served.body or b"")
            if sent.seekable():  # the client sends it again after a redirect
                sent.seek(0)
        if target.is_async:
            head, body = served.portal(target.call(served))
        else:
            head, body = target.call(served)
        return answer(self.engine, start_response, served, head, body)

    app.Flask.__call__ = call  # type: ignore[method-assign]


def include_all() -> None:
    """Make every Flask application the Flask side of an `App`, as soon as it is made."""
    from carboy.app import App
    from carboy.flask import Flask

    make = Flask.__init__

    def made(self: Any, *args: Any, **options: Any) -> None:
        make(self, *args, **options)
        if not hasattr(self, "owner"):
            # Without its pages: what lists routes lists those of the application.
            App(openapi_url=None).include(self)

    Flask.__init__ = made  # type: ignore[method-assign]


def mix_all() -> None:
    """Make every FastAPI application one with a Flask side, whose contexts are around its routes.

    With FastAPI's own settings; what no route takes is answered as for clients that want JSON.
    """
    from typing import ClassVar

    import carboy.fastapi as face
    from carboy.app import App, errors
    from carboy.fastapi import applications

    class FastAPI(App):
        settings: ClassVar[Any] = {}

        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.flask.secret_key = "conformance"

    FastAPI.__module__ = applications.FastAPI.__module__
    face.FastAPI = applications.FastAPI = FastAPI  # type: ignore[misc]
    errors._wants_json = lambda request: True


#: CONFORMANCE_DOOR names one, or several with "+" between them.
DOORS = {"engine": open_door, "app": include_all, "mixed": mix_all}
