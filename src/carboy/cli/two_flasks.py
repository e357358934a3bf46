"""Extensions that imported the real Flask, in a process whose application is on Carboy's face.

They would look for requests where there are none: "Working outside of request context", or
anything else. What to do about it can be said.
"""

from __future__ import annotations

import sys
from typing import Any

_WHAT_TO_DO = (
    "imported the real Flask, which knows nothing of this application's requests. Start it with "
    "--drop-in (or: carboy exec -- COMMAND), or begin its first module with: import carboy.dropin"
)


def _is_real() -> bool:
    both = (sys.modules.get(name) for name in ("flask", "carboy.flask"))
    return [module.__name__ for module in both if module is not None] == ["flask", "carboy.flask"]


def hint() -> str | None:
    """Why an import may have failed, if an extension was loaded with the real Flask before."""
    found = sorted(name for name in sys.modules if name.startswith("flask_") and "." not in name)
    return f"{', '.join(found)} {_WHAT_TO_DO}" if found and _is_real() else None


def warning(app: Any) -> str | None:
    """What to tell of an application to which such an extension was given."""
    side = getattr(app, "_side", app)  # a Flask of ours is its own
    if side is None or not hasattr(side, "extensions") or not _is_real():
        return None
    given = [*vars(side).values(), *side.extensions.values()]
    found = {type(one).__module__.partition(".")[0] for one in given}
    names = sorted(name for name in found if name.startswith("flask_"))
    return f"{', '.join(names)} {_WHAT_TO_DO}" if names else None
