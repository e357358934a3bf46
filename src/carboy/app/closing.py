"""How Flask's contexts around a typed route end: as lean.py has it, or kept for a test client.

Flask's test client keeps them for `with client:`, so that a test may look at the session
afterwards.
"""

from __future__ import annotations

from typing import Any

from carboy.flask import lean
from carboy.flask.ctx import RequestContext
from carboy.flask.serving import keep_contexts


def close_context(context: RequestContext, *rest: Any) -> None:
    """Pop it; a client that wants it is handed it first."""
    served = getattr(context.request, "_served", None)
    environ = getattr(served.wire, "environ", None) if served is not None else None
    if environ is not None:
        keep_contexts(environ)
    lean.close_context(context, *rest)
