"""Rules of subdomains, and hosts that are none of the server's."""

from __future__ import annotations

import warnings

import pytest

from carboy.flask import Flask

app = Flask(__name__, subdomain_matching=True)
app.config["SERVER_NAME"] = "shop.test"
app.add_url_rule("/", "index", lambda: "shop")
app.add_url_rule("/", "books", lambda: "books", subdomain="books")


def test_a_subdomain_is_what_a_host_has_more() -> None:
    client = app.test_client()
    assert client.get("/", "http://shop.test").text == "shop"
    assert client.get("/", "http://books.shop.test").text == "books"


def test_another_host_gets_404_and_a_warning_in_flasks_name() -> None:
    with pytest.warns(UserWarning, match=r"Current server name 'else\.test'.*'shop\.test'"):
        assert app.test_client().get("/", "http://else.test").status_code == 404
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # The module that filters in existing code name.
        warnings.filterwarnings("ignore", "Current server name", UserWarning, "flask.app")
        assert app.test_client().get("/", "http://else.test").status_code == 404
