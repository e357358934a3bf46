"""Requests that people bring: records, and Python files with lists or functions.

    REQUESTS = [{"session": 0, "method": "POST", "path": "/login", "form": {"name": "ada"}}]

    def requests(client): ...

In a list, `session` numbers the clients, each with its own cookies; `form`, `json` or `data` (text)
is the body; a form's value ``{csrf_token}`` is the newest token that a page showed to that client.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from carboy.migrate.proof.client import Client
from carboy.migrate.proof.exchange import Ask, Exchange, NotAnExchange, Reply, exchange_of
from carboy.migrate.proof.places import NotReady

TOKEN = "{csrf_token}"
Script = Callable[[Callable[[Ask], Reply]], None]


def record_of(path: Path) -> tuple[list[Exchange], int]:
    """The exchanges of a record, and how many lines are none. NotReady: it can't be read."""
    found: list[Exchange] = []
    broken = 0
    try:
        with path.open("rb") as lines:
            for line in lines:
                try:
                    found.append(exchange_of(line))
                except NotAnExchange:
                    broken += bool(line.strip())
    except OSError as error:
        raise NotReady(f"the record {path} can't be read: {error.strerror}") from None
    return found, broken


def script_of(name: str) -> Script:
    """What a Python file or module asks for. NotReady: it can't be had, or asks for nothing."""
    module = _module(name)
    function = getattr(module, "requests", None)
    listed = getattr(module, "REQUESTS", None)
    if callable(function):
        return lambda ask: function(Client(ask))
    if listed is None and isinstance(function, list | tuple):
        listed = function
    if listed is None:
        raise NotReady(
            f"{name} has neither a function requests(client) nor a list REQUESTS: see "
            "docs/migrating-proof.md"
        )
    return lambda ask: walk(listed, ask)


def _module(name: str) -> Any:
    path = Path(name)
    if not name.endswith(".py"):
        sys.path.insert(0, str(Path.cwd()))
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            raise NotReady(f"--requests: there is no module {error.name!r}") from None
        finally:
            sys.path.remove(str(Path.cwd()))
    if not path.is_file():
        raise NotReady(f"--requests: there is no file {path}")
    spec = importlib.util.spec_from_file_location(f"carboy_requests_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def walk(requests: Iterable[dict[str, Any]], ask: Callable[[Ask], Reply]) -> None:
    """Send the requests of a list. NotReady: one of them is none."""
    clients: dict[Any, Client] = {}
    tokens: dict[Any, str] = {}
    for one in requests:
        try:
            method, path = one.get("method", "GET"), one["path"]
        except (AttributeError, KeyError, TypeError):
            raise NotReady(f"--requests: {one!r} is no request with a path") from None
        number = one.get("session", 0)
        client = clients.setdefault(number, Client(ask))
        form = one.get("form")
        if form is not None:
            token = tokens.get(number, "none")
            form = {key: token if value == TOKEN else value for key, value in form.items()}
        answer = client.request(
            method,
            path,
            query=one.get("query"),
            form=form,
            json=one.get("json"),
            body=one.get("data", b""),
            headers=one.get("headers"),
        )
        try:
            tokens[number] = answer.token
        except LookupError:
            pass


def values_of(given: Iterable[str]) -> dict[str, list[str]]:
    """``NAME=VALUE`` as a table; a name may stand more than once. NotReady: one is neither."""
    found: dict[str, list[str]] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise NotReady(f"{text!r} is not written as NAME=VALUE")
        found.setdefault(name, []).append(value)
    return found
