"""The signals that an application sends (blinker).

Sent with the application as sender; every receiver may also be sent to through `_async_wrapper`.

Extensions have signals of their own. blinker tells senders apart by their ids, and sent is what
`current_app` is: the Flask side of an `App`. So in all of them an `App` goes by its side's id, or
`identity_loaded.connect(f, app)` would listen to nobody.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import blinker.base
from blinker import Namespace

#: COMPAT: the one thing in another package that importing Carboy's Flask changes, and only for an
#: App. A blinker that has no such function is left alone.
_BLINKER: Any = blinker.base
_id_of = getattr(_BLINKER, "make_id", id)


def _make_id(one: Any) -> Hashable:
    """blinker's id of a sender or a receiver; an `App`'s is that of its Flask side."""
    # SAFETY: asked of the type. Proxies and mocks say yes to everything.
    if getattr(type(one), "has_flask_side", False):
        one = one.flask
    found: Hashable = _id_of(one)
    return found


if hasattr(_BLINKER, "make_id"):
    _BLINKER.make_id = _make_id

_signals = Namespace()

template_rendered = _signals.signal("template-rendered")
before_render_template = _signals.signal("before-render-template")
request_started = _signals.signal("request-started")
request_finished = _signals.signal("request-finished")
request_tearing_down = _signals.signal("request-tearing-down")
got_request_exception = _signals.signal("got-request-exception")
appcontext_tearing_down = _signals.signal("appcontext-tearing-down")
appcontext_pushed = _signals.signal("appcontext-pushed")
appcontext_popped = _signals.signal("appcontext-popped")
message_flashed = _signals.signal("message-flashed")
