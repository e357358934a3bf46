"""Hooks, error handlers, signals and nested blueprints: the same calls in the same order.

CARBOY_FUZZ as in test_operations.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import itsdangerous
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .asking import Ask
from .flask_hooks import HookPlan, build, plans
from .wsgi_asking import PACKAGES, ask_engine, ask_wsgi, draws, plain, refusal


def paths(app: Any) -> list[str]:
    """A path for every rule, and some that fit none."""
    found = [
        rule.rule.replace("<int:n>", "3").replace("<x>", "word")
        for rule in app.url_map.iter_rules()
    ]
    return [*found, "/nowhere", found[0].replace("3", "three"), "/a/nowhere", f"{found[-1]}/"]


@pytest.fixture(autouse=True, scope="module")
def still() -> Iterator[None]:
    """Sessions are signed at one time, be it a second later."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(itsdangerous.TimestampSigner, "get_timestamp", lambda self: 1_700_000_000)
        yield


@draws(80)
@given(plans(), st.data())
def test_what_is_called_is_called_alike(plan: HookPlan, data: st.DataObject) -> None:
    apps = []
    for package in PACKAGES:
        try:
            apps.append(build(package, plan))
        except Exception as error:
            apps.append(refusal(error))
    theirs, ours = apps
    if isinstance(theirs, str) or isinstance(ours, str):
        assert ours == theirs
        return
    assert sorted(map(repr, ours.url_map.iter_rules())) == sorted(
        map(repr, theirs.url_map.iter_rules())
    )
    for _ in range(3):
        path = data.draw(st.sampled_from(paths(theirs)))
        method = data.draw(st.sampled_from(["GET", "GET", "GET", "POST", "OPTIONS", "HEAD"]))
        asked = Ask(method, path, path.encode(), data.draw(st.sampled_from([b"", b"a=1"])))
        expected = _taken(ask_wsgi, theirs, asked)
        assert _taken(ask_wsgi, ours, asked) == expected, asked
        answer, called = expected
        assert _taken(ask_engine, ours, asked) == (plain(answer, asked), called), asked


def _taken(ask: Any, app: Any, asked: Ask) -> tuple[Any, list[str]]:
    """The answer, and what was called for it."""
    app.called.clear()
    answer = ask(app, asked)
    return answer, list(app.called)
