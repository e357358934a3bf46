"""Secrets out of an exchange, as a pure function: every secret becomes a placeholder of its own.

The same value gets the same placeholder wherever it stands, under one key: a token that an answer
issued and a request carries is still seen to be that token, so a record can be replayed, while the
value is nowhere. SAFETY: a placeholder is a keyed hash; who has no key can't try guesses.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote_plus, unquote_plus, urlencode

from carboy.migrate.proof.coding import opened
from carboy.migrate.proof.exchange import Ask, Exchange, Pairs, Reply, is_json, media_type
from carboy.migrate.proof.pages import handed

#: What stands in a secret's place; safe in cookies, headers, URLs, forms, JSON and HTML.
PLACEHOLDER = re.compile(r"REDACTED-[0-9a-f]{16}")
#: A field whose name has one of these words is a secret, however it is written.
FIELDS = frozenset(
    [
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "secret",
        "token",
        "otp",
        "cvv",
        "cvc",
        "ssn",
        "pin",
        "csrf",
        "xsrf",
        "jwt",
        "apikey",
        "credential",
        "credentials",
        "authorization",
        "signature",
        "iban",
        "passcode",
    ]
)
#: The same, for words that are two.
PAIRS = ("apikey", "accesskey", "privatekey", "cardnumber", "creditcard", "securitycode")
#: Written as one word with others: usertoken.
ENDS = ("password", "passwd", "secret", "token")
#: Names that have such a word and hold no secret.
HARMLESS = frozenset({"token_type", "tokentype"})
HEADERS = frozenset(
    [
        "authorization",
        "proxy-authorization",
        "x-api-key",
        "x-auth-token",
        "x-csrf-token",
        "x-csrftoken",
        "x-xsrf-token",
        "x-amz-security-token",
    ]
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_PARAMETER = re.compile(r"(?<=[?&;])([\w.\[\]-]+)=([^&;\"'<>\s#]+)")
#: A leaf of XML: what opens it, its name, its text.
_ELEMENT = re.compile(r"(<(?:[\w.-]+:)?([\w.-]+)(?:\s[^<>]*)?>)([^<>]+)</")
#: Shorter values may stand anywhere by chance, and are replaced in their fields only.
LONG = 8

Swap = Callable[[str], str]


@dataclass(frozen=True)
class Redaction:
    """What is secret. `key` makes the placeholders; `more` and `keep` are names of fields, headers
    or cookies that are secret as well, or are not; `patterns` match secrets in any text.
    """

    key: bytes
    more: frozenset[str] = frozenset()
    keep: frozenset[str] = frozenset()
    patterns: tuple[re.Pattern[str], ...] = ()

    def placeholder(self, value: str) -> str:
        """What stands for `value`; a placeholder stands for itself."""
        if not value or PLACEHOLDER.fullmatch(value):
            return value
        made = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), key=self.key, digest_size=8)
        return f"REDACTED-{made.hexdigest()}"

    def is_secret(self, name: str) -> bool:
        """Whether a field called `name` holds a secret."""
        lower = name.lower()
        if lower in self.keep or lower in HARMLESS:
            return False
        words = [word.lower() for word in _WORDS.findall(name)]
        joined = "".join(words)
        return (
            lower in self.more
            or not FIELDS.isdisjoint(words)
            or joined.endswith(ENDS)
            or any(pair in joined for pair in PAIRS)
        )

    def redact(self, exchange: Exchange) -> Exchange:
        """The exchange without its secrets."""
        return _Run(self).exchange(exchange)


def _open(message: Any) -> Any:
    body = opened(message.header("content-encoding"), message.body)
    return replace(message, body=b"", cut=True) if body is None else replace(message, body=body)


class _Run:
    """One exchange: what is found in one place of it is replaced in the others."""

    def __init__(self, rules: Redaction) -> None:
        self.rules = rules
        self.found: dict[str, str] = {}

    def exchange(self, exchange: Exchange) -> Exchange:
        # SAFETY: nobody sees what is in a compressed body, until it is opened again.
        ask, reply = _open(exchange.ask), _open(exchange.reply)
        ask = replace(
            ask,
            path=ask.path,
            query=self._form(ask.query),
            headers=self._headers(ask.headers),
            body=self._body(ask.header("content-type"), ask.body),
        )
        reply = replace(
            reply,
            headers=self._headers(reply.headers),
            body=self._body(reply.header("content-type"), reply.body),
        )
        return replace(exchange, ask=self._everywhere(ask), reply=self._everywhere(reply))

    def swap(self, value: str) -> str:
        """A secret's placeholder, remembered."""
        placeholder = self.rules.placeholder(value)
        if len(value) >= LONG and placeholder != value:
            self.found[value] = placeholder
        return placeholder

    # -- headers --------------------------------------------------------------------------------

    def _headers(self, headers: Pairs) -> Pairs:
        return tuple((name, self._header(name.lower(), value)) for name, value in headers)

    def _header(self, name: str, value: str) -> str:
        if name == "cookie":
            return "; ".join(map(self._cookie, value.split("; ")))
        if name == "set-cookie":
            pair, semicolon, attributes = value.partition(";")
            return self._cookie(pair) + semicolon + attributes
        if name in self.rules.keep:
            return value
        if name in ("authorization", "proxy-authorization"):
            scheme, space, secret = value.partition(" ")
            return f"{scheme} {self.swap(secret)}" if space else self.swap(value)
        if name in HEADERS or name in self.rules.more:
            return self.swap(value)
        return self._parameters(value)

    def _cookie(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        value = value.strip().strip('"')
        if not equals or name.strip().lower() in self.rules.keep:
            return pair
        return f"{name}={self.swap(value)}"

    def _parameters(self, text: str) -> str:
        """The query parameters of URLs in a text."""

        def change(match: re.Match[str]) -> str:
            name, value = match.groups()
            if not self.rules.is_secret(name.removeprefix("amp;")):
                return match[0]
            return f"{name}={self.swap(unquote_plus(value))}"

        return _PARAMETER.sub(change, text) if "=" in text else text

    # -- bodies ---------------------------------------------------------------------------------

    def _body(self, content_type: str | None, body: bytes) -> bytes:
        kind = media_type(content_type)
        if not body:
            return body
        if kind == "multipart/form-data":
            return self._multipart(content_type or "", body)
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return body
        if is_json(kind):
            text = self._json_text(text)
        elif kind == "application/x-www-form-urlencoded":
            text = self._form(text)
        elif "html" in kind:
            text = self._page(text)
        elif kind.endswith("xml"):
            text = _ELEMENT.sub(self._element, text)
        elif text.lstrip()[:1] in ("{", "["):  # JSON by another name
            text = self._json_text(text)
        else:
            text = self._parameters(text)
        return text.encode()

    def _element(self, match: re.Match[str]) -> str:
        if not self.rules.is_secret(match[2]):
            return match[0]
        return f"{match[1]}{self.swap(html.unescape(match[3]))}</"

    def _form(self, text: str) -> str:
        pairs = parse_qsl(text, keep_blank_values=True)
        if not any(self.rules.is_secret(name) and value for name, value in pairs):
            return text
        return urlencode([(n, self.swap(v) if self.rules.is_secret(n) else v) for n, v in pairs])

    def _json_text(self, text: str) -> str:
        try:
            value = json.loads(text)
        except ValueError:
            # SAFETY: what was cut, or is broken, may still show a secret's field.
            return self._json_like(text)
        changed = self._json(value, False)
        return text if changed == value else json.dumps(changed, ensure_ascii=False)

    def _json(self, value: Any, secret: bool) -> Any:
        if isinstance(value, dict):
            return {k: self._json(v, secret or self.rules.is_secret(k)) for k, v in value.items()}
        if isinstance(value, list):
            return [self._json(one, secret) for one in value]
        if not secret or value is None or isinstance(value, bool):
            return value
        return self.swap(value if isinstance(value, str) else json.dumps(value))

    def _json_like(self, text: str) -> str:
        def change(match: re.Match[str]) -> str:
            if not self.rules.is_secret(match[1]):
                return match[0]
            return f'"{match[1]}"{match[2]}"{self.swap(match[3])}"'

        return re.sub(r'"([^"\\]+)"(\s*:\s*)"((?:[^"\\]|\\.)*)"?', change, text)

    def _page(self, text: str) -> str:
        text = self._parameters(text)
        for one in handed(text):
            if one.kind == "link" or not one.value:
                continue
            if one.type == "password" or self.rules.is_secret(one.name):
                placeholder = self.swap(one.value)
                if len(one.value) < LONG:
                    pattern = rf"(value=[\"']?){re.escape(html.escape(one.value))}(?=[\"'\s>])"
                    text = re.sub(pattern, rf"\g<1>{placeholder}", text)
        return text

    def _multipart(self, content_type: str, body: bytes) -> bytes:
        match = re.search(r'boundary="?([^";,]+)"?', content_type)
        if match is None:
            return body
        mark = b"--" + match[1].strip().encode("latin-1")
        return mark.join(map(self._part, body.split(mark)))

    def _part(self, part: bytes) -> bytes:
        head, blank, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'\bname="([^"]*)"', head)
        if not blank or name is None or b"filename=" in head:
            return part
        if not self.rules.is_secret(name[1].decode("utf-8", "replace")):
            return part
        value, end = (content[:-2], b"\r\n") if content.endswith(b"\r\n") else (content, b"")
        swapped = self.swap(value.decode("utf-8", "replace")).encode()
        return head + blank + swapped + end

    # -- everywhere else ------------------------------------------------------------------------

    def _everywhere(self, message: Any) -> Any:
        """Secrets that were found, and what the patterns match, wherever else they stand."""
        if isinstance(message, Ask):
            message = replace(
                message, path=self._text(message.path), query=self._text(message.query)
            )
        assert isinstance(message, Ask | Reply)
        headers = tuple((name, self._text(value)) for name, value in message.headers)
        try:
            body = self._text(message.body.decode()).encode()
        except UnicodeDecodeError:
            body = message.body
            for value, placeholder in self.found.items():
                body = body.replace(value.encode(), placeholder.encode())
        return replace(message, headers=headers, body=body)

    def _text(self, text: str) -> str:
        for value, placeholder in self.found.items():
            for form in written(value):
                if form in text:
                    text = text.replace(form, placeholder)
        for pattern in self.rules.patterns:
            text = pattern.sub(lambda match: self.rules.placeholder(match[0]), text)
        return text


def written(value: str) -> set[str]:
    """The ways in which a value may stand in a message."""
    return {value, quote_plus(value), html.escape(value), json.dumps(value)[1:-1]}
