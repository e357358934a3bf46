"""App: FastAPI's API with defaults that are safe on the internet.

How it differs from the plain face is `SETTINGS`, nothing else; each row stands in docs/app.md with
a test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from carboy.fastapi.applications import FastAPI

if TYPE_CHECKING:
    from carboy.fastapi.options import AppSettings


class App(FastAPI):
    """A web application.

        app = App()

        @app.get("/hello")
        def hello(name: str = "World"):
            return {"message": f"Hello, {name}!"}

    Bodies over 10 MiB are refused with 413; who has no answer after a minute gets 504; HEAD and
    OPTIONS are answered for every GET route; an `async def` handler of a GET route is cancelled
    when its client goes away; and Flask's ``<...>`` in a path is an error.
    """

    settings: ClassVar[AppSettings] = {
        "strict_paths": True,
        "max_body": 10 * 1024 * 1024,
        "cancel_on_disconnect": True,
        "timeout": 60.0,
        "problem_details": True,
        "answer_head": True,
    }
