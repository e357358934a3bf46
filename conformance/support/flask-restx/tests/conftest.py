"""The fixtures that Flask-RESTX's tests ask for by name; its archive does not hold them.

app: an application, whose test client has get_json, post_json and get_specs, which check the status
and that the answer is JSON; api: an Api on a blueprint, with what `@pytest.mark.api(...)` says;
`@pytest.mark.request_context(...)` runs a test in such a context.
"""

import json

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient
from flask_restx import Api

OF_THE_BLUEPRINT = {"prefix": "url_prefix", "subdomain": "subdomain"}


def without_doubles(pairs):
    found = dict(pairs)
    assert len(found) == len(pairs), f"a key stands twice: {[key for key, _ in pairs]}"
    return found


class Client(FlaskClient):
    def get_json(self, url, status=200, **options):
        return self._checked(self.get(url, **options), status)

    def post_json(self, url, data, status=200, **options):
        options.setdefault("content_type", "application/json")
        return self._checked(self.post(url, data=json.dumps(data), **options), status)

    def get_specs(self, prefix="", status=200, **options):
        return self.get_json(f"{prefix}/swagger.json", status, **options)

    @staticmethod
    def _checked(response, status):
        assert response.status_code == status
        assert response.content_type == "application/json"
        return json.loads(response.get_data(as_text=True), object_pairs_hook=without_doubles)


def pytest_configure(config):
    config.addinivalue_line("markers", "api(**options): options of the api fixture")
    config.addinivalue_line("markers", "request_context(*given): the test runs in such a context")


@pytest.fixture
def app():
    made = Flask(__name__)
    made.test_client_class = Client
    return made


@pytest.fixture
def api(request, app):
    mark = request.node.get_closest_marker("api")
    options = dict(mark.kwargs) if mark else {}
    placed = {
        OF_THE_BLUEPRINT[name]: options.pop(name)
        for name in OF_THE_BLUEPRINT.keys() & options.keys()
    }
    blueprint = Blueprint("api", __name__, **placed)
    made = Api(blueprint, **options)
    app.register_blueprint(blueprint)
    return made


@pytest.fixture(autouse=True)
def _in_context(request):
    mark = request.node.get_closest_marker("request_context")
    if mark is None:
        yield
        return
    with request.getfixturevalue("app").test_request_context(*mark.args, **mark.kwargs):
        yield
