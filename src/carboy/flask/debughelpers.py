"""Errors that debug mode raises in place of something hard to understand.

Nothing here runs outside debug mode, apart from EXPLAIN_TEMPLATE_LOADING.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.routing import RequestRedirect

from carboy.flask.globals import request_ctx

if TYPE_CHECKING:
    from jinja2 import BaseLoader

    from carboy.flask.app import Flask
    from carboy.flask.scaffold import Scaffold
    from carboy.flask.wrappers import Request


class UnexpectedUnicodeError(AssertionError, UnicodeError):
    """Text where bytes were meant, or the other way round."""


class DebugFilesKeyError(KeyError, AssertionError):
    """A file was asked for, and the form was sent in a way that carries no files."""

    def __init__(self, request: Request, key: str) -> None:
        self.msg = (
            f"request.files has no {key!r}: the request's mimetype is {request.mimetype!r}, so "
            "no file contents were transmitted. Forms with files need "
            'enctype="multipart/form-data".'
        )
        if names := request.form.getlist(key):
            shown = ", ".join(repr(name) for name in names)
            self.msg += f"\n\nThe browser sent text in its place. This was submitted: {shown}"

    def __str__(self) -> str:
        return self.msg


class FormDataRoutingRedirect(AssertionError):
    """A form was posted to a URL that redirects, with a status that makes browsers drop it."""

    def __init__(self, request: Request) -> None:
        redirect = request.routing_exception
        assert isinstance(redirect, RequestRedirect)
        target = redirect.new_url
        text = f"{request.url!r} got data, but is redirected to the canonical URL '{target}'."
        if f"{request.base_url}/" == target.partition("?")[0]:
            text += " Its rule ends in a slash, and the URL requested does not."
        super().__init__(
            f"{text} Browsers drop form data on this redirect: post to the canonical URL, or "
            "redirect with 307 or 308. Only debug mode raises this."
        )


def attach_enctype_error_multidict(request: Request) -> None:
    """Have ``request.files[key]`` explain itself where the form had text under `key`."""
    plain: Any = type(request.files)

    class Explaining(plain):  # type: ignore[misc]
        def __getitem__(self, key: str) -> Any:
            try:
                return super().__getitem__(key)
            except KeyError as error:
                if key not in request.form:
                    raise
                better = DebugFilesKeyError(request, key)
                raise better.with_traceback(error.__traceback__) from None

    Explaining.__name__ = plain.__name__
    Explaining.__module__ = plain.__module__
    request.files.__class__ = Explaining


def _settings(loader: BaseLoader) -> list[str]:
    shown = []
    for name, value in sorted(vars(loader).items()):
        texts = isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
        if not name.startswith("_") and (texts or isinstance(value, str | int | float | bool)):
            shown.append(f"       {name}: {value!r}")
    return shown


def explain_template_loading_attempts(
    app: Flask, template: str, attempts: list[tuple[BaseLoader, Scaffold, Any]]
) -> None:
    """Log where a template was looked for and what was found."""
    lines = [f"Locating template {template!r}:"]
    found = 0
    for number, (loader, place, triple) in enumerate(attempts, 1):
        kind = "application" if place is app else "blueprint"
        lines.append(f"{number:5}: trying loader of {kind} {place.name!r} ({place.import_name})")
        lines.append(f"       class: {type(loader).__module__}.{type(loader).__name__}")
        lines.extend(_settings(loader))
        if triple is None:
            lines.append("       -> no match")
        else:
            found += 1
            lines.append(f"       -> found ({triple[1] or '<string>'!r})")
    if found != 1:
        several = "multiple loaders returned a match for the template"
        lines.append(f"Warning: {several}." if found else "Error: the template could not be found.")
        if request_ctx and (blueprint := request_ctx.request.blueprint) is not None:
            lines += [
                f"  It was looked up from an endpoint that belongs to the blueprint {blueprint!r}:",
                "  is the template in the right folder?",
                "  See https://flask.palletsprojects.com/blueprints/#templates",
            ]
    app.logger.info("\n".join(lines))
