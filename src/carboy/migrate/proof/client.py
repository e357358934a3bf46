"""What `--requests` scripts are given: a client with cookies, whose requests go to both sides.

    def requests(client):
        page = client.get("/login")
        client.post("/login", form={"name": "ada", "csrf_token": page.token})

The answers it sees are the old application's; what is sent to the new one carries its own cookies
and tokens.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from carboy.migrate.proof import cookies
from carboy.migrate.proof.exchange import Ask, Reply
from carboy.migrate.proof.pages import tokens_in
from carboy.migrate.proof.watching import SAFE_IN_PATH


class Answer:
    """An answer, to be looked at by a script."""

    def __init__(self, reply: Reply) -> None:
        self.status = reply.status
        self.headers = {name: value for name, value in reply.headers if name != "set-cookie"}
        self.body = reply.body
        self._reply = reply

    @property
    def text(self) -> str:
        """The body as text; what is no UTF-8 is replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body's JSON value."""
        return json.loads(self.body)

    @property
    def token(self) -> str:
        """The page's token against forged requests. LookupError: it has none."""
        found = tokens_in(self.text)
        if not found:
            raise LookupError(f"there is no token in this page (status {self.status})")
        return found[0]


class Client:
    """One user: keeps cookies. `ask` sends to both sides and returns the reference's answer."""

    def __init__(self, ask: Callable[[Ask], Reply]) -> None:
        self._ask = ask
        self._jar: dict[str, str] = {}

    def new(self) -> Client:
        """Another user, without cookies."""
        return Client(self._ask)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        form: Mapping[str, Any] | None = None,
        json: Any = None,
        body: bytes | str = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask both; `path` may have a query of its own."""
        path, _, text = path.partition("?")
        if query:
            text = "&".join(filter(None, (text, urlencode(query, doseq=True))))
        given = {name.lower(): value for name, value in (headers or {}).items()}
        data, kind = _body(form, json, body)
        if kind:
            given.setdefault("content-type", kind)
        given.setdefault("host", "localhost")
        if self._jar:
            given["cookie"] = "; ".join(f"{name}={value}" for name, value in self._jar.items())
        ask = Ask(
            method.upper(), quote(path, safe=SAFE_IN_PATH + "%"), text, tuple(given.items()), data
        )
        reply = self._ask(ask)
        for one in cookies.set_by(reply):
            if one.is_deleted:
                self._jar.pop(one.name, None)
            else:
                self._jar[one.name] = one.value
        return Answer(reply)

    def get(self, path: str, **given: Any) -> Answer:
        return self.request("GET", path, **given)

    def post(self, path: str, **given: Any) -> Answer:
        return self.request("POST", path, **given)

    def put(self, path: str, **given: Any) -> Answer:
        return self.request("PUT", path, **given)

    def patch(self, path: str, **given: Any) -> Answer:
        return self.request("PATCH", path, **given)

    def delete(self, path: str, **given: Any) -> Answer:
        return self.request("DELETE", path, **given)

    def head(self, path: str, **given: Any) -> Answer:
        return self.request("HEAD", path, **given)

    def options(self, path: str, **given: Any) -> Answer:
        return self.request("OPTIONS", path, **given)


def _body(form: Mapping[str, Any] | None, value: Any, body: bytes | str) -> tuple[bytes, str]:
    if form is not None:
        return urlencode(form, doseq=True).encode(), "application/x-www-form-urlencoded"
    if value is not None:
        return json.dumps(value).encode(), "application/json"
    return body.encode() if isinstance(body, str) else body, ""
