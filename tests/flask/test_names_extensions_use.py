"""What extensions reach for beyond the documented names, as their own suites showed."""

from __future__ import annotations

import functools
import importlib
from types import ModuleType
from typing import Any

import flask
import pytest
from werkzeug.routing import BaseConverter, Map, Rule

import carboy.flask
from carboy.app import App
from carboy.flask import Blueprint, Flask, current_app, request, url_for
from carboy.flask.testing import FlaskClient
from carboy.testing import TestClient


def test_the_version_is_flasks_and_deprecated():
    with pytest.deprecated_call(match="__version__"):
        assert carboy.flask.__version__ == "3.1.3"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("app", "Rule"),
        ("app", "BuildError"),
        ("app", "HTTPException"),
        ("app", "current_app"),
        ("app", "request_started"),
        ("app", "get_debug_flag"),
        ("blueprints", "current_app"),
        ("blueprints", "send_from_directory"),
    ],
)
def test_modules_have_the_names_that_flasks_import(module: str, name: str):
    found = getattr(importlib.import_module(f"carboy.flask.{module}"), name)
    assert found is not None


def test_a_module_lacks_what_flasks_lacks():
    app = importlib.import_module("carboy.flask.app")
    with pytest.raises(AttributeError, match=r"carboy\.flask\.app.*'nothing'"):
        app.nothing  # noqa: B018


def test_sansio_modules_name_the_same_classes():
    from carboy.flask.sansio.app import App
    from carboy.flask.sansio.blueprints import Blueprint as SansioBlueprint
    from carboy.flask.sansio.blueprints import BlueprintSetupState
    from carboy.flask.sansio.scaffold import Scaffold, setupmethod

    assert isinstance(Flask(__name__), App)
    assert isinstance(Blueprint("b", __name__), SansioBlueprint)
    assert issubclass(App, Scaffold)
    assert BlueprintSetupState.__name__ == "BlueprintSetupState"
    assert callable(setupmethod)


def test_method_names_of_class_views():
    from carboy.flask.views import http_method_funcs

    assert "get" in http_method_funcs
    assert "patch" in http_method_funcs
    assert "connect" not in http_method_funcs


def login_required(view):
    """As extensions wrap views: a `def` that has the view's name and runs it, whatever it is."""

    @functools.wraps(view)
    def checked(*args, **kwargs):
        if "token" not in request.args:
            return "no token", 401
        return current_app.ensure_sync(view)(*args, **kwargs)

    return checked


def test_a_def_around_an_async_view_is_a_def():
    app = Flask(__name__)

    @app.get("/secret/<name>")
    @login_required
    async def secret(name: str):
        return f"hello {name}"

    for client in (app.test_client(), TestClient(app)):  # by WSGI, and by the engine
        assert client.get("/secret/x").status_code == 401
        assert client.get("/secret/x?token=1").text == "hello x"


def test_a_def_hook_around_an_async_one_is_a_def():
    app = Flask(__name__)

    async def late(response):
        response.headers["X-Late"] = "yes"
        return response

    @app.after_request
    @functools.wraps(late)
    def hook(response):
        return app.ensure_sync(late)(response)

    assert app.test_client().get("/").headers["X-Late"] == "yes"


def test_the_client_builds_a_request_for_who_opens_it_another_way():
    """Flask-SocketIO's test client."""
    app = Flask(__name__)
    client = app.test_client()
    assert isinstance(client, FlaskClient)
    built = client._request_from_builder_args(("/chat",), {"method": "POST", "json": {"a": 1}})
    assert built.path == "/chat"
    assert built.get_json() == {"a": 1}
    assert built.environ["REMOTE_ADDR"] == "127.0.0.1"


@pytest.mark.parametrize("inside", [False, True])
def test_a_map_of_werkzeugs_takes_the_place_of_the_url_map(inside: bool):
    class Word(BaseConverter):
        regex = "[a-z]+"

    app = Flask("replaced")
    app.add_url_rule("/old", "old", lambda: "old")
    if inside:
        owner = App()
        owner.get("/typed", name="typed")(lambda: "typed")
        owner.include(app)
        assert app.test_client().get("/typed").json == "typed"
    app.url_map = Map([Rule("/kept/", endpoint="kept")], strict_slashes=False)
    app.url_map.converters["word"] = Word
    app.url_map.add(Rule("/<word:w>", endpoint="word"))
    app.view_functions |= {"kept": lambda: "kept", "word": lambda w: f"word {w}"}
    client = app.test_client()
    assert client.get("/old").text == "word old"
    assert client.get("/kept").text == "kept"
    assert client.get("/UPPER").status_code == 404
    app.url_map.add(Rule("/UPPER", endpoint="kept"))
    assert client.get("/UPPER").text == "kept"
    with app.test_request_context():
        assert url_for("word", w="x") == "/x"
    if inside:
        assert client.get("/typed").json == "typed"
        with app.test_request_context():
            assert url_for("typed") == "/typed"


@pytest.mark.parametrize("inside", [False, True])
def test_rules_for_web_sockets_take_upgrades_of_wsgi_servers(inside: bool):
    def made(package: ModuleType) -> Any:
        app = package.Flask("sockets")
        app.add_url_rule("/feed/<int:n>", "feed", lambda n: f"socket {n}", websocket=True)
        app.add_url_rule("/feed/<n>", "page", lambda n: f"page {n}")
        app.add_url_rule("/only", "only", lambda: "only", websocket=True)
        app.add_url_rule("/http", "http", lambda: "http")
        if inside and package is carboy.flask:
            App().include(app)
        client = app.test_client()
        upgrade = {"Connection": "keep-alive, Upgrade", "Upgrade": "websocket"}
        paths = ("/feed/3", "/feed/x", "/only", "/http", "/none")
        asked = [client.get(path, headers=more) for path in paths for more in ({}, upgrade)]
        with app.test_request_context():
            urls = [package.url_for("feed", n=1, _external=True), package.url_for("http")]
        return [(one.status_code, one.text) for one in asked], urls

    assert made(carboy.flask) == made(flask)
