"""What one answer hands out and a later request brings back, for two applications at once.

A request was written down, or made, with what one side had issued: its cookies, tokens, new ids.
The other side has issued its own, in the same places of its answers. `Carried` learns from each
pair of answers which value stands for which, and puts a side's own into the requests it gets.
Values only.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlencode, urlsplit

from carboy.migrate.proof import cookies
from carboy.migrate.proof.exchange import Ask, Pairs, Reply, is_json
from carboy.migrate.proof.pages import handed
from carboy.migrate.proof.redaction import PLACEHOLDER

#: Shorter values are replaced as cookies only: they may stand in a text by chance.
LONG = 8
Key = tuple[Any, ...]


def issued(reply: Reply) -> dict[Key, str]:
    """The values that an answer hands out, by where they stand in it."""
    found: dict[Key, str] = {}
    for one in cookies.set_by(reply):
        if not one.is_deleted:
            found["cookie", one.name] = one.value
    for name in ("etag", "last-modified"):
        if value := reply.header(name):
            found["header", name] = value
    if location := reply.header("location"):
        _link(found, ("location",), location)
    text = reply.text
    if text is None:
        return found
    if is_json(reply.kind):
        try:
            _json(found, ("json",), json.loads(text))
        except (ValueError, RecursionError):
            pass
    elif "html" in reply.kind:
        _page(found, text)
    return found


def _page(found: dict[Key, str], text: str) -> None:
    numbers: dict[Key, count[int]] = {}
    for one in handed(text):
        key: Key = (one.kind, one.name)
        place = (*key, next(numbers.setdefault(key, count())))
        if one.kind == "link":
            _link(found, place, one.value)
        elif one.type in ("", "hidden", "text") and len(one.value) >= LONG:
            found[place] = one.value


def _link(found: dict[Key, str], place: Key, link: str) -> None:
    parts = urlsplit(link)
    for number, segment in enumerate(parts.path.split("/")):
        if len(segment) >= LONG:
            found[(*place, number)] = unquote(segment)
    for name, value in parse_qsl(parts.query):
        if len(value) >= LONG:
            found[(*place, name)] = value


def _json(found: dict[Key, str], place: Key, value: Any) -> None:
    if isinstance(value, dict):
        for key, one in value.items():
            _json(found, (*place, key), one)
    elif isinstance(value, list):
        for number, one in enumerate(value):
            _json(found, (*place, number), one)
    elif isinstance(value, str) and len(value) >= LONG:
        found[place] = value


class Carried:
    """For one side: which of its values stands for which of the reference's.

    The `most` values that were issued or brought last are known.
    """

    def __init__(self, most: int = 5000) -> None:
        self._most = most
        #: Value -> the ways it may be written, and what to write in their place.
        self._own: dict[str, dict[str, str]] = {}
        self._cookies: dict[tuple[str, str], str] = {}

    def learn(self, reference: Reply, own: Reply) -> None:
        """Two answers to one request: the reference's, and this side's."""
        theirs, ours = issued(reference), issued(own)
        for key, value in theirs.items():
            mine = ours.get(key)
            if key[0] == "cookie":
                self._learn_cookie((key[1], value), mine)
            if mine is None or len(value) < LONG:
                continue
            self._own.pop(value, None)
            if mine != value:
                self._own[value] = {write(value): write(mine) for write in _WAYS}
        while len(self._own) > self._most:
            del self._own[next(iter(self._own))]

    def _learn_cookie(self, key: tuple[str, str], mine: str | None) -> None:
        self._cookies.pop(key, None)
        if mine is not None:
            self._cookies[key] = mine
        while len(self._cookies) > self._most:
            del self._cookies[next(iter(self._cookies))]

    def put(self, ask: Ask) -> Ask:
        """The request, as this side is to be asked."""
        change = self._change(ask)
        headers = tuple(
            (name, value)
            for name, text in ask.headers
            if (value := self._header(name, text, change)) is not None
        )
        # Bytes that are no text are changed in the same way.
        body = change(ask.body.decode("utf-8", "surrogateescape"))
        return replace(
            ask,
            path=change(ask.path),
            query=change(ask.query),
            headers=headers,
            body=body.encode("utf-8", "surrogateescape"),
        )

    def _change(self, ask: Ask) -> Callable[[str], str]:
        """Puts this side's values into a text of a request."""
        texts = [ask.path, ask.query, *(value for _, value in ask.headers)]
        whole = "\n".join([*texts, ask.body.decode("utf-8", "surrogateescape")])
        forms: dict[str, str] = {}
        for value, ways in list(self._own.items()):
            if found := {form: own for form, own in ways.items() if form in whole}:
                forms.update(found)
                self._own[value] = self._own.pop(value)  # it is in use: it stays longer
        if not forms:
            return str
        # At once: a value that was put in may be another one's name.
        longest = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))))
        return lambda text: longest.sub(lambda match: forms[match[0]], text)

    def _header(self, name: str, text: str, change: Callable[[str], str]) -> str | None:
        if name != "cookie":
            return change(text)
        brought = [self._cookie(*pair.partition("=")[::2]) for pair in text.split("; ")]
        return "; ".join(pair for pair in brought if pair is not None) or None

    def _cookie(self, name: str, value: str) -> str | None:
        own = self._cookies.get((name, value.strip('"')))
        if own is not None:
            return f"{name}={own}"
        # Nobody has issued it here: a client's own is sent as it is, a secret that was left out
        # could not be.
        return None if PLACEHOLDER.search(value) else f"{name}={value}"


def _quote(value: str) -> str:
    return quote(value, safe="")


def _escaped(value: str) -> str:
    return json.dumps(value)[1:-1]


#: How a value is written in headers, forms, paths, pages and JSON.
_WAYS = (str, quote_plus, _quote, html.escape, _escaped)


def fill(ask: Ask, secrets: dict[str, str]) -> Ask:
    """The request with `secrets`, by name of field or header, where a record has placeholders."""
    kind = (ask.header("content-type") or "").lower()
    body = ask.body
    if secrets and PLACEHOLDER.search(body.decode("latin-1")):
        if "x-www-form-urlencoded" in kind:
            body = _fill_form(body.decode("latin-1"), secrets).encode("latin-1")
        elif "json" in kind:
            try:
                body = json.dumps(_fill_json(json.loads(body), secrets)).encode()
            except ValueError:
                pass
        elif "multipart/" in kind:
            body = _fill_parts(body, secrets)
    headers: Pairs = tuple(
        (name, secrets[name] if name in secrets and PLACEHOLDER.search(value) else value)
        for name, value in ask.headers
    )
    query = _fill_form(ask.query, secrets) if PLACEHOLDER.search(ask.query) else ask.query
    return replace(ask, headers=headers, body=body, query=query)


def _fill_form(text: str, secrets: dict[str, str]) -> str:
    pairs = parse_qsl(text, keep_blank_values=True)
    return urlencode([(n, _filled(n, v, secrets)) for n, v in pairs])


def _filled(name: str, value: str, secrets: dict[str, str]) -> str:
    return secrets.get(name, value) if PLACEHOLDER.fullmatch(value) else value


def _fill_json(value: Any, secrets: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            key: _filled(key, one, secrets) if isinstance(one, str) else _fill_json(one, secrets)
            for key, one in value.items()
        }
    return [_fill_json(one, secrets) for one in value] if isinstance(value, list) else value


def _fill_parts(body: bytes, secrets: dict[str, str]) -> bytes:
    for name, value in secrets.items():
        pattern = rb'(name="%s"\r\n\r\n)%s' % (
            re.escape(name.encode()),
            PLACEHOLDER.pattern.encode(),
        )
        body = re.sub(pattern, lambda match, v=value: match[1] + v.encode(), body)  # type: ignore[misc]
    return body


def unknown(ask: Ask) -> bool:
    """Whether a request still has a placeholder, which no application can make sense of."""
    texts = [ask.path, ask.query, ask.body.decode("latin-1"), *(v for _, v in ask.headers)]
    return any(PLACEHOLDER.search(text) for text in texts)
