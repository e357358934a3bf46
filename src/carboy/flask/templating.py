"""Jinja templates with the application's folders, its blueprints' and the current request.

What a template sees besides its own context comes from the context processors; what was passed to
`render_template` wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import BaseLoader, Template, TemplateNotFound
from jinja2 import Environment as BaseEnvironment

from carboy.flask.globals import _cv_app, _cv_request, current_app, request
from carboy.flask.helpers import stream_with_context
from carboy.flask.signals import before_render_template, template_rendered
from carboy.server.traces import is_dev

if TYPE_CHECKING:
    from carboy.flask.app import Flask
    from carboy.flask.scaffold import Scaffold

Source = tuple[str, str | None, Callable[[], bool] | None]


def _default_template_ctx_processor() -> dict[str, Any]:
    found: dict[str, Any] = {}
    if (app_context := _cv_app.get(None)) is not None:
        found["g"] = app_context.g
    if (context := _cv_request.get(None)) is not None:
        found["request"] = context.request
        # COMPAT: not "session"; it is the environment's global, so that it counts as looked at
        # only when a template uses it.
    return found


class Environment(BaseEnvironment):
    """Jinja's environment, with the loader of an application."""

    def __init__(self, app: Flask, **options: Any) -> None:
        if "loader" not in options:
            options["loader"] = app.create_global_jinja_loader()
        super().__init__(**options)
        self.app = app


class DispatchingJinjaLoader(BaseLoader):
    """Looks in the application's folder, then in each blueprint's."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def get_source(self, environment: BaseEnvironment, template: str) -> Source:
        attempts = []
        for place, loader in self._iter_loaders(template):
            try:
                found: Source | None = loader.get_source(environment, template)
            except TemplateNotFound:
                found = None
            attempts.append((loader, place, found))
            if found is not None and not self.app.config["EXPLAIN_TEMPLATE_LOADING"]:
                return found
        if self.app.config["EXPLAIN_TEMPLATE_LOADING"]:
            from carboy.flask.debughelpers import explain_template_loading_attempts

            explain_template_loading_attempts(self.app, template, attempts)
        for _, _, found in attempts:
            if found is not None:
                return found
        raise TemplateNotFound(template, self._missing(template))

    def _missing(self, template: str) -> str:
        """What a person needs to know: where it was looked for, and what is there instead."""
        loaders = [loader for _, loader in self._iter_loaders(template)]
        places = [one for loader in loaders for one in getattr(loader, "searchpath", (loader,))]
        looked = ", ".join(
            f"{place} (there is no such folder)"
            if isinstance(place, str) and not Path(place).is_dir()
            else str(place)
            for place in places
        )
        told = f"{template} was looked for in: {looked or 'no folder at all'}."
        # PERF: others than people miss templates all the time (`ignore missing`, lists of names).
        if is_dev() or self.app.debug or self.app.testing:
            close = get_close_matches(template, self.list_templates(), n=1)
            told += f" Did you mean {close[0]}?" if close else ""
        return told

    def _iter_loaders(self, template: str) -> Iterator[tuple[Scaffold, BaseLoader]]:
        for place in (self.app, *self.app.iter_blueprints()):
            loader = place.jinja_loader
            if loader is not None:
                yield place, loader

    def list_templates(self) -> list[str]:
        """Every template there is."""
        names: set[str] = set()
        for _, loader in self._iter_loaders(""):
            names.update(loader.list_templates())
        return list(names)


def _announce(signal: Any, app: Flask, template: Template, context: dict[str, Any]) -> None:
    signal.send(app, _async_wrapper=app.ensure_sync, template=template, context=context)


def _render(app: Flask, template: Template, context: dict[str, Any]) -> str:
    app.update_template_context(context)
    _announce(before_render_template, app, template, context)
    text = template.render(context)
    _announce(template_rendered, app, template, context)
    return text


def _stream(app: Flask, template: Template, context: dict[str, Any]) -> Iterator[str]:
    app.update_template_context(context)
    _announce(before_render_template, app, template, context)

    def generate() -> Iterator[str]:
        yield from template.generate(context)
        _announce(template_rendered, app, template, context)

    steps = generate()
    return stream_with_context(steps) if request else steps


def _app() -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined, no-any-return]


def render_template(template_name_or_list: Any, **context: Any) -> str:
    """The text of a template file, or of the first that exists."""
    app = _app()
    return _render(app, app.jinja_env.get_or_select_template(template_name_or_list), context)


def render_template_string(source: str, **context: Any) -> str:
    """The text of a template given as text."""
    app = _app()
    return _render(app, app.jinja_env.from_string(source), context)


def stream_template(template_name_or_list: Any, **context: Any) -> Iterator[str]:
    """`render_template` in pieces."""
    app = _app()
    return _stream(app, app.jinja_env.get_or_select_template(template_name_or_list), context)


def stream_template_string(source: str, **context: Any) -> Iterator[str]:
    """`render_template_string` in pieces."""
    app = _app()
    return _stream(app, app.jinja_env.from_string(source), context)
