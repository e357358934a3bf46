"""Which suites there are: FastAPI's and Flask's own, and those of extensions of Flask's.

Only what is pinned stands here; how it is prepared stands in suites.py and extensions.py.
"""

from __future__ import annotations

from extensions import Extensions
from suites import Suite

SUITES: dict[str, Suite] = {
    "fastapi": Suite(
        name="fastapi",
        version="0.165.0",
        sha256="dd94d4128319c1e1d50535ab023ab698f850a4d2822f0e181747b46f4ff3c0ab",
        package="fastapi",
        extras=("all",),
        groups=("tests",),
        pins=(),
        arguments=("-p", "no:sugar", "tests"),
        path=("docs_src",),
    ),
    "flask": Suite(
        name="flask",
        version="3.1.3",
        sha256="0ef0e52b8a9cd932855379197dd8f94047b359ca0a78695144304cb45f87c9eb",
        package="src/flask",
        extras=(),
        groups=("tests",),
        # Its conftest needs a private name that pytest 9 no longer has.
        pins=("werkzeug==3.1.8", "pytest<9"),
        arguments=("tests",),
        path=(),
    ),
    "extensions": Extensions(),
}
