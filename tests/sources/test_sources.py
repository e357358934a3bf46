"""What a view's source says, learnt without running it."""

from __future__ import annotations

import functools
import linecache
import textwrap
from typing import Any

import pytest

from carboy.sources import Read, View, read_function, read_module

HEAD = """\
import flask
from flask import Flask, abort, g, jsonify, redirect, render_template, request, session, url_for
from flask import request as req
from werkzeug.exceptions import Forbidden, NotFound

app = Flask(__name__)
"""


def said(source: str, head: str = HEAD) -> View:
    """The last view of a module with this text."""
    module = read_module("snippet.py", head + textwrap.dedent(source))
    assert not module.error, module.error
    return module.rules[-1].view


def view(body: str) -> View:
    return said("@app.route('/')\ndef index():\n" + textwrap.indent(textwrap.dedent(body), "    "))


def places(found: View) -> dict[str, list[str]]:
    listed: dict[str, list[str]] = {}
    for read in found.reads:
        listed.setdefault(read.place, []).append(read.key)
    return listed


def only(found: View) -> Read:
    (read,) = found.reads
    return read


def test_the_query_with_type_and_default() -> None:
    read = only(view("return str(request.args.get('page', 1, type=int))"))
    assert (read.place, read.key, read.kind, read.default) == ("query", "page", "int", 1)
    assert not read.needed and not read.many
    assert only(view("return request.args['q']")).needed
    many = only(view("return jsonify(request.args.getlist('tag', type=float))"))
    assert many.many and many.kind == "float"


@pytest.mark.parametrize(
    ("expression", "place"),
    [
        ("request.form.get('a')", "form"),
        ("request.values['a']", "values"),
        ("request.files['a']", "file"),
        ("request.headers.get('a')", "header"),
        ("request.cookies.get('a')", "cookie"),
        ("request.json['a']", "json"),
        ("request.get_json(silent=True).get('a')", "json"),
        ("session.pop('a', None)", "session"),
        ("g.a", "g"),
        ("flask.request.args['a']", "query"),
        ("req.args['a']", "query"),
        ("'a' in request.args", "query"),
    ],
)
def test_every_place_by_every_name(expression: str, place: str) -> None:
    assert places(view(f"return str({expression})")) == {place: ["a"]}


def test_local_names_are_followed() -> None:
    found = view("""
        data = request.get_json() or {}
        again = data
        args = request.args
        title = again["title"]
        if (form := request.form):
            form["note"]
        return {"title": title, "year": data.get("year"), "q": args.get("q")}
        """)
    assert places(found) == {"json": ["title", "year"], "form": ["note"], "query": ["q"]}
    assert not found.whole


def test_a_name_that_is_bound_anew_is_forgotten() -> None:
    found = view("""
        data = request.form
        data = {"a": 1}
        request = object()
        return str(data["a"]) + str(request.args["b"])
        """)
    assert not found.reads


def test_conversions_tell_types() -> None:
    assert only(view("return str(int(request.args['page']))")).kind == "int"
    assert only(view("n = request.form['n']\nreturn str(float(n))")).kind == "float"
    assert only(view("return request.args.get('q') or 'all'")).default == "all"


def test_what_goes_elsewhere_is_read_as_a_whole() -> None:
    assert view("return jsonify(save(request.json))").takes_whole("json")
    assert view("return jsonify(**request.get_json())").takes_whole("json")
    assert view("return request.args[key]").takes_whole("query")
    assert view("return {k: v for k, v in request.form.items()}").takes_whole("form")
    assert not view("return request.form['a'] if request.form else ''").whole


def test_branches_by_method() -> None:
    found = view("""
        if request.method == "POST":
            name = request.form["name"]
            return redirect(url_for("index"))
        page = request.args.get("page")
        return render_template("index.html", page=page)
        """)
    assert found.methods == {"POST"}
    assert found.reads_of("form", "POST") and not found.reads_of("form", "GET")
    assert found.reads_of("query", "GET") and not found.reads_of("query", "POST")
    answers = {one.kind: one.guard for one in found.answers}
    assert answers["redirect"].lets("POST") and not answers["redirect"].lets("GET")
    assert answers["html"].lets("GET") and not answers["html"].lets("POST")
    assert found.templates() == ["index.html"]


def test_other_tests_of_the_method() -> None:
    unless = view("""
        if request.method not in ("PUT", "PATCH"):
            return ""
        return request.form["a"]
        """)
    assert unless.reads_of("form", "PUT") and not unless.reads_of("form", "GET")
    matched = view("""
        match request.method:
            case "POST" | "PUT":
                return request.form["a"]
            case _:
                return request.args["b"]
        """)
    assert matched.reads_of("form", "PUT") and not matched.reads_of("query", "PUT")
    submitted = view("if form.validate_on_submit():\n    request.args.get('next')\nreturn 'x'")
    assert submitted.reads_of("query", "POST") and not submitted.reads_of("query", "GET")


@pytest.mark.parametrize(
    ("returned", "kind", "status", "media"),
    [
        ("jsonify(a=1), 201", "json", 201, None),
        ("{'a': 1}", "json", None, None),
        ("[1, 2]", "json", None, None),
        ("render_template('a.html')", "html", None, None),
        ("f'<p>{g}'", "html", None, None),
        ("'', 204", "empty", 204, None),
        ("redirect('/')", "redirect", 302, None),
        ("redirect('/', code=303)", "redirect", 303, None),
        ("flask.send_file('a.pdf')", "file", None, "application/pdf"),
        ("flask.Response(lines(), mimetype='text/csv')", "text", None, "text/csv"),
        ("flask.Response(x for x in y)", "stream", None, None),
        ("flask.make_response(render_template('a'), 404)", "html", 404, None),
        ("'a,b', 200, {'Content-Type': 'text/csv'}", "text", 200, "text/csv"),
        ("anything()", "unknown", None, None),
    ],
)
def test_answers(returned: str, kind: str, status: int | None, media: str | None) -> None:
    (answer,) = view(f"return {returned}").answers
    assert (answer.kind, answer.status, answer.media_type) == (kind, status, media)


def test_visible_keys_of_an_answer() -> None:
    (answer,) = view("""
        result = {"id": 1, "name": request.args.get("name")}
        result["tags"] = []
        return jsonify(result)
        """).answers
    assert answer.keys == (("id", "integer"), ("name", None), ("tags", "array"))
    (answer,) = view(
        "response = jsonify(ok=True)\nresponse.status_code = 202\nreturn response"
    ).answers
    assert (answer.status, answer.keys) == (202, (("ok", "boolean"),))


def test_statuses_that_are_raised() -> None:
    found = view("""
        if not g.user:
            abort(401)
        user = User.query.filter_by(id=1).first_or_404()
        if user.banned:
            raise Forbidden()
        if user.gone:
            raise NotFound
        return user.name
        """)
    assert {one.status for one in found.aborts} == {401, 404, 403}


def test_helpers_one_level_deep() -> None:
    found = said("""
        def page():
            return request.args.get("page", 1, type=int)

        def title_of(data):
            return data["title"]

        def answer(error):
            return jsonify(error=error), 400

        def twice():
            return page()

        @app.route("/")
        def index():
            title = title_of(request.json)
            if not title:
                return answer("no title")
            return {"page": page(), "more": twice()}
        """)
    assert places(found) == {"json": ["title"], "query": ["page"]}
    assert found.helpers == ("title_of", "answer", "page", "twice")
    assert [(one.kind, one.status) for one in found.answers] == [("json", 400), ("json", None)]
    assert not found.whole


def test_decorators_of_the_module_are_read_too() -> None:
    found = said("""
        import functools

        def key_required(view):
            @functools.wraps(view)
            def wrapped(**values):
                if request.headers.get("X-Key") != "k":
                    return jsonify(error="no key"), 401
                return view(**values)
            return wrapped

        @app.get("/")
        @key_required
        def index():
            return "x"
        """)
    assert places(found) == {"header": ["X-Key"]}
    assert [(one.kind, one.status) for one in found.answers] == [("html", None), ("json", 401)]
    assert found.decorators == ("flask.Flask().get", "key_required")


def test_docstring_and_uses() -> None:
    found = said('''
        from flask import current_app, flash
        from flask_login import current_user, login_required

        @app.route("/")
        @login_required
        async def index(number):
            """List the books.

            All of them.
            """
            flash("hello")
            return current_app.config["X"] + current_user.name
        ''')
    assert (found.summary, found.description, found.is_async) == (
        "List the books.",
        "All of them.",
        True,
    )
    uses = {(use.name, use.detail) for use in found.uses}
    assert uses == {
        ("current_app", "config"),
        ("flash", None),
        ("flask_login.current_user", "name"),
    }
    assert found.decorators[1] == "flask_login.login_required"
    assert found.parameters == ("number",)


def test_factories_bring_their_names() -> None:
    found = said(
        """
        def create_app():
            from flask import Flask, request as asked

            app = Flask(__name__)

            def key():
                return asked.headers["X-Key"]

            @app.post("/")
            def index():
                return key()

            return app
        """,
        head="",
    )
    assert places(found) == {"header": ["X-Key"]}


def _load(name: str, source: str) -> dict[str, Any]:
    lines = textwrap.dedent(source).splitlines(keepends=True)
    linecache.cache[name] = (len(lines), None, lines, name)
    names: dict[str, Any] = {"__name__": "loaded"}
    exec(compile("".join(lines), name, "exec"), names)
    return names


def test_a_function_that_is_loaded_is_found_behind_its_decorators() -> None:
    names = _load(
        "<loaded>",
        """
        import functools
        from carboy.flask import request

        def twice(view):
            @functools.wraps(view)
            def inner():
                return view()
            return inner

        @twice
        @twice
        def index():
            return request.args["q"]

        class Page:
            def get(self):
                return self._q()

            def _q(self):
                return request.args["q"]
        """,
    )
    for function in (names["index"], functools.partial(names["index"]), names["Page"]().get):
        found = read_function(function)
        assert found.known and places(found) == {"query": ["q"]}, function


def test_what_has_no_source_says_so() -> None:
    assert read_function(len) == View("len", known=False, why="it is no Python function")
    assert read_function(lambda: "x").why == "it is a lambda"
    names: dict[str, Any] = {}
    exec(compile("def built(): return 1", "<nowhere>", "exec"), names)
    found = read_function(names["built"])
    assert not found.known and "there is no source" in found.why
    changed = _load("<changed>", "def one():\n    return 1\n")["one"]
    _load("<changed>", "\n\n\ndef other(): return 1")
    assert "says something else now" in read_function(changed).why


def test_a_file_that_is_no_python() -> None:
    module = read_module("x.py", "def (")
    assert module.error.startswith("SyntaxError") and not module.rules
    assert "No such file" in read_module("/nowhere/x.py").error


def test_what_a_file_declares() -> None:
    module = read_module(
        "x.py",
        textwrap.dedent("""
        from flask import Blueprint, json
        import fastapi

        bp = Blueprint("books", __name__, url_prefix="/books")
        api = fastapi.APIRouter()

        class Special(fastapi.FastAPI):
            title = "x"
            def openapi(self): ...

        @bp.before_request
        def check(): ...

        @bp.route("/<int:n>", methods=["GET", "PUT"], endpoint="one")
        def book(n):
            return json.dumps(n)

        @api.get("/typed")
        async def typed(): ...

        bp.run(port=80)
        """),
    )
    assert [(one.variable, one.call.name) for one in module.made] == [
        ("bp", "flask.Blueprint"),
        ("api", "fastapi.APIRouter"),
    ]
    assert [(r.maker, r.text, r.methods, r.endpoint) for r in module.rules] == [
        ("flask.Blueprint()", "/<int:n>", ("GET", "PUT"), "one"),
        ("fastapi.APIRouter()", "/typed", ("GET",), "typed"),
    ]
    assert [(hook.owner, hook.kind, hook.function) for hook in module.hooks] == [
        ("bp", "before_request", "check")
    ]
    assert module.classes[0].bases == ("fastapi.FastAPI",)
    assert set(module.classes[0].members) == {"title", "openapi"}
    assert "flask.json.dumps" in {one.name for one in module.names}
    (run,) = [call for call in module.calls if call.name.endswith(".run")]
    assert (run.name, dict(run.keywords)) == ("flask.Blueprint().run", {"port": 80})
