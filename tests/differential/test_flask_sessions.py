"""Sessions and flashed messages over several requests: the same cookies to the byte.

Every cookie is also read by the other package: who is logged in stays logged in.
CARBOY_FUZZ as in test_operations.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from werkzeug.http import parse_cookie

from .asking import Ask
from .wsgi_asking import PACKAGES, ask_wsgi, draws, same

VALUES: list[Any] = [
    1, "ä", None, True, 1.5, b"\xff", (1, "a"), [1, (2,)], {"a": (1,)}, uuid.UUID(int=5), {" t": 1},
    Markup("<b>"), datetime(2020, 1, 31, 5, 6, 7, tzinfo=UTC), {" b": "YQ=="}, "", "x" * 300, {},
    [], object(), {1: 2}, "\x00", 10**30,
]  # fmt: skip
CONFIGS: list[dict[str, Any]] = [
    {}, {}, {}, {"SESSION_COOKIE_NAME": "own"}, {"SESSION_COOKIE_SECURE": True},
    {"SESSION_COOKIE_SAMESITE": "Strict", "SESSION_COOKIE_HTTPONLY": False},
    {"SESSION_COOKIE_DOMAIN": "sub.test", "SESSION_COOKIE_PATH": "/below"},
    {"SESSION_COOKIE_PARTITIONED": True, "SESSION_COOKIE_SECURE": True},
    {"APPLICATION_ROOT": "/root"}, {"SESSION_REFRESH_EACH_REQUEST": False}, {"SECRET_KEY": None},
    {"PERMANENT_SESSION_LIFETIME": timedelta(minutes=5)}, {"PERMANENT_SESSION_LIFETIME": 60},
    {"SECRET_KEY": b"bytes", "SECRET_KEY_FALLBACKS": ["old", "secret"]}, {"MAX_COOKIE_SIZE": 50},
    {"SERVER_NAME": "test", "SESSION_COOKIE_DOMAIN": None}, {"SESSION_COOKIE_SAMESITE": "wrong"},
]  # fmt: skip

Step = tuple[Any, ...]
KEYS = st.sampled_from(["a", "b", "_permanent", "_flashes", ""])
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("set"), KEYS, st.sampled_from(VALUES)),
    st.tuples(st.sampled_from(["get", "pop", "del", "in"]), KEYS),
    st.tuples(st.sampled_from(["clear", "modified", "unmodified", "len", "state", "permanent"])),
    st.tuples(st.sampled_from(["temporary", "setdefault", "update", "nested", "copy"])),
    st.tuples(st.just("flash"), st.sampled_from(["hello", Markup("<i>"), "ä"]),
              st.sampled_from(["message", "error"])),
    st.tuples(st.just("flashed"), st.booleans(), st.sampled_from([(), ("error",), ["message"]])),
    st.tuples(st.sampled_from(["fail", "abort", "vary", "own cookie"])),
)  # fmt: skip


def build(package: ModuleType, config: dict[str, Any], requests: list[list[Step]]) -> Any:
    """An application that takes the steps of request number ``/<int:number>``."""
    app = package.Flask("differential", static_folder=None)
    app.logger.disabled = True
    app.config["SECRET_KEY"] = "secret"
    app.config.update(config)

    @app.route("/<int:number>")
    def view(number: int) -> Any:
        response = package.make_response("")
        found = [_take(package, step, response) for step in requests[number]]
        response.set_data(repr(found))
        return response

    return app


def _take(package: ModuleType, step: Step, response: Any) -> Any:
    name, *given = step
    if name in ("modified", "unmodified"):
        package.session.modified = name == "modified"
        return None
    if name in ("permanent", "temporary"):
        package.session.permanent = name == "permanent"
        return None
    return ACTS[name](package, response, *given)


def _set(p: Any, r: Any, key: str, value: Any) -> None:
    p.session[key] = deepcopy(value)


def _state(p: Any, r: Any) -> list[Any]:
    session = p.session
    return [session.new, session.modified, session.accessed, session.permanent]


#: What can be done, given the package and the response.
ACTS: dict[str, Callable[..., Any]] = {
    "set": _set,
    "get": lambda p, r, key: p.session.get(key),
    "pop": lambda p, r, key: p.session.pop(key, None),
    "del": lambda p, r, key: p.session.__delitem__(key),
    "in": lambda p, r, key: key in p.session,
    "clear": lambda p, r: p.session.clear(),
    "len": lambda p, r: [len(p.session), sorted(p.session), bool(p.session)],
    "state": _state,
    "setdefault": lambda p, r: p.session.setdefault("b", []),
    "update": lambda p, r: p.session.update({"b": {"x": []}}, a=2),
    "nested": lambda p, r: p.session.setdefault("b", {}).__setitem__("x", 1),
    "copy": lambda p, r: dict(p.session),
    "flash": lambda p, r, *given: p.flash(*given),
    "flashed": lambda p, r, *given: p.get_flashed_messages(*given),
    "fail": lambda p, r: 1 // 0,
    "abort": lambda p, r: p.abort(403),
    "vary": lambda p, r: r.vary.add("Accept"),
    "own cookie": lambda p, r: r.set_cookie("session", "mine"),
}


def _kept(answer: Any, cookies: dict[str, str]) -> dict[str, str]:
    """What a client has after an answer; attributes are not its business here."""
    kept = dict(cookies)
    if isinstance(answer, str):
        return kept
    for name, value in answer[1]:
        if name == b"Set-Cookie":
            pair = value.decode("latin-1").partition(";")[0]
            kept.update(parse_cookie(pair))
    return {name: value for name, value in kept.items() if value}


@draws(80)
@given(
    st.sampled_from(CONFIGS),
    st.lists(st.lists(STEPS, max_size=4), min_size=1, max_size=4),
    st.sampled_from(["", "", "", "garbage", "eyJhIjoxfQ.ZVPw.x"]),
)
@pytest.mark.filterwarnings("ignore:The 'session' cookie is too large:UserWarning")
def test_sessions_are_kept_alike(
    config: dict[str, Any], requests: list[list[Step]], first: str
) -> None:
    theirs, ours = (build(package, config, requests) for package in PACKAGES)
    cookies = {theirs.config["SESSION_COOKIE_NAME"]: first} if first else {}
    for number in range(len(requests)):
        path = f"/{number}".encode()
        headers = [(b"cookie", f"{name}={value}".encode()) for name, value in cookies.items()]
        asked = Ask("GET", path.decode(), path, b"", tuple(headers[:1]))
        same(ours, theirs, asked)
        cookies = _kept(ask_wsgi(theirs, asked), cookies)
