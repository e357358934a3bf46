"""The hooks of a route, flattened over its blueprints, and how a line of source calls them.

What a Flask view has around it (straight.py) and, in an `App`, a typed route too: contexts, the
session, URL value preprocessors, before and after hooks, teardown. Only what there is gets written.
A line compares `tables` with what it `known`s, since people add hooks while serving.
SAFETY: as in core/compile.py, the text holds identifiers minted there and `repr()` of strings.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from carboy.core.compile import Writer
from carboy.flask import finishing
from carboy.flask.helpers import _split_blueprint_path
from carboy.flask.sessions import SecureCookieSessionInterface
from carboy.flask.signals import appcontext_tearing_down, request_started, request_tearing_down
from carboy.flask.turning import apart, in_context

if TYPE_CHECKING:
    from carboy.flask.app import Flask


class Hooked:
    """Writes what stands around an endpoint of `app` that is called `endpoint`."""

    def __init__(self, app: Flask, endpoint: str, is_async: bool) -> None:
        self.app = app
        self.endpoint = endpoint
        self.write = Writer(is_async)
        self.is_async = is_async
        #: Something of this line has to run in a thread.
        self.waits = False
        blueprint = endpoint.rpartition(".")[0]
        inwards: list[str | None] = [None]
        inwards += reversed(_split_blueprint_path(blueprint)) if blueprint else ()
        tables = (app.url_value_preprocessors, app.before_request_funcs, app.after_request_funcs,
                  app.teardown_request_funcs)  # fmt: skip
        hooks = [[table[name] for name in inwards] for table in tables]
        live = (*(one for table in hooks for one in table), app.teardown_appcontext_funcs)
        self.write.names.update(
            get_app=weakref.ref(app), tables=live, known=tuple(list(one) for one in live),
            in_context=in_context, handled=_handled,
            request_started=request_started, send_started=_send_started,
            request_tearing_down=request_tearing_down,
            appcontext_tearing_down=appcontext_tearing_down,
            make_response=finishing.make_response, late=finishing.late,
        )  # fmt: skip
        self.preprocessors = [one for table in hooks[0] for one in table]
        self.before = [one for table in hooks[1] for one in table]
        self.after = [one for table in reversed(hooks[2]) for one in reversed(table)]
        self.teardown = [one for table in reversed(hooks[3]) for one in reversed(table)]
        self.app_teardown = list(reversed(app.teardown_appcontext_funcs))

    def step(self, function: Any, args: str = "") -> str:
        """Source that calls an application's function, whatever its colour."""
        is_async = iscoroutinefunction(function)
        if is_async and not self.is_async:
            function, is_async = self.app.ensure_sync(function), False
        name = self.write.bind(getattr(function, "__name__", "hook"), function)
        if not self.is_async:
            return f"{name}({args})"
        if is_async:
            return f"await {name}({args})"
        return f"{name}({args})" if _is_plugged(function) else self.threaded(name, args)

    def threaded(self, name: str, args: str = "", is_rare: bool = False) -> str:
        """Source that calls what may block; `is_rare` for what only errors come to."""
        if not self.is_async:
            return f"{name}({args})"
        # PERF: what nobody waits for costs nothing: 5 calls for every request without hooks.
        self.waits = self.waits or not is_rare
        return f"await in_context(request)({name}{', ' if args else ''}{args})"

    @property
    def has_cookie_session(self) -> bool:
        """Whether opening and saving the session neither waits nor blocks."""
        return type(self.app.session_interface) is SecureCookieSessionInterface

    def saving(self, name: str, args: str) -> str:
        """Source that calls what saves the session."""
        return f"{name}({args})" if self.has_cookie_session else self.threaded(name, args)

    def open_session(self) -> None:
        """Writes the opening of the session, where nobody would notice only if there is one."""
        write = self.write
        if self.has_cookie_session:
            write("        if context.has_cookie:")
            write("            context._open_session()")
        else:
            write(f"        {self.threaded('context._open_session')}")

    def start(self, values: str) -> None:
        """Writes the signal of the start, and URL value preprocessors for `values`."""
        write = self.write
        write("            if request_started.receivers:")
        write(f"                {self.threaded('send_started', 'app', is_rare=True)}")
        for one in self.preprocessors:
            write(f"            {self.step(one, f'{self.endpoint!r}, {values}')}")

    def ask_before(self) -> None:
        """Writes the before hooks: `result` is what the first of them answers, or None."""
        write = self.write
        write(f"            result = {self.step(self.before[0])}")
        for one in self.before[1:]:
            write("            if result is None:")
            write(f"                result = {self.step(one)}")

    def run_after(self, indent: str = "        ") -> None:
        """Writes the after hooks of `response`."""
        write = self.write
        write(f"{indent}if context._after_request_functions:")
        late = self.threaded("late", "context, response", is_rare=True)
        write(f"{indent}    response = {late}")
        for one in self.after:
            write(f"{indent}response = {self.step(one, 'response')}")

    def close(self, indent: str = "        ") -> None:
        """Writes the closing of the context: teardown, in a thread where it may block."""
        write = self.write
        args = f"context, error, {self.bound_teardown()}"
        if not self.is_async or self.app_teardown or not all(map(_is_plugged, self.teardown)):
            write(f"{indent}{self.threaded('close_context', args)}")
            return
        write(f"{indent}if request_tearing_down.receivers or appcontext_tearing_down.receivers:")
        write(f"{indent}    {self.threaded('close_context', args, is_rare=True)}")
        write(f"{indent}else:")
        write(f"{indent}    close_context({args})")

    def bound_teardown(self) -> str:
        """Source of two tuples: the teardown hooks of the request, and of the application."""
        texts = []
        for hooks in (self.teardown, self.app_teardown):
            names = [
                self.write.bind(getattr(one, "__name__", "hook"), self.app.ensure_sync(one))
                for one in hooks
            ]
            texts.append(f"({', '.join(names)},)" if names else "()")
        return ", ".join(texts)

    def settled(self, call: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """`call`, in a task of its own where Python does not tell the context of a task."""
        if self.is_async and self.waits and sys.version_info < (3, 12):
            return apart(call)
        return call


def _is_plugged(hook: Any) -> bool:
    """Whether a plugin's half (plugged.py) is called, which neither waits nor blocks."""
    return getattr(type(getattr(hook, "__self__", None)), "is_plugged", False)


def _handled(app: Flask, error: Exception) -> Any:
    """What the handler for `error` answers; `error` again where there is none."""
    return app.handle_user_exception(error)


def _send_started(app: Flask) -> None:
    request_started.send(app, _async_wrapper=app.ensure_sync)
