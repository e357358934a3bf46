"""App: FastAPI's API with defaults that are safe on the internet, and a Flask side.

How it differs from the plain face is `SETTINGS`; each row stands in docs/app.md with a test. Names
that only Flask has (`delegated`) are those of `App.flask`; names that both have are FastAPI's.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from carboy.app.declared import Both, BothRouter
from carboy.app.delegated import NAMES, REFUSED, Delegated, FlaskNames, Refused
from carboy.app.errors import BothHandlers
from carboy.app.hosting import Hosting
from carboy.core.errors import Handlers
from carboy.fastapi.applications import FastAPI

if TYPE_CHECKING:
    from os import PathLike

    from carboy.app.side import Side
    from carboy.fastapi.options import AppOptions, AppSettings
    from carboy.flask import Flask


class App(Hosting, FastAPI, FlaskNames):
    """A web application.

        app = App()

        @app.get("/hello")
        def hello(name: str = "World"):
            return {"message": f"Hello, {name}!"}

        @app.route("/<name>")
        def page(name):
            return render_template("page.html", name=name)

    Bodies over 10 MiB are refused with 413; who has no answer after a minute gets 504; HEAD and
    OPTIONS are answered for every GET route; an `async def` handler of a GET route is cancelled
    when its client goes away; and Flask's ``<...>`` in a typed path is an error.

    `secret_key` signs the session that both kinds of routes share. `import_name`, the folders and
    `instance_path` are what Flask takes; `import_name` is the module that makes the App unless it
    is said. With `flask_habits`, OPTIONS and slashes that are missing or too many are answered as
    in Flask for typed routes too: for routes that were Flask views. All other arguments are
    FastAPI's.
    """

    settings: ClassVar[AppSettings] = {
        "strict_paths": True,
        "max_body": 10 * 1024 * 1024,
        "cancel_on_disconnect": True,
        "timeout": 60.0,
        "problem_details": True,
        "answer_head": True,
    }
    #: What finds Flask applications (flask/cli/finding.py) may take this for one.
    has_flask_side = True
    declared: Both
    declared_class = Both
    router_class = BothRouter
    _side: Any = None
    #: The last document with Flask's views in it.
    _merged: Any = None

    def __init__(
        self,
        *,
        import_name: str | None = None,
        secret_key: str | bytes | None = None,
        static_folder: str | PathLike[str] | None = "static",
        static_url_path: str | None = None,
        template_folder: str | PathLike[str] | None = "templates",
        instance_path: str | None = None,
        instance_relative_config: bool = False,
        flask_habits: bool = False,
        **options: Unpack[AppOptions],
    ) -> None:
        self._for_flask = {
            "import_name": import_name or _caller(self),
            "static_folder": static_folder,
            "static_url_path": static_url_path,
            "template_folder": template_folder,
            "instance_path": instance_path,
            "instance_relative_config": instance_relative_config,
        }
        self.flask_habits = flask_habits
        self._making = threading.RLock()
        super().__init__(**options)
        if secret_key is not None:
            self.flask.secret_key = secret_key

    def openapi(self) -> dict[str, Any]:
        """The document: typed routes as FastAPI describes them, and Flask views as inferred."""
        document = super().openapi()
        if self._side is None:
            return document
        from carboy.app.inferred.merging import kept

        self._merged = made = kept(self._merged, document, self._side, self.routes)
        return made.result

    def _make_handlers(self) -> Handlers:
        return BothHandlers(lambda: self.exception_handlers, self)

    @property
    def flask(self) -> Flask:
        """The Flask side: a whole Flask object on this application's engine, for extensions too."""
        if self._side is None:
            with self._making:
                if self._side is None:
                    from carboy.app.side import Made, make

                    self._take(make(self._for_flask), Made)
        return self._side  # type: ignore[no-any-return]

    def _make_flask(self) -> None:
        """Make the Flask side now, unless another thread is at it: that may wait for this one."""
        if self._making.acquire(blocking=False):
            try:
                _ = self.flask
            finally:
                self._making.release()

    def _take(self, flask: Flask, base: type[Side]) -> None:
        from carboy.app.side import adopt

        self._side = adopt(self, flask, base)
        self.declared.side = self._side
        self.engine.invalidate(recompile=True)

    def include(self, flask_app: Flask) -> None:
        """Take in a whole application of Flask's: routes, hooks, handlers, config, commands …

        It becomes `App.flask`: what is declared on it later counts as well, and its settings are
        this application's, those of the session's cookie among them. ValueError where there is a
        Flask side already.
        """
        from carboy.app.side import Side, check_included

        with self._making:
            check_included(self, flask_app)
            self._take(flask_app, Side)


for _name, _shown in NAMES.items():
    setattr(App, _name, Delegated(_name, _shown))
for _name, _why in REFUSED.items():
    setattr(App, _name, Refused(_why))


def _caller(app: App) -> str:
    """The module that makes `app`, past the constructors of its subclasses."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_locals.get("self") is app:
        frame = frame.f_back
    return "__main__" if frame is None else str(frame.f_globals.get("__name__", "__main__"))
