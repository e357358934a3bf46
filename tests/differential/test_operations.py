"""Hypothesis makes operations and requests; both packages have to answer alike.

In `make test` a few hundred, always the same; CARBOY_FUZZ=5000 makes that many, always others.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any
from urllib.parse import quote

import fastapi
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import carboy.fastapi

from .applications import BODIES, FILES, SCALARS, SEQUENCES, Parameter, Plan, build
from .asking import Ask, ask

COUNT = int(os.environ.get("CARBOY_FUZZ", "0"))
TEXTS = st.sampled_from(
    ["1", "0", "-5", "9", "3.5", "1e3", "1e16", "nan", "inf", "true", "off", "yes", "a", "abc",
     "AB", "red", "blue", "2020-01-31", "2020-02-30", "2020-01-01T10:00:00", "2020-01-01T10:00:00Z",
     "10:30", "PT5M", "3 days", "12:34:56", "6f1c7a3e-6f0f-4c1c-8a0b-3b0e0f5b8f11", "", " ", " 1",
     "ä", "日本", "a b", "a+b", "a&b=c", "%", "null", "None", "[1]", "1,2", "12345678901234567890",
     "\x00", "\u2028", "'\"<>"]
)  # fmt: skip
NAMES = ("alpha", "beta_two", "gamma", "delta_x")


def parameters(sources: list[str], taken: str = "") -> st.SearchStrategy[tuple[Parameter, ...]]:
    """Up to three parameters of these sources."""

    @st.composite
    def one(draw: st.DrawFn, name: str) -> Parameter:
        source = draw(st.sampled_from(sources))
        kinds = list(SCALARS)
        if source in ("Query", "Header", "Form"):
            kinds += SEQUENCES
        if source == "Body":
            kinds = list(BODIES)
        if source == "File":
            kinds = list(FILES)
        return Parameter(
            name + taken,
            source,
            draw(st.sampled_from(kinds)),
            draw(st.sampled_from(["required", "none", "value"])),
            draw(st.sampled_from([None, None, None, "Other-Name" + taken])),
            draw(st.booleans()),
            source == "Body" and draw(st.booleans()),
        )

    return st.integers(0, 3).flatmap(lambda n: st.tuples(*[one(name) for name in NAMES[:n]]))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    body = draw(st.sampled_from([[], ["Body"], ["Form"], ["File", "Form"]]))
    own = draw(parameters(["Query", "Header", "Cookie", *body]))
    below = draw(parameters(["", "Query", "Header", "Cookie"], "_d"))
    path = "/x"
    if draw(st.booleans()):
        kind = draw(st.sampled_from(list(SCALARS)[:14]))
        own = (*own, Parameter("part", "", kind))
        path = draw(st.sampled_from(["/x/{part}", "/x/{part}/y", "/{part}"]))
    return Plan(
        draw(st.sampled_from(["POST", "PUT", "PATCH"]))
        if body
        else draw(st.sampled_from(["GET", "DELETE"])),
        path,
        own,
        below,
        draw(st.booleans()),
        status=draw(st.sampled_from([None, None, 201, 202])),
    )


JSONS: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([None, True, 1, 0, -3, 2.5, 1e16, "x", "red", "3", "2020-01-31", "", "cat"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["name", "cost", "price", "inner", "tags", "colour", "number", "when",
                         "kind", "lives", "good", "x", "y", "text", *NAMES, "Other-Name"]),
        inner,
        max_size=5,
    ),
    max_leaves=8,
)  # fmt: skip
FITTING: st.SearchStrategy[Any] = st.sampled_from(
    [
        {"name": "lamp", "cost": 3, "inner": {"number": "4"}, "tags": ["a"], "colour": "blue"},
        {"number": 3},
        {"number": "3"},
        {"kind": "cat"},
        {"kind": "dog", "good": "yes"},
        {"kind": "cow"},
        {"x": 1, "y": "2.5"},
        [{"number": 1, "when": "2020-01-31"}],
        {"a": 1, "b": "2"},
        7,
    ]
)


@st.composite
def requests(draw: st.DrawFn, plan: Plan) -> Ask:
    query, headers, cookies, form, body = [], [], [], [], {}
    for one in (*plan.parameters, *plan.dependency):
        name = one.alias or one.name
        for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2]))):
            text = draw(TEXTS)
            if one.source in ("Query", ""):
                query.append(f"{quote(name)}={quote(text, safe='')}")
            elif one.source == "Header":
                shown = name.replace("_", "-") if one.alias is None else name
                headers.append((shown.lower().encode(), text.encode("utf-8").strip()))
            elif one.source == "Cookie":
                cookies.append(f"{name}={quote(text)}")
            elif one.source in ("Form", "File"):
                is_file = draw(st.booleans()) if one.source == "File" else False
                form.append((name, text, is_file))
            else:
                body[name] = draw(FITTING | JSONS)
    if cookies:
        headers.append((b"cookie", "; ".join(cookies).encode()))
    content = b""
    if plan.method in ("POST", "PUT", "PATCH"):
        content, kind = _content(draw, plan, form, body)
        if kind:
            headers.append((b"content-type", kind))
        headers.append((b"content-length", str(len(content)).encode()))
    part = draw(TEXTS.filter(bool))
    path = re.sub(r"\{part\}", lambda _: part, plan.path)
    raw = quote(path).encode()
    method = draw(st.sampled_from([plan.method] * 8 + ["HEAD", "OPTIONS", "GET", "POST"]))
    extra = draw(st.sampled_from(["", "", "", "", "/"]))
    joined = draw(st.sampled_from(["&"] * 6 + [";", "&&"])).join(query)
    return Ask(method, path + extra, raw + extra.encode(), joined.encode(), tuple(headers), content)


def _content(
    draw: st.DrawFn, plan: Plan, form: list[tuple[str, str, bool]], body: dict[str, Any]
) -> tuple[bytes, bytes]:
    if any(one.source == "File" for one in plan.parameters):
        return _multipart(draw, form), b"multipart/form-data; boundary=limit"
    if any(one.source == "Form" for one in plan.parameters):
        kind = draw(
            st.sampled_from([b"application/x-www-form-urlencoded"] * 5 + [b"", b"text/plain"])
        )
        pairs = [f"{quote(name)}={quote(text, safe='')}" for name, text, _ in form]
        return "&".join(pairs).encode(), kind
    kind = draw(
        st.sampled_from([b"application/json"] * 8 + [b"", b"text/plain", b"application/vnd.x+json",
                                                     b"application/json; charset=utf-8"])
    )  # fmt: skip
    alone: Any = next(iter(body.values()), None)
    value = draw(st.sampled_from([body, alone])) if body else draw(FITTING | JSONS)
    text = json.dumps(value)
    broken = draw(st.sampled_from([""] * 8 + ["}", "NaN", "{", "\ufeff", "//"]))
    return (text + broken).encode() if draw(st.booleans()) else text.encode(), kind


def _multipart(draw: st.DrawFn, form: list[tuple[str, str, bool]]) -> bytes:
    """Parts as browsers write them; seldom something that is none."""
    lines = []
    for name, text, is_file in form:
        shown = f'Content-Disposition: form-data; name="{name}"'
        if is_file:
            shown += f'; filename="{draw(st.sampled_from(["a.txt", "ä.bin", "", "x y"]))}"'
        lines += ["--limit", shown]
        if draw(st.booleans()):
            lines.append(f"Content-Type: {draw(st.sampled_from(['text/plain', 'image/png']))}")
        lines += ["", text * draw(st.sampled_from([1, 1, 1, 1000]))]
    lines.append(draw(st.sampled_from(["--limit--"] * 8 + ["--limit", "rubbish"])))
    return "\r\n".join(lines).encode() + b"\r\n"


def _built(package: Any, plan: Plan) -> Any:
    try:
        app = build(package, plan)
        return app, app.openapi()
    except Exception as error:
        return None, (type(error).__name__, str(error).splitlines()[:1])


@settings(
    max_examples=COUNT or 250,
    deadline=None,
    derandomize=not COUNT,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.data())
def test_operations_answer_alike(data: st.DataObject) -> None:
    plan = data.draw(plans())
    (theirs, their_document), (ours, our_document) = (
        _built(package, plan) for package in (fastapi, carboy.fastapi)
    )
    if theirs is None or ours is None:
        assert (theirs is None) == (ours is None), (their_document, our_document)
        assert their_document[0] == our_document[0]
        return
    assert json.dumps(our_document) == json.dumps(their_document)
    for _ in range(4):
        request = data.draw(requests(plan))
        assert ask(ours, request) == ask(theirs, request), request
