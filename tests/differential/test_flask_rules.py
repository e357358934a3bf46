"""Hypothesis makes rules and asks for paths and URLs: both packages have to answer alike.

In `make test` a few hundred, always the same; CARBOY_FUZZ=5000 makes that many, always others.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .asking import Ask
from .flask_rules import METHODS, TEXTS, VALUES, AppPlan, build, rules
from .wsgi_asking import PACKAGES, draws, refusal, same

pytestmark = pytest.mark.filterwarnings("ignore:Current server name:UserWarning")


@st.composite
def plans(draw: st.DrawFn) -> AppPlan:
    hosts = draw(st.sampled_from(["", "", "", "subdomain", "host"]))
    arguments: dict[str, Any] = {}
    config: dict[str, Any] = {}
    if hosts == "host":
        arguments["host_matching"] = True
    elif hosts:
        arguments["subdomain_matching"] = draw(st.booleans())
        config["SERVER_NAME"] = draw(st.sampled_from(["test", "test:81", "else.test"]))
    seldom = {
        "strict_slashes": False,
        "merge_slashes": False,
        "redirect_defaults": False,
        "sort_parameters": True,
        "default_subdomain": "a",
    }
    url_map = {name: seldom[name] for name in seldom if draw(st.integers(0, 8)) == 0}
    made = draw(st.lists(rules(hosts), min_size=1, max_size=6))
    return AppPlan(tuple(made), arguments, config, url_map)


#: What is done to a path that would fit.
CHANGES: list[tuple[str, ...]] = [
    *[()] * 6, ("end",), ("double",), ("strip",), ("start",), ("extra",), ("end", "double"),
]  # fmt: skip
URL_OPTIONS: list[dict[str, Any]] = [
    *[{}] * 5, {"_external": True}, {"_scheme": "https"}, {"_anchor": "ä b#"}, {"_external": False},
    {"_method": "POST"}, {"_scheme": "https", "_external": False}, {"_method": "GET"},
]  # fmt: skip


@st.composite
def requests(draw: st.DrawFn, plan: AppPlan) -> Ask:
    """A request for a path that is likely to fit a rule, or nearly."""
    text = draw(st.sampled_from(plan.rules)).text
    path = re.sub(r"<[^>]*>", lambda _: draw(st.sampled_from(TEXTS)), text)
    for change in draw(st.sampled_from(CHANGES)):
        if change == "end":
            path = path[:-1] if path.endswith("/") else path + "/"
        elif change == "double":
            path = path.replace("/", "//", draw(st.sampled_from([1, -1])))
        elif change == "start":
            path = "//" + path
        elif change == "extra":
            path += draw(st.sampled_from(TEXTS))
        else:
            path = path.strip("/")
    raw = quote(path, safe=draw(st.sampled_from(["/", "/:@!$&'()*+,;=", "/%"])))
    raw += draw(st.sampled_from([""] * 20 + ["%ff", "%C3", "%2F", "%2f/"]))
    query = draw(st.sampled_from([b"", b"", b"a=1", b"a=1&a=%C3%A4&b", b"?", b"a=%ff+b"]))
    host = draw(
        st.sampled_from(
            [b"test"] * 4 + [b"a.test", b"7.test", b"a.b.test", b"b.test:81", b"A.Test", b"TEST:80",
                             b"else.test", b"a.else.test", "ä.test".encode("idna")]
        )
    )  # fmt: skip
    return Ask(
        draw(st.sampled_from(["GET"] * 5 + METHODS)),
        path,
        raw.encode(),
        query,
        ((b"host", host),),
    )


def built(plan: AppPlan) -> list[Any]:
    """The application with each package, or what is wrong with it."""
    found = []
    for package in PACKAGES:
        try:
            found.append(build(package, plan))
        except Exception as error:
            found.append(refusal(error))
    return found


@draws(60)
@given(st.data())
def test_rules_match_alike(data: st.DataObject) -> None:
    plan = data.draw(plans())
    theirs, ours = built(plan)
    if isinstance(theirs, str) or isinstance(ours, str):
        assert ours == theirs
        return
    for _ in range(6):
        request = data.draw(requests(plan))
        same(ours, theirs, request)


@draws(60)
@given(st.data())
def test_urls_are_built_alike(data: st.DataObject) -> None:
    plan = data.draw(plans())
    theirs, ours = built(plan)
    if isinstance(theirs, str) or isinstance(ours, str):
        assert ours == theirs
        return
    for _ in range(6):
        endpoint = data.draw(st.sampled_from(["e0", "e1", "e2", ".e0", "none"]))
        names = st.sampled_from(["n", "m", "k", "sub", "num", "z", "q"])
        values = data.draw(st.dictionaries(names, st.sampled_from(VALUES), max_size=4))
        options = data.draw(st.sampled_from(URL_OPTIONS))
        base = data.draw(st.sampled_from(["http://test", "https://a.test/root", None]))
        asked = (endpoint, values, options, base)
        flask, carboy = PACKAGES
        assert _url(ours, carboy, *asked) == _url(theirs, flask, *asked), asked


def _url(app: Any, package: Any, endpoint: str, values: Any, options: Any, base: Any) -> str:
    context = app.app_context() if base is None else app.test_request_context("/", base)
    try:
        with context:
            made: str = package.url_for(endpoint, **values, **options)
            return made
    except Exception as error:
        return type(error).__name__
