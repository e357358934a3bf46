"""A shop in memory for every test, and a client for it. `python -m pytest` in examples/mixed."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from garden import create_app
from garden.models import db

from carboy.testing import TestClient


class Customer(TestClient):
    """A client that sends the token of the page it has seen last, as pages and scripts do."""

    token = ""

    def see(self, path):
        answer = self.get(path)
        found = re.search(r'name="csrf-token" content="([^"]+)"', answer.text)
        self.token = found[1] if found else self.token
        return answer

    def submit(self, path, **form):
        """Send a form."""
        return self.post(path, data={"csrf_token": self.token, **form})

    def call(self, method, path, json=None):
        """Call the API, as garden.js does."""
        return self.request(method, path, json=json, headers={"X-CSRFToken": self.token})

    def log_in(self, name="ada", password="long enough"):
        self.see("/account/login")
        return self.submit("/account/login", name=name, password=password)


@pytest.fixture
def app(tmp_path):
    app = create_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/garden.db")
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app):
    return Customer(app, follow_redirects=False)
