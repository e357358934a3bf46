"""What views return and raise, and how it is told to the client: both packages write it alike.

CARBOY_FUZZ as in test_operations.py.
"""

from __future__ import annotations

import decimal
import io
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from types import ModuleType
from typing import Any

import werkzeug.exceptions
import werkzeug.wrappers
from hypothesis import given, note
from hypothesis import strategies as st
from werkzeug.datastructures import Headers, MultiDict

from .asking import Ask
from .flask_views import answerer
from .test_operations import JSONS
from .wsgi_asking import PACKAGES, draws, same

AWARE = datetime(2020, 1, 1, 5, 6, tzinfo=timezone(timedelta(hours=2)))


@dataclass
class Data:
    number: int
    when: date | None = None


class Markup:
    def __html__(self) -> str:
        return "<b>html</b>"


def _wsgi(environ: Any, start_response: Any) -> Any:
    start_response("203 Other", [("X-Wsgi", environ["PATH_INFO"])])
    return [b"by ", b"wsgi"]


def _generator(*pieces: Any) -> Iterator[Any]:
    yield from pieces


def _failing() -> Iterator[str]:
    yield "first"
    raise KeyError("late")


def _file(package: ModuleType, **options: Any) -> Any:
    options.setdefault("mimetype", "text/plain")
    return package.send_file(io.BytesIO(b"0123456789" * 10), **options)


def _cookies(package: ModuleType) -> Any:
    made = package.make_response("cookies")
    made.set_cookie("a", "ä b;", max_age=5, secure=True, samesite="Lax", path="/x")
    made.set_cookie(
        "b", "1", expires=datetime(2030, 1, 1, tzinfo=UTC), httponly=True, domain="test"
    )
    made.delete_cookie("c")
    return made


TEMPLATE = """{{ a }}|{{ b|safe }}|{{ request.path }}|{{ config.X }}|{{ url_for('view', q='ä') }}|{{ g.z }}
{{ 1|tojson }}|{{ d|tojson }}|{{ session }}|{{ get_flashed_messages() }}"""  # noqa: E501


def _rendered(package: ModuleType, **values: Any) -> str:
    made: str = package.render_template_string(TEMPLATE, d={"<": "'"}, **values)
    return made


def _streamed(package: ModuleType) -> Any:
    return package.stream_with_context(package.request.path + str(one) for one in range(3))


def _changed(package: ModuleType) -> Any:
    package.after_this_request(lambda response: response.headers.add("X-After", "1") or response)
    made = package.jsonify(a=1)
    made.headers.update({"X-Own": "1", "Content-Type": "application/x"})
    made.cache_control.max_age = 5
    made.add_etag()
    return made.make_conditional(package.request)


def _etag(package: ModuleType) -> Any:
    made = package.make_response("tagged " * 3)
    made.set_etag("a")
    made.last_modified = datetime(2015, 10, 21, 7, 28, tzinfo=UTC)
    return made.make_conditional(package.request, accept_ranges=True, complete_length=21)


Result = Callable[[ModuleType], Any]
#: What may be alone, or the first of a tuple.
RESULTS: list[tuple[str, Result]] = [
    ("text", lambda p: "text ä"),
    ("empty", lambda p: ""),
    ("bytes", lambda p: b"\xffbytes"),
    ("bytearray", lambda p: bytearray(b"array")),
    ("none", lambda p: None),
    ("int", lambda p: 5),
    ("set", lambda p: {1}),
    ("object", lambda p: Data(1)),
    ("true", lambda p: True),
    ("dict", lambda p: {"b": 1, "a": [None, True, 1.5, "ä", "</script>"]}),
    ("odd keys", lambda p: {2: "two", None: 0, True: 1}),
    ("mixed keys", lambda p: {"a": 1, 2: 2}),
    ("list", lambda p: [1, {"x": ()}]),
    ("dates", lambda p: [date(2020, 1, 31), datetime(2020, 1, 1, 5), AWARE]),
    ("types", lambda p: [uuid.UUID(int=1), decimal.Decimal("1.10"), Data(1), Markup()]),
    ("unknown", lambda p: {"o": object()}),
    ("nan", lambda p: [float("nan"), float("inf"), 1e16, 10**20]),
    ("multidict", lambda p: MultiDict([("a", 1), ("a", 2)])),
    ("tuple in tuple", lambda p: ("a", 201, {}, 1)),
    ("generator", lambda p: _generator("a", "ä", b"\xff")),
    ("empty generator", lambda p: _generator()),
    ("numbers", lambda p: _generator(1)),
    ("iterator", lambda p: iter(["a", "b"])),
    ("map", lambda p: map(str, [1, 2])),
    ("late failure", lambda p: _failing()),
    ("wsgi", lambda p: _wsgi),
    ("response", lambda p: p.Response("own", 203, {"X-A": "1"}, mimetype="text/plain")),
    ("werkzeug", lambda p: werkzeug.wrappers.Response("base", 203, content_type="a/b")),
    ("sequence", lambda p: p.Response(["a", "b"], direct_passthrough=False)),
    ("passthrough", lambda p: p.Response(_generator(b"a", b"b"), direct_passthrough=True)),
    ("status text", lambda p: p.Response("teapot", "418 SHORT AND STOUT")),
    ("odd status", lambda p: p.Response("odd", "weird")),
    ("jsonify", lambda p: p.jsonify({"b": 1, "a": 2})),
    ("jsonify many", lambda p: p.jsonify(1, None, "x")),
    ("jsonify none", lambda p: p.jsonify()),
    ("jsonify both", lambda p: p.jsonify(1, a=2)),
    ("make_response", lambda p: p.make_response(("made", 202, {"X-M": "1"}))),
    ("make_response none", lambda p: p.make_response()),
    ("redirect", lambda p: p.redirect("/ä?x=<b>&y=1")),
    ("redirect 308", lambda p: p.redirect(p.url_for("view", _external=True), 308)),
    ("redirect 200", lambda p: p.redirect("/x", 200)),
    ("abort 404", lambda p: p.abort(404)),
    ("abort text", lambda p: p.abort(403, "not <you>")),
    ("abort 405", lambda p: p.abort(405, valid_methods=["PUT"])),
    ("abort 401", lambda p: p.abort(401, www_authenticate=None)),
    ("abort response", lambda p: p.abort(p.Response("aborted", 409))),
    ("abort 299", lambda p: p.abort(299)),
    ("abort 413", lambda p: p.abort(werkzeug.exceptions.RequestEntityTooLarge(retry_after=3))),
    ("returned exception", lambda p: werkzeug.exceptions.Gone()),
    ("key error", lambda p: {}["absent"]),
    ("zero division", lambda p: 1 // 0),
    ("file", lambda p: _file(p)),
    ("attachment", lambda p: _file(p, as_attachment=True, download_name='ä b".txt', max_age=5)),
    ("file etag", lambda p: _file(p, etag="own", last_modified=datetime(2020, 1, 1, tzinfo=UTC))),
    ("file conditional", lambda p: _file(p, conditional=True, etag=True)),
    ("file no name", lambda p: p.send_file(io.BytesIO(b"x"))),
    ("file text", lambda p: p.send_file(io.StringIO("x"), mimetype="a/b")),
    ("absent file", lambda p: p.send_file("/absent/file.txt")),
    ("outside", lambda p: p.send_from_directory("/tmp", "../etc/passwd")),
    ("cookies", _cookies),
    ("template", lambda p: _rendered(p, a="<b>", b="<i>")),
    ("template fails", lambda p: p.render_template("absent.html")),
    ("streamed", _streamed),
    ("streaming", lambda p: p.stream_template_string("{% for x in a %}{{ x }}{% endfor %}", a="x")),
    ("changed", _changed),
    ("etag", _etag),
    ("url_for fails", lambda p: p.url_for("absent")),
    ("session without key", lambda p: p.session.update(a=1)),
]  # fmt: skip
STATUSES: list[Any] = [
    200, 201, 204, 205, 304, 100, 404, 418, 500, 599, 299, "201", "404 GONE", "x y", b"202 B", None,
    0, 1000, "", 201.0,
]  # fmt: skip
FIELDS: list[Any] = [
    {}, {"X-A": "1"}, {"Content-Type": "text/x"}, [("X-A", "1"), ("X-A", "2")], {"X-A": ["1", "2"]},
    {"content-length": "3"}, Headers([("X-H", "ä")]), {"X-N": 5}, {"X-Bad": "a\r\nb: c"}, None,
    {"Location": "/ä b"}, (("X-T", "1"),), {"Set-Cookie": "a=1"},
]  # fmt: skip
ASKED = [
    (b"if-none-match", b'"own", "a"'), (b"if-none-match", b"*"), (b"range", b"bytes=2-5"),
    (b"range", b"bytes=500-"), (b"range", b"bytes=-3"), (b"range", b"bytes=0-1,3-4"),
    (b"if-modified-since", b"Wed, 21 Oct 2025 07:28:00 GMT"), (b"if-match", b'"x"'),
    (b"if-range", b'"own"'), (b"x-nothing", b"1"),
]  # fmt: skip
CONFIGS: list[dict[str, Any]] = [
    {}, {}, {}, {"TESTING": True}, {"DEBUG": True, "PROPAGATE_EXCEPTIONS": False},
    {"TRAP_HTTP_EXCEPTIONS": True}, {"SEND_FILE_MAX_AGE_DEFAULT": timedelta(hours=1)},
    {"USE_X_SENDFILE": True}, {"SERVER_NAME": "test"}, {"MAX_COOKIE_SIZE": 0},
    {"APPLICATION_ROOT": "/root", "PREFERRED_URL_SCHEME": "https"},
]  # fmt: skip


@st.composite
def results(draw: st.DrawFn) -> tuple[str, Result]:
    """A kind of result, by itself or in a tuple, or any JSON value."""
    if draw(st.integers(0, 5)) == 0:
        value = draw(JSONS)
        name, made = repr(value), lambda _: value
    else:
        name, made = draw(st.sampled_from(RESULTS))
    match draw(st.sampled_from(["alone"] * 4 + ["status", "fields", "both", "wrong order"])):
        case "status":
            status = draw(st.sampled_from(STATUSES))
            return f"{name}, {status!r}", lambda p: (made(p), status)
        case "fields":
            fields = draw(st.sampled_from(FIELDS))
            return f"{name}, {fields!r}", lambda p: (made(p), fields)
        case "both":
            status, fields = draw(st.sampled_from(STATUSES)), draw(st.sampled_from(FIELDS))
            return f"{name}, {status!r}, {fields!r}", lambda p: (made(p), status, fields)
        case "wrong order":
            return f"{name}, wrong", lambda p: (made(p), {"X-A": "1"}, 201)
    return name, made


@draws(200)
@given(
    results(),
    st.sampled_from(CONFIGS),
    st.sampled_from(["GET", "GET", "GET", "HEAD", "POST"]),
    st.lists(st.sampled_from(ASKED), max_size=2, unique_by=lambda pair: pair[0]),
)
def test_results_are_answered_alike(
    result: tuple[str, Result], config: Any, method: str, asked: list[tuple[bytes, bytes]]
) -> None:
    name, made = result
    request = Ask(method, "/", b"/", b"", tuple(asked))
    theirs, ours = (answerer(package, made, config) for package in PACKAGES)
    note(name)
    same(ours, theirs, request)
    assert ours.raised == theirs.raised * 2
