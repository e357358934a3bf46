"""Resources of Flask-RESTX and schemas of marshmallow: golden projects, asked before and after."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from carboy.migrate.convert import plan

GOLDEN = Path(__file__).parent / "golden"


def _ask(method: str, path: str, **options: Any) -> dict[str, Any]:
    return {"session": 0, "method": method, "path": path, **options}


REQUESTS = [
    _ask("GET", "/v1/ping"),
    _ask("HEAD", "/v1/ping"),
    _ask("OPTIONS", "/v1/ping"),
    _ask("GET", "/v1/ping/"),
    _ask("PUT", "/v1/ping"),
    _ask("POST", "/v1/ping", json={"a": [1]}),
    _ask("POST", "/v1/ping", data="x"),
    _ask("POST", "/v1/ping", data="{", headers={"Content-Type": "application/json"}),
    _ask("DELETE", "/v1/ping"),
    _ask("PATCH", "/v1/ping"),
    _ask("GET", "/v1/ping?closed=1"),
    _ask("GET", "/v1/absent"),
    _ask("DELETE", "/v1/leaves/"),
    _ask("GET", "/v1/leaves"),
    _ask("GET", "/v1/leaves/"),
    _ask("GET", "/v1/leaves/?limit=x"),
    _ask("GET", "/v1/leaves/?limit=1"),
    _ask("GET", "/v1/leaves/?limit=1&strong=maybe"),
    _ask("GET", "/v1/leaves/?limit=1&strong=true"),
    _ask("GET", "/v1/leaves/?limit=1&sort-by=taste"),
    _ask("GET", "/v1/leaves/?limit=1&sort-by=grams"),
    _ask("GET", "/v1/leaves/?limit=1", headers={"X-Fields": "name"}),
    _ask("POST", "/v1/leaves/", json=[{"name": "a", "grams": 1}, {"name": "b"}]),
    _ask("POST", "/v1/leaves/", json={"name": "a"}),
    _ask("POST", "/v1/leaves/", json=[{"name": "a"}, {"grams": 0}]),
    _ask("POST", "/v1/leaves/", json=[{"name": 1, "grams": "x"}]),
    _ask("GET", "/v1/leaves/1"),
    _ask("GET", "/v1/leaves/1?key=1"),
    _ask("GET", "/v1/leaves/9?key=1"),
    _ask("GET", "/v1/leaves/x?key=1"),
    _ask("PUT", "/v1/leaves/1?key=1", json={"name": "x", "more": 1}),
    _ask("PUT", "/v1/leaves/1?key=1", json={}),
    _ask("PUT", "/v1/leaves/1", json={}),
    _ask("PUT", "/v1/leaves/2?key=1", json={"name": "x"}),
    _ask("PUT", "/v1/leaves/2?key=1", data="nothing"),
    _ask("PATCH", "/v1/leaves/1?key=1", json={"grams": "7"}),
    _ask("PATCH", "/v1/leaves/1?key=1", json={"grams": "much"}),
    _ask("PATCH", "/v1/leaves/1?key=1"),
    _ask("PATCH", "/v1/leaves/2?key=1", json={"grams": None}),
    *(_ask("GET", f"/v1/leaves/details/{name}") for name in ("none", "broken", "some")),
    *(_ask("PATCH", f"/v1/leaves/details/{name}") for name in ("none", "some")),
    _ask("POST", "/v1/leaves/details/new"),
    _ask("PUT", "/v1/leaves/details/wild"),
    _ask("GET", "/v1/odd/a"),
    _ask("GET", "/v1/odd/b"),
    _ask("GET", "/v1/odd/several?x=1"),
    _ask("GET", "/v1/odd/closed"),
    _ask("GET", "/v1/odd/closed?key=1"),
]


SCHEMAS = [
    _ask("GET", "/notes"),
    _ask("GET", "/notes/1"),
    _ask("GET", "/notes/2"),
    _ask("GET", "/notes/x"),
    _ask("GET", "/every"),
    _ask("POST", "/notes", json={"text": "a", "day": "2024-01-01", "tags": [{"word": "b"}]}),
    _ask("POST", "/notes", json={"text": "a" * 30, "day": "x", "more": 1}),
    _ask("POST", "/notes", json=[]),
    _ask("POST", "/notes", data="x"),
    _ask("GET", "/wrong"),
    _ask("GET", "/loud"),
    _ask("GET", "/odd"),
    _ask("GET", "/only"),
    _ask("GET", "/either"),
    _ask("GET", "/either?many=1"),
]


def _verified(root: Path, name: str, app: str, asked: list[Any]) -> dict[str, Any]:
    """What verify says of a golden project before and after."""
    text = (GOLDEN / name).read_text(encoding="utf-8").partition("\n# ====")[0]
    _, *parts = re.split(r"^# == (\S+)\n", text, flags=re.MULTILINE)
    for side in ("old", "new"):
        for file, content in zip(parts[::2], parts[1::2], strict=True):
            (root / side / file).parent.mkdir(parents=True, exist_ok=True)
            (root / side / file).write_text(content, encoding="utf-8")
    for file, new in plan(root / "new").files.items():
        (root / "new" / file).write_text(new, encoding="utf-8")
    requests, report = root / "asked.py", root / "report.json"
    requests.write_text(f"REQUESTS = {asked!r}\n", encoding="utf-8")
    words = [sys.executable, "-m", "carboy", "migrate", "verify", "--json", str(report)]
    words += ["--requests", str(requests), f"{root}/old:{app}:app", f"{root}/new:{app}:app"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert report.exists(), done.stdout + done.stderr
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    assert found["exchanges"] == len(asked)
    return found


def test_an_api_that_a_factory_binds(tmp_path: Path) -> None:
    paths = ("/ping", "/users/1", "/users/5", "/users/x", "/nope", "/ping/", "/users/")
    told = _verified(tmp_path, "bound.txt", "wsgi", [_ask("GET", path) for path in paths])
    assert [one for view in told["views"].values() for one in view["differences"]] == []
    assert told["views"]["users_user"]["requests"] == 2


def test_what_schemas_dump_is_as_it_was(tmp_path: Path) -> None:
    told = _verified(tmp_path, "schemas.txt", "notes", SCHEMAS)
    assert [one for view in told["views"].values() for one in view["differences"]] == []
    assert {"notes", "note", "every", "add", "loud", "either"} <= set(told["views"])


def test_resources_answer_as_they_did(tmp_path: Path) -> None:
    told = _verified(tmp_path, "resources.txt", "shop", REQUESTS)
    found = [one for view in told["views"].values() for one in view["differences"]]
    # 405 is told as the application tells it, and X-Fields chooses nothing: convert says so.
    assert {(one["method"], one["path"]) for one in found} == {
        ("DELETE", "/v1/leaves/"),
        ("GET", "/v1/leaves/?limit=1"),
    }
    masked = [one for one in found if one["method"] == "GET"]
    assert all("grams" in one["what"] and one["old"] == "(none)" for one in masked)
    asked = {name: one["requests"] for name, one in told["views"].items()}
    assert asked["ping"] >= 8 and asked["tea_teas"] >= 10 and asked["tea_tea"] >= 10


STAYS = """
from flask import Flask
from flask_restx import Api, Namespace, Resource

app = Flask(__name__)
{api}
ns = Namespace("things"{options})
api.add_namespace(ns)
{more}

@ns.route("/x"{route})
class X({base}):
    {attribute}
    def get(self):
        return {{}}
"""
_AS_IT_IS = {
    "api": "api = Api(app)", "options": "", "more": "", "route": "", "base": "Resource",
    "attribute": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, None),
        ({"api": "api = Api()\napi.init_app(app)"}, None),
        ({"api": "api = Api()"}, "can't be seen"),
        ({"api": "api = Api(app, ordered=True)"}, "ordered"),
        ({"api": "api = Api(app)\napi.errorhandler(ValueError)(print)"}, "errorhandler"),
        ({"options": ", decorators=[print]"}, "its Namespace has options"),
        ({"more": "ns.errorhandler(ValueError)(print)"}, "error handlers"),
        ({"more": "class Y(X): ..."}, None),
        ({"more": "\nclass Base(Resource): ...", "base": "Base"}, "other bases"),
        ({"route": ", strict_slashes=False"}, "slashes"),
        ({"attribute": "decorators = [print]"}, "decorators"),
        ({"attribute": "representations = {}"}, "representations"),
        ({"attribute": "def __init__(self, api): ..."}, "__init__"),
        ({"attribute": "method_decorators = [print]"}, "sees or makes its answers"),
    ],
)
def test_what_stays_says_why(changed: dict[str, str], reason: str | None, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(STAYS.format(**{**_AS_IT_IS, **changed}), encoding="utf-8")
    (view,) = plan(tmp_path).views
    assert view.endpoint == "things_x" and view.rules == ["/things/x"]
    if reason is None and "Y(X)" not in changed.get("more", ""):
        assert view.converts and not view.reasons
    else:
        assert (reason or "derives from") in "; ".join(view.reasons)


def test_plain_fastapi_has_no_resources(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(STAYS.format(**_AS_IT_IS), encoding="utf-8")
    (view,) = plan(tmp_path, target="fastapi").views
    assert not view.converts and "Flask-RESTX" in view.reasons[0]


def test_handlers_of_the_application_are_flagged(tmp_path: Path) -> None:
    more = "app.register_error_handler(KeyError, print)\napp.register_error_handler(404, print)"
    text = STAYS.format(**{**_AS_IT_IS, "more": more})
    (tmp_path / "main.py").write_text(text, encoding="utf-8")
    (view,) = plan(tmp_path).views
    assert [one for one in view.notes if "handler" in one] == [
        "KeyError is told by the application's handler now; its Api answered 500"
    ]
