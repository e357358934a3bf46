"""What a process knows of its serving, in numbers, for those who ask: metrics and `--stats`.

Nothing is counted for it while requests are served: what is here is read from what the server has
anyway. `numbers` may be asked from any thread. Whoever wants to look regularly is called once a
second, on the loop of the direct protocol (`every_second`), and held by a weak reference.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from carboy.server.pool import Pool, pools

if TYPE_CHECKING:
    from carboy.server.shared import Shared

_SERVERS: dict[asyncio.AbstractEventLoop, Shared] = {}
_LOOKS: list[weakref.WeakMethod[Callable[[float], None]]] = []


class PoolNumbers(NamedTuple):
    """Threads, work that waits for one, and how much was refused since the start."""

    threads: int = 0
    waiting: int = 0
    refused: int = 0

    def __add__(self, other: tuple[int, ...]) -> PoolNumbers:  # type: ignore[override]
        return PoolNumbers(*(mine + its for mine, its in zip(self, other, strict=True)))


class Numbers(NamedTuple):
    """One process. Without a server of the direct protocol only `handlers` says something."""

    #: Connections that are open, WebSockets among them; those of which a request is being answered.
    connections: int
    in_flight: int
    #: Requests answered since the start.
    requests: int
    #: Seconds by which the event loop is, or was last, late.
    lag: float
    handlers: PoolNumbers
    files: PoolNumbers


def numbers() -> Numbers:
    """How it stands now; the sum where a process has several servers."""
    from carboy.server.flow import STALLED

    serving_now = servers()
    connections = [each for one in serving_now for each in list(one.state.connections)]
    serving = [getattr(each, "serving", None) for each in connections]
    return Numbers(
        connections=len(connections),
        in_flight=sum(one is not None and one is not STALLED for one in serving),
        requests=sum(one.state.total_requests for one in serving_now),
        lag=max((_lag(one) for one in serving_now), default=0.0),
        handlers=_sum(pools()),
        files=_sum([one.files for one in serving_now]),
    )


def servers() -> list[Shared]:
    """What serves by the direct protocol in this process, once somebody has connected."""
    return [one for loop, one in list(_SERVERS.items()) if not loop.is_closed()]


def _sum(found: list[Pool]) -> PoolNumbers:
    total = PoolNumbers()
    for pool in found:
        total += PoolNumbers(pool.size, pool.waiting, pool.refused)
    return total


def _lag(server: Shared) -> float:
    due = server.due
    return server.lag if due is None else max(server.lag, monotonic() - due)


def serves(server: Shared) -> None:
    """`server` counts from now on, until its loop is closed."""
    for loop in [one for one in _SERVERS if one.is_closed()]:
        del _SERVERS[loop]
    _SERVERS[server.loop] = server


def every_second(look: Callable[[float], None]) -> None:
    """Have the method `look` called about once a second with the loop's lag in seconds.

    Only where the direct protocol serves, and only while somebody is connected: so the last call
    sees that nobody is any more.
    """
    _LOOKS.append(weakref.WeakMethod(look))


def tell(lag: float) -> None:
    """A server looks around, so much later than it wanted to."""
    for reference in _LOOKS[:]:
        if (call := reference()) is None:
            _LOOKS.remove(reference)
        else:
            call(lag)
