"""What a page of HTML hands to its reader to send back: values of inputs, of meta tags, in links.

Read with the standard library's parser, so that any page can be read. Values only.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import NamedTuple


class Handed(NamedTuple):
    """One value: `kind` is "input", "meta" or "link"; `name` is the input's, meta tag's."""

    kind: str
    name: str
    value: str
    #: The input's type, in lower case.
    type: str = ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Handed] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in ("input", "button") and given.get("name"):
            kind = given.get("type", "text").lower()
            self.found.append(Handed("input", given["name"], given.get("value", ""), kind))
        elif tag == "meta" and given.get("name") and "content" in given:
            self.found.append(Handed("meta", given["name"], given["content"]))
        elif tag in ("a", "form", "link", "img", "script"):
            for name in ("href", "action", "src"):
                if given.get(name):
                    self.found.append(Handed("link", tag, given[name]))

    handle_startendtag = handle_starttag


def handed(text: str) -> list[Handed]:
    """Everything of the kind in a page, in order."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.found


def plain_name(name: str) -> str:
    """A field's name as names are compared: ``X-CSRF-Token``, ``csrf_token``: ``csrftoken``."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return plain.removeprefix("x") if plain.startswith("xcsrf") else plain


#: Fields that hold a token against forged requests, as `plain_name` has them.
TOKENS = frozenset(
    {"csrftoken", "csrf", "csrfmiddlewaretoken", "xsrftoken", "authenticitytoken", "antiforgery"}
)


def tokens_in(text: str, names: frozenset[str] = TOKENS) -> list[str]:
    """The values of the token fields of a page, in order."""
    if "csrf" not in text.lower() and names == TOKENS and "token" not in text.lower():
        return []  # PERF: most pages have none, and need not be parsed
    return [
        one.value
        for one in handed(text)
        if one.kind != "link" and one.value and plain_name(one.name) in names
    ]
