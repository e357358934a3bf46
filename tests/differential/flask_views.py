"""The views that the differential tests ask: what they read, and what they return.

`reader(package)` is an application whose views answer with what they found in the request;
`answerer(package, result)` one whose view returns what `result` makes.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from .wsgi_asking import refusal

#: Attributes of a request that can be shown as they are.
PLAIN = [
    "method", "path", "full_path", "script_root", "url", "base_url", "root_url", "url_root", "host",
    "host_url", "scheme", "is_secure", "remote_addr", "query_string", "mimetype", "content_type",
    "content_length", "content_encoding", "content_md5", "is_json", "is_multiprocess", "referrer",
    "origin", "user_agent", "date", "max_forwards", "pragma", "cache_control", "if_match",
    "if_none_match", "if_modified_since", "if_unmodified_since", "if_range", "range",
    "accept_mimetypes", "accept_charsets", "accept_encodings", "accept_languages",
    "authorization", "access_route", "want_form_data_parsed", "url_rule", "endpoint", "blueprint",
    "blueprints", "view_args", "routing_exception", "max_content_length", "mimetype_params",
    "access_control_request_headers", "access_control_request_method", "server", "remote_user",
]  # fmt: skip


def reader(package: ModuleType, config: dict[str, Any]) -> Any:
    """An application that says what a request is, in as many ways as it can be asked."""
    app = package.Flask("differential", static_folder=None)
    app.logger.disabled = True
    app.config.update(config)
    request = package.request

    def all_of(values: Any) -> Any:
        return [[key, repr(values.getlist(key))] for key in values]

    def plain() -> Any:
        return {name: repr(getattr(request, name)) for name in PLAIN}

    def query() -> Any:
        made = [repr(request.args.get("n", default, type=kind)) for default, kind in CASTS]
        return [all_of(request.args), made, repr(request.values), repr(dict(request.cookies))]

    def form() -> Any:
        files = [
            [name, one.filename, one.content_type, repr(one.read()), sorted(one.headers.items())]
            for name in request.files
            for one in request.files.getlist(name)
        ]
        rest = repr(request.get_data())
        return [all_of(request.form), files, all_of(request.values), rest]

    def key() -> Any:
        return request.form["a"] + request.args["n"]

    def json() -> Any:
        return {"value": request.get_json(), "data": repr(request.data)}

    def lenient() -> Any:
        return [repr(request.get_json(force=True, silent=True)), repr(request.get_data())]

    def data_first() -> Any:
        return [repr(request.get_data()), all_of(request.form), list(request.files)]

    def stream() -> Any:
        return [repr(request.stream.read(3)), repr(request.stream.read()), all_of(request.form)]

    def headers() -> Any:
        return [[key.lower(), value] for key, value in sorted(request.headers)]

    for view in (plain, query, form, key, json, lenient, data_first, stream, headers):
        app.add_url_rule(f"/{view.__name__}", view_func=view, methods=["GET", "POST", "PUT"])
    return app


CASTS: list[tuple[Any, Callable[[str], Any]]] = [
    (None, int), (7, int), (None, float), ("x", str), (None, lambda text: text[9])
]  # fmt: skip


def answerer(package: ModuleType, result: Callable[[ModuleType], Any], config: Any) -> Any:
    """An application whose only view returns what `result` makes."""
    app = package.Flask("differential", static_folder=None, root_path="/")
    app.logger.disabled = True
    app.config.update(config)

    @app.route("/", methods=["GET", "POST"])
    def view() -> Any:
        return result(package)

    def raised(sender: Any, exception: BaseException) -> None:
        app.raised.append(refusal(exception))

    app.raised = []
    package.got_request_exception.connect(raised, app, weak=False)

    @app.errorhandler(KeyError)
    def missing(error: KeyError) -> Any:
        return {"missing": str(error)}, 410

    return app
