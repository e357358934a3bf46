"""`carboy.kept` beside real Flask: the same answers, byte for byte."""

from __future__ import annotations

import datetime
import io
import json
import uuid
from decimal import Decimal
from typing import Annotated, Any

import flask
import pytest
import werkzeug.datastructures
import werkzeug.wrappers
from starlette.exceptions import HTTPException

import carboy.fastapi
from carboy import App, Depends, Query, Request, kept

VALUES = [
    {"b": 1, "a": [None, True, 1.5]},
    {"when": datetime.datetime(2026, 1, 2, 3, 4, 5), "day": datetime.date(2026, 1, 2)},
    {"aware": datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))},
    [Decimal("1.10"), uuid.UUID(int=7), "ä <b>"],
]


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_json_is_written_as_flask_writes_it(value: Any) -> None:
    app = flask.Flask(__name__)
    with app.app_context():
        assert kept.JSON(value).body == flask.jsonify(value).data


class _Stopped:
    """`datetime` of a module, at one time."""

    def __init__(self, now: datetime.datetime) -> None:
        self._now = now

    def __getattr__(self, name: str) -> Any:
        return getattr(datetime.datetime, name)

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value, datetime.datetime)

    def now(self, tz: Any = None) -> datetime.datetime:
        return self._now


COOKIES: list[dict[str, Any]] = [
    {"value": "plain"},
    {"value": 'a b;"ä\\,'},
    {"value": "x", "max_age": 60, "secure": True, "httponly": True, "samesite": "strict"},
    {"value": "x", "max_age": datetime.timedelta(days=1), "path": "/a b", "domain": "x.org"},
    {"value": "x", "expires": 0, "path": None},
    {"value": "x", "partitioned": True},
]


@pytest.mark.parametrize("options", COOKIES, ids=str)
def test_cookies_are_written_as_flask_writes_them(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
    monkeypatch.setattr(kept, "_now_in_utc", lambda: now)
    monkeypatch.setattr("werkzeug.http.datetime", _Stopped(now))
    old, new = flask.Response(), kept.Response()
    for response in (old, new):
        response.set_cookie("name", **options)
        response.delete_cookie("gone")
    assert new.headers.getlist("set-cookie") == old.headers.getlist("set-cookie")


def _kinds(library: Any, plain: Any) -> dict[str, Any]:
    return {
        "text": library.Response("ä"),
        "bytes": library.Response(b"x", status=201),
        "said": library.Response("x", headers={"Content-Type": "text/x", "X-A": "1"}),
        "mimetype": library.Response("<a/>", mimetype="application/xml"),
        "kind": library.Response("x", content_type="text/plain"),
        "status": library.Response("x", status="418 Teapot"),
        "empty": library.Response(status=204),
        "unchanged": library.Response("", status=304),
        "pieces": library.Response(iter(["a", "b"])),
        "plain": plain("x"),
        "plain pieces": plain(iter(["a"])),
        "list": library.Response(["a", b"b"]),
    }


OLD = _kinds(flask, werkzeug.wrappers.Response)
NEW = _kinds(kept, kept.PlainResponse)


@pytest.mark.parametrize("name", OLD)
def test_responses_have_flasks_defaults(name: str) -> None:
    app = App()
    app.get("/")(lambda: NEW[name])
    new = app.flask.test_client().get("/")
    old = OLD[name]
    fields = {key.lower(): value for key, value in old.get_wsgi_headers({})}
    if not old.is_sequence:
        fields.pop("content-length", None)
    assert new.status_code == old.status_code
    assert {key.lower(): value for key, value in new.headers} == fields
    assert new.data == (b"ab" if name == "pieces" else b"a" if "pieces" in name else old.data)


RETURNED: list[Any] = [
    "text",
    {"a": 1},
    [1, 2],
    ("text", 201),
    ({"a": 1}, 404, {"X-A": "b"}),
    ("text", {"X-A": "b"}),
    ("text", "202 Accepted"),
    (b"x", 200, [("X-A", "b")]),
]


@pytest.mark.parametrize("value", [*RETURNED, werkzeug.wrappers.Response("x", 203)], ids=str)
def test_whatever_a_view_returns_is_answered(value: Any) -> None:
    old = flask.Flask(__name__)
    old.add_url_rule("/", "view", lambda: value)
    new = App()
    new.get("/")(kept.answers(lambda: value))
    new.get("/made")(lambda: kept.make_response(value))
    expected = old.test_client().get("/")
    for path in ("/", "/made"):
        answer = new.flask.test_client().get(path)
        assert answer.status_code == expected.status_code
        assert answer.data == expected.data
        told = [{k.lower(): v for k, v in one.headers} for one in (answer, expected)]
        assert told[0] == told[1]


def test_none_is_no_answer() -> None:
    with pytest.raises(TypeError, match="None"):
        kept.answered(None)


@pytest.mark.parametrize("where", ["/a?b=c", "http://x.org/ä b", "//evil"])
def test_redirects_send_flasks_page(where: str) -> None:
    old, new = flask.redirect(where, 303), kept.redirect(where, 303)
    assert new.body == old.data
    # What leaves is a URI, whatever the response holds until then.
    assert new.headers["location"] == old.get_wsgi_headers({})["Location"]
    assert new.status_code == old.status_code


def test_a_response_can_be_changed_after_it_was_made() -> None:
    response = kept.make_response("x")
    response.data = "longer"
    response.headers["X-A"] = 1
    response.headers.add("X-A", "2")
    response.mimetype = "text/plain"
    response.status = "404 NOT FOUND"
    assert response.get_data(as_text=True) == "longer"
    assert response.headers["content-length"] == "6"
    assert response.headers.get_all("x-a") == ["1", "2"]
    assert ("X-A", "2") in response.headers.items()
    assert response.content_type == "text/plain; charset=utf-8"
    assert response.status_code == 404


# -- what is read -------------------------------------------------------------------------------


PAIRS = [("a", "1"), ("b", "x"), ("a", "2")]


def test_a_multi_dict_is_werkzeugs() -> None:
    old, new = werkzeug.datastructures.MultiDict(PAIRS), kept.MultiDict(PAIRS)
    for one in (old, new):
        assert one["a"] == "1"
        assert one.get("b", 7, type=int) == 7
        assert one.getlist("a", type=int) == [1, 2]
        assert one.get("none") is None
        assert list(one.items(multi=True)) == [("a", "1"), ("a", "2"), ("b", "x")]
        assert dict(one) == {"a": "1", "b": "x"}
        assert one.to_dict(flat=False) == {"a": ["1", "2"], "b": ["x"]}
        assert "a" in one and len(one) == 2
    with pytest.raises(HTTPException) as raised:
        new["none"]
    assert raised.value.status_code == 400


def _old_app() -> Any:
    app = flask.Flask(__name__)
    request = flask.request

    @app.post("/form")
    def form() -> Any:
        return [list(request.form.items(multi=True)), request.form["a"]]

    @app.post("/files")
    def files() -> Any:
        one = request.files["f"]
        return [one.filename, one.mimetype, one.read().decode(), one.name, bool(one)]

    views: dict[str, Any] = {
        "POST /json": lambda: [request.get_json()],
        "POST /silent": lambda: [request.get_json(silent=True)],
        "POST /force": lambda: [request.get_json(force=True)],
        "POST /data": lambda: [request.data.decode()],
        "POST /raw": lambda: [request.get_data(as_text=True)],
        "POST /about": lambda: [
            request.is_json,
            request.mimetype,
            request.host,
            request.full_path,
        ],
        "GET /url/<path:x>": lambda x: [
            request.url,
            request.base_url,
            request.full_path,
            request.path,
        ],
        "GET /page": lambda: [request.args.get("n", 1, type=int)],
        "GET /pages": lambda: [request.args.getlist("n", type=int)],
        "GET /float/<float:x>": lambda x: [x],
        "GET /any/<any(a, b):x>": lambda x: [x],
        "GET /string/<string(length=2):x>": lambda x: [x],
        "GET /int/<int(min=2, max=3):x>": lambda x: [x],
        "GET /path/<path:x>": lambda x: [x],
    }
    for name, view in views.items():
        method, _, rule = name.partition(" ")
        app.add_url_rule(rule, name, view, methods=[method])
    return app


def _new_app() -> Any:
    app = App(flask_habits=True)
    pages = {"error_pages": True}

    @app.post("/form", **pages)
    def form(form: Annotated[kept.MultiDict, Depends(kept.form)]) -> Any:
        return [list(form.items(multi=True)), form["a"]]

    @app.post("/files", **pages)
    def files(files: Annotated[kept.MultiDict, Depends(kept.files)], request: Request) -> Any:
        one = files["f"]
        return [one.filename, one.mimetype, one.read().decode(), one.name, bool(one)]

    for name in ("json_body", "json_body_silent", "json_body_force", "data", "raw_data"):
        path = {"json_body": "json", "raw_data": "raw"}.get(name, name.rpartition("_")[2])
        app.post(f"/{path}", **pages)(_returning(getattr(kept, name)))

    @app.post("/about", **pages)
    def about(
        is_json: Annotated[bool, Depends(kept.is_json)],
        mimetype: Annotated[str, Depends(kept.mimetype)],
        host: Annotated[str, Depends(kept.host)],
        full_path: Annotated[str, Depends(kept.full_path)],
    ) -> Any:
        return [is_json, mimetype, host, full_path]

    @app.get("/url/{x:path}", **pages)
    def addresses(request: Request) -> Any:
        full_path = kept.full_path(request)
        return [kept.url(request), kept.base_url(request), full_path, request.scope["path"]]

    @app.get("/page", **pages)
    def page(n: Annotated[int, Query(), kept.lenient(int, 1)] = 1) -> Any:
        return [n]

    @app.get("/pages", **pages)
    def page_list(
        n: Annotated[list[int], Query(default_factory=list), kept.lenient_list(int)],
    ) -> Any:
        return [n]

    for path, typed in {
        "/float/{x}": Annotated[float, kept.fraction],
        "/any/{x}": Annotated[str, kept.one_of("a", "b")],
        "/string/{x}": Annotated[str, kept.length(length=2)],
        "/int/{x:int}": Annotated[int, kept.between(min=2, max=3)],
        "/path/{x:path}": Annotated[str, kept.path],
    }.items():
        app.get(path, **pages)(_echo(typed))
    return app.flask


def _returning(provider: Any) -> Any:
    def view(value: Any = Depends(provider)) -> Any:
        return [value.decode() if isinstance(value, bytes) else value]

    return view


def _echo(typed: Any) -> Any:
    def view(x: Any) -> Any:
        return [x]

    view.__annotations__["x"] = typed
    return view


#: As browsers send it; Werkzeug's test client leaves a line break out.
_NO_FILE = (
    b'--b\r\nContent-Disposition: form-data; name="f"; filename=""\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n\r\n--b--\r\n"
)
_JSON = {"content_type": "application/json"}
ASKED: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/form", {"data": {"a": ["", "2"], "b": "ä"}}),
    ("POST", "/form", {"data": {"b": "1"}}),
    ("POST", "/form", {"data": b"{}", **_JSON}),
    ("POST", "/form", {}),
    ("POST", "/files", {"data": {"f": (b"text", "n.txt")}}),
    ("POST", "/files", {"data": _NO_FILE, "content_type": "multipart/form-data; boundary=b"}),
    ("POST", "/files", {"data": b"f=x"}),
    *[
        ("POST", path, options)
        for path in ("/json", "/silent", "/force", "/data", "/raw", "/about?x=1")
        for options in (
            {"data": b'{"a": 1}', **_JSON},
            {"data": b"{", **_JSON},
            {"data": b'{"a": 1}'},
            {"data": b"[]", "content_type": "application/x+json; charset=utf-8"},
            {"data": {"a": "1"}},
            {},
        )
    ],
    ("GET", "/url/%C3%A4%20b%3Fc%23/+x%22'%2Fy?q=%C3%A4%20%26%3D&r=a+b%2B%DF&s='%22%41", {}),
    ("GET", "/url/x", {}),
    *[("GET", f"/page{query}", {}) for query in ("", "?n=", "?n=x", "?n=%205", "?n=1_0", "?n=7")],
    *[("GET", f"/pages{query}", {}) for query in ("", "?n=1&n=x&n=2", "?n=")],
    *[("GET", f"/float/{x}", {}) for x in ("1.5", "1", "-1.5", "x", "1.")],
    *[("GET", f"/any/{x}", {}) for x in ("a", "c", "")],
    *[("GET", f"/string/{x}", {}) for x in ("ab", "a", "abc")],
    *[("GET", f"/int/{x}", {}) for x in ("1", "2", "4", "x")],
    *[("GET", f"/path/{x}", {}) for x in ("a/b", "a", "a/", "")],
]
APPS = {"old": _old_app(), "new": _new_app()}


@pytest.mark.parametrize(("method", "path", "options"), ASKED, ids=str)
def test_what_is_asked_of_a_request_is_flasks(
    method: str, path: str, options: dict[str, Any]
) -> None:
    answers = []
    for app in APPS.values():
        sent = options
        if path == "/files" and isinstance(options["data"], dict):
            content, filename = options["data"]["f"]
            sent = {"data": {"f": (io.BytesIO(content), filename)}}
        answer = app.test_client().open(path, method=method, **sent)
        body = json.loads(answer.data) if answer.is_json else answer.get_data(as_text=True)
        answers.append((answer.status_code, answer.mimetype, body))
    assert answers[1] == answers[0]


def test_it_works_with_fastapi_alone(tmp_path: Any) -> None:
    """The face has FastAPI's own behaviour; the file needs nothing of Carboy."""
    app = carboy.fastapi.FastAPI()

    @app.post("/")
    def view(form: Annotated[kept.MultiDict, Depends(kept.form)]) -> Any:
        return kept.redirect(form["to"])

    from carboy.testing import TestClient

    answer = TestClient(app).post("/", data={"to": "/x"}, follow_redirects=False)
    assert answer.headers["location"] == "/x"
