"""What views call: responses, redirects, URLs, flashed messages, files, streams.

COMPAT: the module's name is upstream's, code imports from it. Each function asks the current
application, so that an application may override the method behind it.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cache, update_wrapper
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

import werkzeug.utils
from werkzeug.exceptions import abort as _abort
from werkzeug.wrappers import Response as BaseResponse

from carboy.flask.globals import (
    _cv_app,
    _cv_request,
    current_app,
    request,
    request_ctx,
    session,
)
from carboy.flask.signals import message_flashed

if TYPE_CHECKING:
    from carboy.flask.wrappers import Response

_NO = frozenset({"0", "false", "no"})


def get_debug_flag() -> bool:
    """Whether FLASK_DEBUG asks for debug mode."""
    value = os.environ.get("FLASK_DEBUG")
    return bool(value) and value.lower() not in _NO  # type: ignore[union-attr]


def get_load_dotenv(default: bool = True) -> bool:
    """Whether ``.env`` files are to be read; FLASK_SKIP_DOTENV says no."""
    value = os.environ.get("FLASK_SKIP_DOTENV")
    return value.lower() in _NO if value else default


def stream_with_context(generator_or_function: Any) -> Any:
    """Keep the request current while a streamed answer is being generated.

    Takes an iterator, or a generator function to decorate.
    """
    try:
        steps = iter(generator_or_function)
    except TypeError:

        def decorated(*args: Any, **kwargs: Any) -> Any:
            return stream_with_context(generator_or_function(*args, **kwargs))

        return update_wrapper(decorated, generator_or_function)
    kept = _kept(steps)
    next(kept)
    return kept


def _kept(steps: Iterator[Any]) -> Iterator[Any]:
    """First remembers the contexts, then generates with them pushed."""
    context = _cv_request.get(None)
    if context is None:
        raise RuntimeError(
            "'stream_with_context' needs an active request context: call it in a view function."
        )
    app_context = _cv_app.get()
    yield None
    with app_context, context:
        try:
            yield from steps
        finally:
            if hasattr(steps, "close"):
                steps.close()


def make_response(*args: Any) -> Response:
    """The response for what a view could return, to change before it is returned."""
    if not args:
        return current_app.response_class()
    return current_app.make_response(args[0] if len(args) == 1 else args)


def url_for(
    endpoint: str,
    *,
    _anchor: str | None = None,
    _method: str | None = None,
    _scheme: str | None = None,
    _external: bool | None = None,
    **values: Any,
) -> str:
    """The URL of an endpoint; values that its rule has no place for become the query."""
    return current_app.url_for(
        endpoint,
        _anchor=_anchor,
        _method=_method,
        _scheme=_scheme,
        _external=_external,
        **values,
    )


def redirect(
    location: str,
    code: int = 302,
    Response: type[BaseResponse] | None = None,  # noqa: N803
) -> BaseResponse:
    """A response that sends the client elsewhere."""
    if current_app:
        return current_app.redirect(location, code=code)
    return werkzeug.utils.redirect(location, code=code, Response=Response)


def abort(code: int | BaseResponse, *args: Any, **kwargs: Any) -> NoReturn:
    """Raise the HTTP exception for a status code."""
    if current_app:
        current_app.aborter(code, *args, **kwargs)
    _abort(code, *args, **kwargs)


def get_template_attribute(template_name: str, attribute: str) -> Any:
    """A macro or variable that a template exports."""
    return getattr(current_app.jinja_env.get_template(template_name).module, attribute)


def flash(message: str, category: str = "message") -> None:
    """Leave a message for the next page that shows messages."""
    flashes = session.get("_flashes", [])
    flashes.append((category, message))
    # COMPAT: set again, so that sessions notice that it has changed.
    session["_flashes"] = flashes
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    message_flashed.send(app, _async_wrapper=app.ensure_sync, message=message, category=category)


def get_flashed_messages(
    with_categories: bool = False, category_filter: Iterable[str] = ()
) -> list[Any]:
    """The messages left, taken from the session once and then the same for the whole request."""
    flashes = request_ctx.flashes
    if flashes is None:
        flashes = session.pop("_flashes") if "_flashes" in session else []
        request_ctx.flashes = flashes
    if category_filter:
        # COMPAT: one text is a filter as well.
        flashes = [one for one in flashes if one[0] in category_filter]
    return flashes if with_categories else [one[1] for one in flashes]


def _file_options(options: dict[str, Any]) -> dict[str, Any]:
    if options.get("max_age") is None:
        options["max_age"] = current_app.get_send_file_max_age
    return options | {
        "environ": request.environ,
        "use_x_sendfile": current_app.config["USE_X_SENDFILE"],
        "response_class": current_app.response_class,
        "_root_path": current_app.root_path,
    }


def send_file(
    path_or_file: os.PathLike[str] | str | IO[bytes],
    mimetype: str | None = None,
    as_attachment: bool = False,
    download_name: str | None = None,
    conditional: bool = True,
    etag: bool | str = True,
    last_modified: datetime | int | float | None = None,
    max_age: int | Callable[[str | None], int | None] | None = None,
) -> Response:
    """A file as the answer. Never for a name that comes from a user: see send_from_directory."""
    options = {
        "mimetype": mimetype,
        "as_attachment": as_attachment,
        "download_name": download_name,
        "conditional": conditional,
        "etag": etag,
        "last_modified": last_modified,
        "max_age": max_age,
    }
    return werkzeug.utils.send_file(path_or_file, **_file_options(options))  # type: ignore[return-value]


def send_from_directory(
    directory: os.PathLike[str] | str, path: os.PathLike[str] | str, **kwargs: Any
) -> Response:
    """A file below `directory` as the answer; 404 for anything outside."""
    options = _file_options(kwargs)
    return werkzeug.utils.send_from_directory(directory, path, **options)  # type: ignore[return-value]


def get_root_path(import_name: str) -> str:
    """The folder that a module or package is in; the working directory where it has none."""
    module = sys.modules.get(import_name)
    if module is not None and getattr(module, "__file__", None) is not None:
        return str(Path(module.__file__).absolute().parent)  # type: ignore[arg-type]
    try:
        spec = importlib.util.find_spec(import_name)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.loader is None:
        return str(Path.cwd())
    if hasattr(spec.loader, "get_filename"):
        return str(Path(spec.loader.get_filename(import_name)).absolute().parent)
    __import__(import_name)
    filename = getattr(sys.modules[import_name], "__file__", None)
    if filename is None:
        raise RuntimeError(
            f"{import_name!r} has no file that would tell its folder (a namespace package, or a "
            "loader of its own). Pass root_path."
        )
    return str(Path(filename).absolute().parent)


@cache
def _split_blueprint_path(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(len(parts), 0, -1)]
