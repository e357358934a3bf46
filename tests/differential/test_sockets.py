"""What only servers show: WebSockets' messages, and answers as they leave a real socket.

FastAPI is served by uvicorn's own protocol, Carboy by ours. CARBOY_FUZZ as in test_operations.py.
"""

from __future__ import annotations

from typing import Any

import fastapi
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from server.living import running

import carboy.fastapi

from .applications import SCALARS, Parameter, Plan, build
from .asking import Ask, converse, over_socket
from .test_operations import COUNT, _built, parameters, plans, requests

OPTIONS: dict[str, Any] = {
    "deadline": None,
    "derandomize": not COUNT,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}


@st.composite
def conversations(draw: st.DrawFn) -> Plan:
    own = draw(parameters(["Query", "Header", "Cookie"]))
    below = draw(parameters(["", "Query", "Header", "Cookie"], "_d"))
    path = "/x"
    if draw(st.booleans()):
        own = (*own, Parameter("part", "", draw(st.sampled_from(list(SCALARS)[:14]))))
        path = "/x/{part}"
    return Plan("WEBSOCKET", path, own, below, is_async=False)


@settings(max_examples=COUNT or 150, **OPTIONS)
@given(st.data())
def test_websockets_talk_alike(data: st.DataObject) -> None:
    plan = data.draw(conversations())
    theirs, ours = (_made(package, plan) for package in (fastapi, carboy.fastapi))
    if isinstance(theirs, str) or isinstance(ours, str):
        assert ours == theirs
        return
    for _ in range(3):
        request = data.draw(requests(plan))
        told = data.draw(st.lists(st.sampled_from(["hello", "ä", "", "close", "error"])))
        assert converse(ours, request, told) == converse(theirs, request, told), (request, told)


def _made(package: Any, plan: Plan) -> Any:
    try:
        return build(package, plan)
    except Exception as error:
        return type(error).__name__


@settings(max_examples=COUNT // 20 or 40, **OPTIONS)
@given(st.data())
def test_answers_leave_sockets_alike(data: st.DataObject) -> None:
    plan = data.draw(plans())
    (theirs, _), (ours, _) = (_built(package, plan) for package in (fastapi, carboy.fastapi))
    assume(theirs is not None and ours is not None)
    asked = [data.draw(requests(plan)) for _ in range(6)]
    with running(theirs, http="httptools") as their, running(ours) as our:
        for request in filter(_is_http, asked):
            found = over_socket(our.address, request)
            assert found == over_socket(their.address, request), request


def _is_http(request: Ask) -> bool:
    """Whether a server may take it: what is no HTTP is not compared, but refused by either."""
    return all(byte >= 32 for _, value in request.headers for byte in value)
