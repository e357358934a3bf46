"""No secret gets into a record, and a record can be replayed all the same."""

from __future__ import annotations

import json
import re
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carboy.migrate.proof.exchange import Ask, Exchange, Reply, line_of
from carboy.migrate.proof.redaction import PLACEHOLDER, Redaction

RULES = Redaction(b"key")
SECRET = "s3cret-Value/+1"
QUERY = urlencode({"token": SECRET})
FORM = (("content-type", "application/x-www-form-urlencoded"),)
JSON = (("content-type", "application/json"),)
TEXT, XML = (("content-type", "text/plain"),), (("content-type", "application/soap+xml"),)
EVENTS = (("content-type", "text/event-stream"),)
HTML = (("content-type", "text/html; charset=utf-8"),)


def redacted(
    ask: Ask | None = None, reply: Reply | None = None, rules: Redaction = RULES
) -> Exchange:
    return rules.redact(Exchange(ask or Ask("GET", "/"), reply or Reply(200)))


@pytest.mark.parametrize(
    "name",
    [
        *("password", "Password", "user_password", "userPassword", "password2", "new-password"),
        *(
            "token",
            "access_token",
            "accessToken",
            "csrf_token",
            "X-CSRF-Token",
            "csrfmiddlewaretoken",
        ),
        *(
            "api_key",
            "apiKey",
            "APIKey",
            "client_secret",
            "clientSecret",
            "card[number]",
            "cvv",
            "otp",
        ),
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert RULES.is_secret(name)


@pytest.mark.parametrize(
    "name", ["name", "title", "tokens_used", "pinned", "keyboard", "token_type", "spin", "author"]
)
def test_names_of_what_is_none(name: str) -> None:
    assert not RULES.is_secret(name)


#: Every place a secret may stand in: the request, or the answer.
PLACES = {
    "authorization": Ask("GET", "/", headers=(("authorization", f"Bearer {SECRET}"),)),
    "scheme alone": Ask("GET", "/", headers=(("authorization", SECRET),)),
    "cookie": Ask("GET", "/", headers=(("cookie", f"a=1; session={SECRET}; b=2"),)),
    "quoted cookie": Ask("GET", "/", headers=(("cookie", f'session="{SECRET}"'),)),
    "api key": Ask("GET", "/", headers=(("x-api-key", SECRET),)),
    "referer": Ask("GET", "/", headers=(("referer", f"http://a/?{QUERY}"),)),
    "query": Ask("GET", "/", urlencode({"q": 1, "token": SECRET})),
    "path": Ask("POST", f"/reset/{SECRET}", "", FORM, urlencode({"token": SECRET}).encode()),
    "form": Ask("POST", "/", "", FORM, urlencode({"a": 1, "password": SECRET}).encode()),
    "json": Ask("POST", "/", "", JSON, json.dumps({"user": [{"password": SECRET}]}).encode()),
    "json below": Ask("POST", "/", "", JSON, json.dumps({"secret": {"a": [SECRET]}}).encode()),
    "broken json": Ask("POST", "/", "", JSON, b'{"password": "%b", "x' % SECRET.encode()),
    "cut json": Ask("POST", "/", "", JSON, b'{"password": "%b' % SECRET.encode()),
    "multipart": Ask(
        "POST",
        "/",
        "",
        (("content-type", "multipart/form-data; boundary=xyz"),),
        b'--xyz\r\nContent-Disposition: form-data; name="password"\r\n\r\n%b\r\n--xyz--\r\n'
        % SECRET.encode(),
    ),
    "json by another name": Ask("POST", "/", "", TEXT, json.dumps({"token": SECRET}).encode()),
    "json by no name": Ask("POST", "/", "", (), json.dumps([{"token": SECRET}]).encode()),
    "xml": Ask("POST", "/", "", XML, f"<a:login><a:password t='1'>{SECRET}</a:password>".encode()),
    "set-cookie": Reply(200, (("set-cookie", f"session={SECRET}; Path=/; HttpOnly"),)),
    "location": Reply(302, (("location", f"/next?{QUERY}"),)),
    "json answer": Reply(200, JSON, json.dumps({"access_token": SECRET}).encode()),
    "hidden input": Reply(
        200, HTML, f'<input type=hidden name="csrf_token" value="{SECRET}">'.encode()
    ),
    "password input": Reply(200, HTML, f'<input type=password name=p value="{SECRET}">'.encode()),
    "meta": Reply(200, HTML, f'<meta name="csrf-token" content="{SECRET}">'.encode()),
    "link": Reply(200, HTML, f'<a href="/x?a=1&amp;{QUERY}">'.encode()),
    "cookie without a name": Ask("GET", "/", headers=(("cookie", SECRET),)),
    "fragment": Reply(302, (("location", f"https://a/#access_{QUERY}&state=1"),)),
    "json in a form": Ask("POST", "/", "", FORM, urlencode({"a": f'{{"pw":"{SECRET}"}}'}).encode()),
    "json in a query": Ask("GET", "/", urlencode({"a": f'[{{"token":"{SECRET}"}}]'})),
    "name and value": Ask(
        "POST", "/", "", JSON, b'[{"name":"otp","value":"%b"}]' % SECRET.encode()
    ),
    "form by no name": Ask(
        "POST", "/", "", (), (urlencode({"password": SECRET}) + "&a=b").encode()
    ),
    "events": Reply(200, EVENTS, f'data: {{"token": "{SECRET}"}}\n\n'.encode()),
    "script": Reply(200, HTML, f"<script>x = {{csrfToken: '{SECRET}'}}</script>".encode()),
    "xml attribute": Ask("POST", "/", "", XML, f'<login pw="{SECRET}"/>'.encode()),
    "token in a script": Reply(
        200,
        HTML,
        f'<input name="csrf_token" value="{SECRET}"><script>t = "{SECRET}"</script>'.encode(),
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_is_nowhere_in_the_line(place: str) -> None:
    message = PLACES[place]
    exchange = redacted(message) if isinstance(message, Ask) else redacted(reply=message)
    line = line_of(exchange)
    for form in (SECRET, json.dumps(SECRET)[1:-1], urlencode({"": SECRET})[1:]):
        assert form.encode() not in line
    assert PLACEHOLDER.search(line.decode())


@pytest.mark.parametrize(
    "name",
    [
        *("x-gitlab-token", "api-key", "x-hub-signature-256", "x-session-id", "private-token"),
        *("x-vault-token", "cf-access-jwt-assertion", "x-goog-api-key", "auth"),
    ],
)
def test_headers_are_told_by_their_names(name: str) -> None:
    ask, reply = Ask("GET", "/", headers=((name, SECRET),)), Reply(200, ((name, SECRET),))
    assert SECRET.encode() not in line_of(redacted(ask, reply))


def test_what_headers_allow_is_no_secret() -> None:
    headers = (("access-control-allow-credentials", "true"), ("www-authenticate", "Basic realm=a"))
    assert redacted(reply=Reply(401, headers)).reply.headers == headers


def test_a_cookie_that_is_kept_keeps_no_other() -> None:
    rules = Redaction(b"key", keep=frozenset({"theme"}))
    ask = Ask("GET", "/", headers=(("cookie", f"theme=dark;session={SECRET}"),))
    found = redacted(ask, rules=rules).ask.header("cookie")
    assert found == f"theme=dark;session={rules.placeholder(SECRET)}"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (JSON, f'{{"password":"{SECRET}","text":"\u00e9'.encode()[:-1]),
        (JSON, f'{{"password":"{SECRET}","text":"\u00e9"}}'.encode("latin-1")),
        (JSON, f'{{"password":"{SECRET}"}}'.encode("utf-16")),
        (JSON, f'{{"password":"{SECRET}"}}'.encode("utf-16-le")),
        (FORM, f"password={SECRET}&text=\u00e9".encode("latin-1")),
        (TEXT, f"a \u00e9 ?token={SECRET}".encode("latin-1")),
        ((), f'{{"password":"{SECRET}","text":"\u00e9"}}'.encode("latin-1")),
        (JSON, b'{"a":' * 100_000 + f'{{"password":"{SECRET}"'.encode()),
    ],
)
def test_a_body_that_is_no_utf_8_or_was_cut_has_none(
    headers: tuple[tuple[str, str], ...], body: bytes
) -> None:
    """As when the limit falls into a character."""
    found = redacted(Ask("POST", "/", "", headers, body, True)).ask.body
    assert SECRET.encode() not in found.replace(b"\0", b"")
    assert PLACEHOLDER.search(found.replace(b"\0", b"").decode("latin-1"))


@pytest.mark.parametrize(
    "part",
    [
        'Content-Disposition: form-data; name="password"\r\n\r\n{}\r\n',
        "Content-Disposition: form-data; name=password\r\n\r\n{}\r\n",
        'Content-Disposition: form-data; Name = "password"\r\n\r\n{}\r\n',
        'Content-Disposition: form-data; name="password"\n\n{}\n',
        'Content-Disposition: form-data; name="password"; filename=""\r\n\r\n{}\r\n',
        'Content-Disposition: form-data; name="a"\r\n\r\n{{"password": "{}"}}\r\n',
    ],
)
@pytest.mark.parametrize(
    "kind", ["form-data; boundary=b", "form-data; Boundary=b", "mixed; boundary=b"]
)
def test_parts_are_read_as_servers_read_them(part: str, kind: str) -> None:
    secret = "s3cret-Value"
    body = f"--b\r\n{part.format(secret)}--b--\r\n".encode()
    ask = Ask("POST", "/", "", (("content-type", f"multipart/{kind}"),), body)
    found = redacted(ask).ask.body
    assert found == body.replace(secret.encode(), RULES.placeholder(secret).encode())


def test_more_secrets_than_can_be_looked_for_take_the_bodies_along() -> None:
    """A client may send as many as it likes, and requests wait for this."""
    tokens = [f"a-token-{number}" for number in range(20_000)]
    ask = Ask("POST", "/", "", (*JSON, ("x-token", SECRET)), json.dumps({"token": tokens}).encode())
    found = redacted(ask, Reply(200, JSON, json.dumps({"echo": tokens}).encode()))
    assert found.ask.cut and found.reply.cut
    line = line_of(found)
    assert b"a-token-" not in line
    assert SECRET.encode() not in line


def test_one_value_has_one_placeholder_everywhere() -> None:
    """So a token that was issued is seen to be the one that is brought."""
    found = set()
    for message in PLACES.values():
        exchange = redacted(message) if isinstance(message, Ask) else redacted(reply=message)
        found |= set(PLACEHOLDER.findall(line_of(exchange).decode()))
    one = RULES.placeholder(SECRET)
    assert one in found
    assert found - {one} <= {RULES.placeholder("1"), RULES.placeholder("2")}  # cookies a and b


def test_keys_make_placeholders_of_their_own() -> None:
    assert RULES.placeholder(SECRET) != Redaction(b"other").placeholder(SECRET)


def test_what_is_no_secret_stays_to_the_letter() -> None:
    body = b'{"b":1, "a" : [true,null,"x"], "token_type": "bearer"}'
    ask = Ask("POST", "/p%20q", "b=%20&a", (*JSON, ("accept", "*/*")), body)
    reply = Reply(200, (*HTML, ("vary", "Cookie")), b"<p>a &amp; b</p>")
    assert redacted(ask, reply) == Exchange(ask, reply)


def test_files_of_a_form_stay() -> None:
    head = b'Content-Disposition: form-data; name="secret"; filename="a"'
    body = b"--b\r\n%b\r\n\r\nfile\r\n--b--\r\n" % head
    ask = Ask("POST", "/", "", (("content-type", 'multipart/form-data; boundary="b"'),), body)
    assert redacted(ask).ask.body == body


def test_who_records_decides() -> None:
    rules = Redaction(
        b"key", frozenset({"nick", "x-tenant"}), frozenset({"password"}), (re.compile(r"\d{16}"),)
    )
    body = urlencode({"password": "known", "nick": "ada l.", "note": "card 4111111111111111"})
    ask = Ask("POST", "/", "", (*FORM, ("x-tenant", "acme corp")), body.encode())
    line = line_of(redacted(ask, rules=rules)).decode()
    assert "known" in line
    for secret in ("ada", "acme", "4111"):
        assert secret not in line


@given(st.text(min_size=8, max_size=30))
def test_any_password_of_a_form_is_gone(password: str) -> None:
    encoded = urlencode({"password": password}, errors="replace")
    ask = Ask("POST", "/", "", FORM, encoded.encode())
    body = redacted(ask).ask.body.decode()
    assert PLACEHOLDER.fullmatch(body.removeprefix("password="))


@given(st.binary(max_size=200), st.sampled_from([FORM, JSON, HTML, ()]))
def test_any_bytes_may_come(body: bytes, headers: tuple[tuple[str, str], ...]) -> None:
    once = redacted(Ask("POST", "/", "", headers, body), Reply(200, headers, body))
    assert RULES.redact(once) == once
