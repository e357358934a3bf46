"""Clients that are slow: in sending a head, in sending a body, in reading an answer.

`look` is called for each connection once a second by the sweeper (server/shared.py), so that no
request pays for a timer; times are whole seconds, kept to within one. What a client sends by drops
does not start its time again: a head has its time as a whole, a body has to keep a rate.
SAFETY: L4. Whoever holds a connection without getting on with it is sent away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from carboy.core.errors import BodyTooSlow
from carboy.server.settings import whole_numbers

if TYPE_CHECKING:
    from carboy.server.direct import Connection

#: Seconds over which a body's rate is taken.
WINDOW = 10


class Times(NamedTuple):
    """What a client is allowed; 0 switches one off. `from_environment` reads CARBOY_<NAME>."""

    #: Seconds from the first byte of a request's head to its last; 408.
    timeout_head: int = 10
    #: Bytes a second of a request body, over each ten seconds in which it is waited for; 408.
    min_body_rate: int = 1024
    #: Seconds in which a client has to take something of an answer that waits for it.
    timeout_send: int = 60
    #: Requests on one connection, the last of which closes it.
    keep_alive_requests: int = 10_000

    @classmethod
    def from_environment(cls) -> Times:
        """The settings of this process; ValueError says which one is no number."""
        return cls(**whole_numbers(cls._field_defaults, "a whole number, 0 for no limit"))


class Pace(NamedTuple):
    """How far a client had got, and when."""

    #: The head, the body or the answer that is waited for.
    what: Any
    tick: int
    amount: int


def look(connection: Connection) -> None:
    """Send the client of `connection` away if it is too slow; idle ones too."""
    shared = connection.shared
    serving, reading, tick = connection.serving, connection.reading, shared.tick
    if serving is not None and type(connection.armed) is int and tick >= connection.armed:
        connection.expire(serving)
    elif connection.paused:
        _look_at_answer(connection, tick)
    elif reading is not None:
        # The body of a request that waits for its turn is not hurried: its client was not told.
        if serving is None or serving is reading:
            _look_at_body(connection, tick)
    elif serving is None:
        if connection.url is not None:
            _look_at_head(connection, tick)
        elif connection.idle_since < tick - shared.keep_alive:
            connection.transport.close()


def _look_at_head(connection: Connection, tick: int) -> None:
    pace, seconds = connection.pace, connection.shared.times.timeout_head
    if pace is None or pace.what is not connection.headers:
        connection.pace = Pace(connection.headers, tick, 0)
    elif seconds and tick - pace.tick >= seconds:
        connection.pace = None
        connection.refuse(408, f"The request's head did not arrive within {seconds} seconds")


def _look_at_body(connection: Connection, tick: int) -> None:
    request, rate = connection.reading, connection.shared.times.min_body_rate
    pace, amount = connection.pace, connection.size
    if pace is None or pace.what is not request or connection.is_left_alone(request):
        connection.pace = Pace(request, tick, amount)
    elif rate and tick - pace.tick >= WINDOW:
        if amount - pace.amount >= rate * (tick - pace.tick):
            connection.pace = Pace(request, tick, amount)
            return
        connection.pace = None
        if request.stream is not None:
            # The endpoint is reading: it is told, and what it answers ends the connection.
            connection.reading = None
            connection.last = request
            request.stream.fail(BodyTooSlow(rate))
        else:
            connection.refuse_in_turn(request, BodyTooSlow, rate)


def _look_at_answer(connection: Connection, tick: int) -> None:
    pace, seconds = connection.pace, connection.shared.times.timeout_send
    waiting = connection.transport.get_write_buffer_size()
    if pace is None or pace.what is not connection.transport or waiting < pace.amount:
        connection.pace = Pace(connection.transport, tick, waiting)
    elif seconds and tick - pace.tick >= seconds:
        # There is no room to say why.
        connection.transport.abort()
