"""OpenAPI operations inferred from Flask views, and completed with `documented`."""

from __future__ import annotations

import enum
import functools
from typing import Any

import pytest
from openapi_spec_validator import validate
from pydantic import BaseModel
from werkzeug.routing import BaseConverter
from wtforms import FileField, Form, IntegerField, SelectField, StringField, SubmitField
from wtforms.validators import DataRequired, Length, NumberRange

from carboy import documented
from carboy.app.inferred import describe, merged, paths_of
from carboy.flask import (
    Blueprint,
    Flask,
    abort,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from carboy.flask.views import MethodView

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {},
}


def checked(app: Flask, document: dict[str, Any] | None = None) -> dict[str, Any]:
    """The whole document, found valid."""
    made = merged(document or DOCUMENT, app)
    validate(made)  # type: ignore[arg-type]
    return made


def operation(view: Any, rule: str = "/x", method: str = "get", **options: Any) -> dict[str, Any]:
    """The one operation of one view."""
    app = Flask(__name__)
    app.add_url_rule(rule, view_func=view, methods=[method.upper()], **options)
    ((_, item),) = checked(app)["paths"].items()
    found: dict[str, Any] = item[method]
    return found


def by_name(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in described.get("parameters", ())}


class Slug(BaseConverter):
    regex = "[a-z0-9-]+"


@pytest.mark.parametrize(
    ("converter", "schema"),
    [
        ("x", {"type": "string"}),
        ("string(minlength=2):x", {"type": "string", "minLength": 2}),
        ("string(maxlength=3):x", {"type": "string", "maxLength": 3}),
        ("string(length=2):x", {"type": "string", "minLength": 2, "maxLength": 2}),
        ("int:x", {"type": "integer", "minimum": 0}),
        ("int(signed=True):x", {"type": "integer"}),
        ("int(min=1, max=9):x", {"type": "integer", "minimum": 1, "maximum": 9}),
        ("float(signed=True, min=-1.5):x", {"type": "number", "minimum": -1.5}),
        ("uuid:x", {"type": "string", "format": "uuid"}),
        ("path:x", {"type": "string"}),
        ("any(b, a):x", {"type": "string", "enum": ["a", "b"]}),
        ("slug:x", {"type": "string", "pattern": "^(?:[a-z0-9-]+)$"}),
    ],
)
def test_path_parameters_come_from_converters(converter: str, schema: dict[str, Any]) -> None:
    app = Flask(__name__)
    app.url_map.converters["slug"] = Slug
    app.add_url_rule(f"/a/<{converter}>/b", "e", lambda x: "")
    item = checked(app)["paths"]["/a/{x}/b"]
    assert item["get"]["parameters"] == [
        {"name": "x", "in": "path", "required": True, "schema": schema}
    ]


def search(q: str = "") -> Any:
    """Look for books.

    In titles only.
    """
    page = request.args.get("page", 1, type=int)
    words = request.args["q"]
    tags = request.args.getlist("tag")
    theme = request.cookies.get("theme", "light")
    key = request.headers.get("X-Key")
    return jsonify(page=page, words=words, tags=tags, theme=theme, key=key)


def test_query_headers_and_cookies() -> None:
    found = operation(search)
    inferred = {"x-carboy-inferred": True, "required": False}
    assert found["parameters"] == [
        {
            "name": "page",
            "in": "query",
            "schema": {"type": "integer", "default": 1},
            **inferred,
        },
        {
            "name": "q",
            "in": "query",
            "schema": {"type": "string"},
            **inferred,
            "required": True,
        },
        {
            "name": "tag",
            "in": "query",
            "schema": {"type": "array", "items": {"type": "string"}},
            **inferred,
        },
        {"name": "X-Key", "in": "header", "schema": {"type": "string"}, **inferred},
        {
            "name": "theme",
            "in": "cookie",
            "schema": {"type": "string", "default": "light"},
            **inferred,
        },
    ]
    assert (found["summary"], found["description"]) == ("Look for books.", "In titles only.")
    assert found["operationId"] == "search"
    assert found["x-carboy-inferred"] is True
    schema = found["responses"]["200"]["content"]["application/json"]["schema"]
    assert list(schema["properties"]) == ["page", "words", "tags", "theme", "key"]


def note() -> Any:
    if request.method == "POST":
        title = request.form["title"]
        if not title:
            abort(400)
        request.form.get("count", 0, type=int)
        return redirect(url_for("note"), code=303)
    return render_template("note.html", q=request.args.get("q"))


def test_one_view_for_two_methods() -> None:
    app = Flask(__name__)
    app.add_url_rule("/note", view_func=note, methods=["GET", "POST"])
    item = checked(app)["paths"]["/note"]
    assert set(item) == {"get", "post"}
    assert [one["name"] for one in item["get"]["parameters"]] == ["q"]
    assert "requestBody" not in item["get"] and "parameters" not in item["post"]
    assert item["post"]["requestBody"] == {
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "title": {"type": "string"},
                        "count": {"type": "integer", "default": 0},
                    },
                    "required": ["title"],
                }
            }
        },
        "required": True,
        "x-carboy-inferred": True,
    }
    assert list(item["post"]["responses"]) == ["303", "400"]
    assert list(item["get"]["responses"]["200"]["content"]) == ["text/html"]
    assert (item["get"]["operationId"], item["post"]["operationId"]) == ("note_get", "note_post")


def upload() -> Any:
    request.files["cover"].save("x")
    return {"name": request.form.get("name")}, 201


def create() -> Any:
    data = request.get_json()
    return {"id": 1, "title": data["title"], "year": data.get("year")}, 201


def anything() -> Any:
    return jsonify(request.get_json())


def test_bodies() -> None:
    body = operation(upload, method="post")["requestBody"]
    schema = body["content"]["multipart/form-data"]["schema"]
    assert schema["properties"] == {
        "name": {"type": "string"},
        "cover": {"type": "string", "contentMediaType": "application/octet-stream"},
    }
    assert schema["required"] == ["cover"]
    made = operation(create, method="post")
    assert made["requestBody"]["content"]["application/json"]["schema"] == {
        "type": "object",
        "properties": {"title": {}, "year": {}},
        "required": ["title"],
    }
    assert list(made["responses"]) == ["201"]
    body = operation(anything, method="put")["requestBody"]
    assert body == {"content": {"application/json": {"schema": {}}}, "x-carboy-inferred": True}


class NoteForm(Form):
    title = StringField("Title", [DataRequired(), Length(2, 80)])
    count = IntegerField(validators=[NumberRange(max=9)])
    kind = SelectField(choices=[("a", "A"), ("b", "B")])
    cover = FileField()
    send = SubmitField()


def write() -> Any:
    form = NoteForm(request.form)
    if request.method == "POST" and form.validate():
        return redirect(url_for("write"))
    return render_template("write.html", form=form)


def test_wtforms_that_a_view_validates() -> None:
    app = Flask(__name__)
    app.add_url_rule("/write", view_func=write, methods=["GET", "POST"])
    item = checked(app)["paths"]["/write"]
    assert "requestBody" not in item["get"]
    assert item["post"]["requestBody"]["content"]["multipart/form-data"]["schema"] == {
        "type": "object",
        "properties": {
            "title": {"type": "string", "minLength": 2, "maxLength": 80},
            "count": {"type": "integer", "maximum": 9},
            "kind": {"type": "string", "enum": ["a", "b"]},
            "cover": {"type": "string", "contentMediaType": "application/octet-stream"},
        },
        "required": ["title"],
    }


def changed(code: int) -> Any:
    response = make_response()
    response.data = "a,b"
    response.headers["Content-Type"] = "text/csv"
    if code:
        response.status_code = code
    return response


def test_a_response_that_is_changed_and_a_status_that_is_computed() -> None:
    found = operation(changed, "/<int:code>")["responses"]
    assert found == {
        "default": {
            "description": "Computed status",
            "content": {"text/csv": {"schema": {"type": "string"}}},
        }
    }


def several() -> Any:
    if request.args.get("raw"):
        return send_file("book.pdf")
    if request.args.get("none"):
        return "", 204
    if request.args.get("bad"):
        return make_response(jsonify(error="bad"), 422)
    return [1, 2]


def test_answers_by_status() -> None:
    found = operation(several)["responses"]
    assert list(found) == ["200", "204", "422"]
    assert set(found["200"]["content"]) == {"application/pdf", "application/json"}
    assert "content" not in found["204"]
    assert found["422"]["description"] in ("Unprocessable Entity", "Unprocessable Content")


def test_a_view_without_source_has_its_path_only() -> None:
    found = operation(lambda number: str(number), "/l/<int:number>", endpoint="found")
    assert found["responses"] == {"200": {"description": "OK"}}
    assert found["summary"] == "Found"


def test_blueprints_are_tags_and_what_is_no_operation_is_left_out() -> None:
    bp = Blueprint("books", __name__, url_prefix="/books", static_folder="static")

    @bp.get("/<int:number>")
    def book(number: int) -> str:
        return "x"

    app = Flask(__name__)
    app.register_blueprint(bp)
    app.add_url_rule("/old", "old", redirect_to="/books", view_func=lambda: "")
    app.add_url_rule("/built", "built", build_only=True, view_func=lambda: "")
    app.add_url_rule("/nothing", "nothing")
    paths = checked(app)["paths"]
    assert set(paths) == {"/books/{number}"}
    assert set(paths["/books/{number}"]) == {"get"}
    assert paths["/books/{number}"]["get"]["tags"] == ["books"]
    assert paths["/books/{number}"]["get"]["operationId"] == "books_book"


class Shelf(MethodView):
    """A shelf."""

    def get(self, number: int) -> Any:
        return {"number": number, "q": request.args.get("q")}

    @documented(responses={201: str})
    def post(self, number: int) -> Any:
        """Add a book."""
        return self._added(request.json), 201

    def _added(self, data: Any) -> Any:
        return {"title": data["title"]}


def test_method_views() -> None:
    app = Flask(__name__)
    app.add_url_rule("/shelves/<int:number>", view_func=Shelf.as_view("shelf"))
    item = checked(app)["paths"]["/shelves/{number}"]
    assert item["get"]["summary"] == "A shelf."
    assert item["post"]["summary"] == "Add a book."
    assert list(by_name(item["get"])) == ["number", "q"]
    assert list(by_name(item["post"])) == ["number"]
    body = item["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["title"]
    assert item["post"]["responses"]["201"]["content"]["application/json"]["schema"] == {
        "type": "string"
    }


class Color(enum.Enum):
    RED = "red"


class Book(BaseModel):
    title: str
    color: Color = Color.RED


class Filter(BaseModel):
    q: str
    color: Color | None = None


def _plain(view: Any) -> Any:
    def inner(**values: Any) -> Any:
        return view(**values)

    return inner


def _wrapped(view: Any) -> Any:
    @functools.wraps(view)
    def inner(**values: Any) -> Any:
        return view(**values)

    return inner


@pytest.mark.parametrize("order", ["outermost", "above", "below", "between", "without wraps"])
def test_documented_in_any_order(order: str) -> None:
    app = Flask(__name__)
    said = documented(summary="Said", tags=["s"], body=Book, responses={201: Book, 409: "taken"})
    route = app.post("/books", endpoint="books")

    def books() -> str:
        return request.form["x"]

    stack = {
        "outermost": [_wrapped, route, said],
        "above": [route, said],
        "below": [said, route],
        "between": [said, _wrapped, route],
        "without wraps": [said, _plain, route],
    }[order]
    functools.reduce(lambda view, decorate: decorate(view), stack, books)
    if order == "outermost":  # what is registered is what @app.route was given
        books = app.view_functions["books"]
    document = checked(app)
    found = document["paths"]["/books"]["post"]
    assert (found["summary"], found["tags"]) == ("Said", ["s"])
    ref = {"$ref": "#/components/schemas/Book"}
    assert found["requestBody"] == {
        "required": True,
        "content": {"application/json": {"schema": ref}},
    }
    assert found["responses"]["409"] == {"description": "taken"}
    assert "color" in document["components"]["schemas"]["Book"]["properties"]
    assert "Color" in document["components"]["schemas"]


def test_documented_parameters_and_more() -> None:
    @documented(
        query=Filter,
        parameters=[
            {"name": "page", "schema": int, "description": "which"},
            {"name": "X-Key", "in": "header", "required": True},
        ],
        operation_id="mine",
        description="said",
        deprecated=True,
        responses={200: (list[Book], "all of them"), 404: {"description": "none", "model": Book}},
    )
    def listed() -> Any:
        return {"page": request.args.get("page", type=float), "n": request.args.get("n")}

    found = operation(listed)
    assert (found["operationId"], found["description"], found["deprecated"]) == (
        "mine",
        "said",
        True,
    )
    parameters = by_name(found)
    assert list(parameters) == ["page", "n", "q", "color", "X-Key"]
    assert parameters["page"]["schema"] == {"type": "integer"}
    assert "x-carboy-inferred" not in parameters["page"]
    assert parameters["q"]["required"] and not parameters["color"]["required"]
    assert parameters["X-Key"]["in"] == "header"
    assert found["responses"]["200"]["description"] == "all of them"


def test_hidden_views_and_methods() -> None:
    app = Flask(__name__)

    @app.get("/a")
    @documented(hide=True)
    def hidden() -> str:
        return ""

    @app.get("/b")
    @documented(include_in_schema=False)
    def left_out() -> str:
        return ""

    @app.route("/c", methods=["GET", "POST"])
    @documented(methods=["POST"], hide=True)
    @documented(methods=["get"], summary="Only GET")
    def half() -> str:
        return ""

    assert {path: list(item) for path, item in paths_of(app).items()} == {"/c": ["get"]}
    assert paths_of(app)["/c"]["get"]["summary"] == "Only GET"


def test_which_views_are_shown_is_configured() -> None:
    app = Flask(__name__)
    app.add_url_rule("/a", "a", lambda: "")
    app.add_url_rule("/b", "b", documented(summary="B")(lambda: ""))
    app.config["CARBOY_OPENAPI_VIEWS"] = "documented"
    assert set(paths_of(app)) == {"/b"}
    app.config["CARBOY_OPENAPI_VIEWS"] = "none"
    assert not paths_of(app) and merged(DOCUMENT, app) is DOCUMENT
    app.config["CARBOY_OPENAPI_VIEWS"] = "some"
    with pytest.raises(ValueError, match='"all", "documented" or "none"'):
        paths_of(app)


def test_wrong_arguments_are_told() -> None:
    with pytest.raises(TypeError, match="lists"):
        documented(tags="books")
    with pytest.raises(TypeError, match="True or False"):
        documented(hide="yes")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="decorates a view"):
        documented()("/x")  # type: ignore[type-var]


def test_paths_that_differ_in_names_only_are_one() -> None:
    app = Flask(__name__)
    app.add_url_rule("/x/<name>", "by_name", lambda name: "", methods=["GET", "PUT"])
    app.add_url_rule("/x/<int:number>", "by_number", lambda number: "", methods=["GET"])
    ((path, item),) = checked(app)["paths"].items()
    assert path == "/x/{name}" and set(item) == {"get", "put"}
    # One of the two answers GET for numbers, the other for names; the document has one place.
    assert "is another view's" in item["get"]["description"]


def test_a_document_that_is_there_wins() -> None:
    class Other(BaseModel):
        name: int

    Other.__name__ = "Book"
    document: dict[str, Any] = {
        **DOCUMENT,
        "paths": {
            "/x/{id}": {
                "get": {
                    "operationId": "shown",
                    "parameters": [
                        {"name": "id", "in": "path", "required": True, "schema": {}},
                    ],
                    "responses": {"200": {"description": "typed"}},
                }
            }
        },
        "components": {
            "schemas": {"Book": Other.model_json_schema(), "Color": {"type": "null"}},
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
        },
    }
    before = repr(document)
    app = Flask(__name__)
    app.add_url_rule("/x/<int:number>", "shown", lambda number: "", methods=["GET", "DELETE"])
    view = documented(body=Book, responses={200: Book})(lambda: "")
    app.add_url_rule("/books", "shown_get", view, methods=["POST"])
    made = checked(app, document)
    item = made["paths"]["/x/{id}"]
    assert item["get"]["responses"]["200"]["description"] == "typed"
    assert item["delete"]["parameters"][0]["name"] == "id"
    ids = [one["operationId"] for path in made["paths"].values() for one in path.values()]
    assert len(ids) == len(set(ids)) and "shown" in ids
    schemas = made["components"]["schemas"]
    assert schemas["Book"] == Other.model_json_schema()
    ref = made["paths"]["/books"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    own = schemas[ref["$ref"].rpartition("/")[2]]
    assert set(own["properties"]) == {"title", "color"}
    color = own["properties"]["color"]["$ref"].rpartition("/")[2]
    assert schemas[color]["enum" if "enum" in schemas[color] else "const"] in (["red"], "red")
    assert made["components"]["securitySchemes"] == document["components"]["securitySchemes"]
    assert repr(document) == before


def test_models_of_one_name_are_told_apart() -> None:
    def model(kind: type) -> Any:
        return type(
            "Item", (BaseModel,), {"__annotations__": {"v": kind}, "__module__": kind.__name__}
        )

    app = Flask(__name__)
    for name, kind in (("a", int), ("b", str)):
        view = documented(body=model(kind))(lambda: "")
        app.add_url_rule(f"/{name}", name, view, methods=["POST"])
    found = describe(app)
    assert len(found.schemas) == 2
    checked(app)
