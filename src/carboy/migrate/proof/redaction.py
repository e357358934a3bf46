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
from carboy.migrate.proof.exchange import (
    Ask,
    Exchange,
    Pairs,
    Reply,
    decoded,
    is_json,
    is_text,
    media_type,
)
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
        "pass",
        "passwort",
        "pw",
        "session",
        "sessionid",
        "sid",
        "auth",
        "bearer",
        "saml",
        "mnemonic",
    ]
)
#: The same, for words that are two.
PAIRS = (
    *("apikey", "accesskey", "privatekey", "sessionkey", "cardnumber", "creditcard"),
    *("securitycode", "authcode", "recoverycode", "verificationcode", "backupcode"),
)
#: Written as one word with others: usertoken.
ENDS = ("password", "passwd", "secret", "token")
#: Names that have such a word and hold no secret.
HARMLESS = frozenset({"token_type", "tokentype", "access-control-allow-credentials"})
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
_PARAMETER = re.compile(r"(?:(?<=[?&;#])|\A)([\w.\[\]-]+)=([^&;\"'<>\s#]+)")
#: What UTF-8 can't hold, and no byte of a body stands for.
_SURROGATE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
#: A name and a text in quotes, as scripts, JSON and attributes have them, at its end perhaps cut.
_SAID = re.compile(
    r"""(?<![\w.-])([\w.-]+)(["']?\s*[:=]\s*)(?:"((?:[^"\\]|\\.)*)"?|'((?:[^'\\]|\\.)*)'?)""",
    re.DOTALL,
)
_NAME = re.compile(rb';\s*name\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))', re.IGNORECASE)
_FILE = re.compile(rb"filename\*?\s*=\s*\"?[^\";\s]", re.IGNORECASE)
_KIND = re.compile(rb"^content-type:\s*([^\r\n]+)", re.IGNORECASE | re.MULTILINE)
_BLANK = re.compile(rb"\r?\n\r?\n")
#: A leaf of XML: what opens it, its name, its text.
_ELEMENT = re.compile(r"(<(?:[\w.-]+:)?([\w.-]+)(?:\s[^<>]*)?>)([^<>]+)</")
#: Shorter values may stand anywhere by chance, and are replaced in their fields only.
LONG = 8
#: So many are looked for in all of an exchange; with more of them it is kept without its bodies.
MANY = 64

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
        try:
            return _Run(self).exchange(exchange)
        except _TooMany:
            # SAFETY: a client may send as many as it likes, and live requests wait for this.
            ask, reply = exchange.ask, exchange.reply
            bare = replace(ask, body=b"", cut=True), replace(reply, body=b"", cut=True)
            return _Run(self, is_bare=True).exchange(replace(exchange, ask=bare[0], reply=bare[1]))


def _open(message: Any) -> Any:
    body = opened(message.header("content-encoding"), message.body)
    return replace(message, body=b"", cut=True) if body is None else replace(message, body=body)


class _TooMany(Exception):
    """An exchange has more secrets than can be looked for in no time."""


class _Run:
    """One exchange: what is found in one place of it is replaced in the others."""

    def __init__(self, rules: Redaction, is_bare: bool = False) -> None:
        self.rules = rules
        self.is_bare = is_bare
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
            body=self._body(reply.header("content-type"), reply.body, is_answer=True),
        )
        return replace(exchange, ask=self._everywhere(ask), reply=self._everywhere(reply))

    def swap(self, value: str) -> str:
        """A secret's placeholder, remembered."""
        placeholder = self.rules.placeholder(value)
        if len(value) >= LONG and placeholder != value:
            if len(self.found) < MANY:
                self.found[value] = placeholder
            elif not self.is_bare and value not in self.found:
                raise _TooMany
        return placeholder

    # -- headers --------------------------------------------------------------------------------

    def _headers(self, headers: Pairs) -> Pairs:
        return tuple((name, self._header(name.lower(), value)) for name, value in headers)

    def _header(self, name: str, value: str) -> str:
        if name == "cookie":
            return ";".join(map(self._cookie, value.split(";")))
        if name == "set-cookie":
            pair, semicolon, attributes = value.partition(";")
            return self._cookie(pair) + semicolon + attributes
        if name in self.rules.keep:
            return value
        if name in ("authorization", "proxy-authorization"):
            scheme, space, secret = value.partition(" ")
            return f"{scheme} {self.swap(secret)}" if space else self.swap(value)
        if name in HEADERS or self.rules.is_secret(name):
            return self.swap(value)
        return self._parameters(value)

    def _cookie(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        if not equals:
            return self.swap(pair)
        if name.strip().lower() in self.rules.keep:
            return pair
        value = value.strip().strip('"')
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

    def _body(self, content_type: str | None, body: bytes, is_answer: bool = False) -> bytes:
        kind = media_type(content_type)
        if not body:
            return body
        if kind.startswith("multipart/"):
            return self._multipart(content_type or "", body)
        # SAFETY: a body that was cut may end amid a character, and others have any bytes.
        text = body.decode("utf-8", "surrogateescape")
        looks_like_json = text.lstrip()[:1] in ("{", "[")
        if not (is_text(kind) or looks_like_json) and decoded(body) is None:
            return body
        if is_json(kind) or looks_like_json:  # JSON by another name
            text = self._json_text(_text_of_json(body) or text)
        elif kind == "application/x-www-form-urlencoded":
            text = self._form(text)
        else:
            # SAFETY: html.parser takes quadratic time for tags without an end.
            if "html" in kind and is_answer:
                text = self._page(text)
            elif kind.endswith("xml"):
                text = _ELEMENT.sub(self._element, text)
            text = _SAID.sub(self._said, self._parameters(text))
        return text.encode("utf-8", "surrogateescape")

    def _element(self, match: re.Match[str]) -> str:
        if not self.rules.is_secret(match[2]):
            return match[0]
        return f"{match[1]}{self.swap(html.unescape(match[3]))}</"

    def _said(self, match: re.Match[str]) -> str:
        name, between, double, single = match.groups()
        value = double or single
        if not value or not self.rules.is_secret(name):
            return match[0]
        quote = '"' if double else "'"
        return f"{name}{between}{quote}{self.swap(value)}{quote}"

    def _form(self, text: str) -> str:
        pairs = parse_qsl(text, keep_blank_values=True)
        changed = [(name, self._field(name, value)) for name, value in pairs]
        return text if changed == pairs else urlencode(changed, errors="surrogateescape")

    def _field(self, name: str, value: str) -> str:
        if self.rules.is_secret(name):
            return self.swap(value)
        return self._json_text(value) if value.lstrip()[:1] in ("{", "[") else value

    def _json_text(self, text: str) -> str:
        try:
            value = json.loads(text)
            changed = self._json(value, False)
            made = text if changed == value else json.dumps(changed, ensure_ascii=False)
            return json.dumps(changed) if made is not text and _SURROGATE.search(made) else made
        except (ValueError, RecursionError):
            # SAFETY: what was cut, is broken or too deep may still show a secret's field.
            return _SAID.sub(self._said, text)

    def _json(self, value: Any, secret: bool) -> Any:
        if isinstance(value, dict):
            named = value.get("name", value.get("key"))
            told = isinstance(named, str) and self.rules.is_secret(named)
            return {
                k: self._json(v, secret or self.rules.is_secret(k) or (told and k == "value"))
                for k, v in value.items()
            }
        if isinstance(value, list):
            return [self._json(one, secret) for one in value]
        if not secret or value is None or isinstance(value, bool):
            return value
        return self.swap(value if isinstance(value, str) else json.dumps(value))

    def _page(self, text: str) -> str:
        text = self._parameters(text)
        short: set[str] = set()
        for one in handed(text):
            if one.kind == "link" or not one.value:
                continue
            if one.type == "password" or self.rules.is_secret(one.name):
                placeholder = self.swap(one.value)
                if len(one.value) < LONG and one.value not in short:
                    short.add(one.value)
                    if len(short) > MANY:
                        raise _TooMany
                    pattern = rf"(value=[\"']?){re.escape(html.escape(one.value))}(?=[\"'\s>])"
                    text = re.sub(pattern, rf"\g<1>{placeholder}", text)
        return text

    def _multipart(self, content_type: str, body: bytes) -> bytes:
        match = re.search(r'boundary\s*=\s*"?([^";,]+)"?', content_type, re.IGNORECASE)
        if match is None:
            return body
        mark = b"--" + match[1].strip().encode("latin-1")
        return mark.join(map(self._part, body.split(mark)))

    def _part(self, part: bytes) -> bytes:
        blank = _BLANK.search(part)
        if blank is None:
            return part
        head, content = part[: blank.start()], part[blank.end() :]
        name = _NAME.search(head)
        field = b"" if name is None else name[1] or name[2] or b""
        value = content.removesuffix(b"\n").removesuffix(b"\r")
        end = content[len(value) :]
        if _FILE.search(head):
            return part
        if self.rules.is_secret(field.decode("utf-8", "replace")):
            value = self.swap(value.decode("utf-8", "surrogateescape")).encode()
        else:
            kind = _KIND.search(head)
            value = self._body(None if kind is None else kind[1].decode("latin-1"), value)
        return part[: blank.end()] + value + end

    # -- everywhere else ------------------------------------------------------------------------

    def _everywhere(self, message: Any) -> Any:
        """Secrets that were found, and what the patterns match, wherever else they stand."""
        if isinstance(message, Ask):
            message = replace(
                message, path=self._text(message.path), query=self._text(message.query)
            )
        assert isinstance(message, Ask | Reply)
        headers = tuple((name, self._text(value)) for name, value in message.headers)
        text = message.body.decode("utf-8", "surrogateescape")
        body = self._text(text).encode("utf-8", "surrogateescape")
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
    quoted = quote_plus(value, errors="surrogateescape")
    return {value, quoted, html.escape(value), json.dumps(value)[1:-1]}


def _text_of_json(body: bytes) -> str | None:
    """JSON in UTF-16 or UTF-32, which parsers take as well."""
    coding = json.detect_encoding(body)
    if coding.startswith("utf-8"):
        return None
    try:
        return body.decode(coding)
    except UnicodeDecodeError:
        return None
