"""Where a hosted application stands: under a prefix, or wherever no route takes a request.

A `Place` is Starlette's Mount, with its way of matching and its names, for an application of either
protocol.
"""

from __future__ import annotations

import re
from typing import Any

from starlette.routing import Mount

from carboy.app.hosting import kinds
from carboy.app.hosting.asgi import HostedASGI, bounded, twice
from carboy.app.hosting.direct import Direct
from carboy.app.hosting.wsgi import HostedWSGI
from carboy.server.entry import Entry


class Place(Mount):
    """`application` under `path`; `limit` is in bytes of a body."""

    def __init__(
        self,
        path: str,
        application: Any,
        name: str | None,
        kind: str | None,
        limit: int | None,
        cut_prefix: bool | None,
    ) -> None:
        said = kinds.kind_of(application := kinds.unpacked(application), kind)
        #: Where it has a lifespan.
        self.hosted: HostedASGI | None = None
        #: How a WSGI server calls it, where that may be (carboy.server.wsgi asks for this name).
        self.direct: Direct | None = None
        serving: Any
        if said == "wsgi":
            serving = HostedWSGI(application)
            self.direct = Direct(application, limit, self)
        else:
            is_blind = kinds.is_blind(application) if cut_prefix is None else cut_prefix
            called = twice(application) if said == "asgi2" else application
            serving = self.hosted = HostedASGI(called, is_blind)
        # Only Starlette's routes are asked for URLs: others have `routes` of another kind.
        shown = application if hasattr(application, "url_path_for") else serving
        super().__init__(path, app=shown, name=name)
        # SAFETY: a line feed below the prefix would leave the whole path below none.
        self.path_regex = re.compile(self.path_regex.pattern, re.DOTALL)
        # Our own applications have limits of their own.
        self.app = serving if isinstance(application, Entry) else bounded(serving, limit)
