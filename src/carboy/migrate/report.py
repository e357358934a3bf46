"""What the parts of `carboy migrate` tell each other: plain data that JSON can hold.

`as_json` and the constructors' keyword arguments are each other's reverse. No part of this knows
how a figure came about.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class ViewReport:
    """One view of the Flask application, and what becomes of it.

    `rules` are as Flask knows them, prefix included where it could be seen (`/auth/<int:id>`).
    `uses` are the names of Flask and its extensions that the view touches (`request.args`,
    `session`, `flask_login.current_user`). `reasons` say why a person is needed; there are none
    where `converts`. `notes` are traps: kept equal by what was written, or to be looked at.
    """

    module: str
    line: int
    endpoint: str
    blueprint: str | None
    function: str
    methods: list[str]
    rules: list[str]
    uses: list[str] = field(default_factory=list)
    converts: bool = False
    reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Plan:
    """What `convert` would do: every view that was asked for, and the new text of every file that
    changes.

    `files` maps paths relative to `root` (POSIX) to their whole new text; `old` has the text that
    is there now, "" for a file that is new.
    """

    root: Path
    views: list[ViewReport] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    old: dict[str, str] = field(default_factory=dict)
    #: `--target fastapi`: what the project can't leave Flask for ("module:line what, and why").
    obstacles: list[str] = field(default_factory=list)
    #: What is to be known of the whole project.
    notes: list[str] = field(default_factory=list)

    @property
    def converted(self) -> list[ViewReport]:
        return [view for view in self.views if view.converts]

    def as_json(self) -> dict[str, Any]:
        """All of it as what `json` can write."""
        return {**asdict(self), "root": str(self.root)}


@dataclass
class Difference:
    """One thing about one exchange that is not equal: `what` is "status", "header date", "body"
    …
    """

    method: str
    path: str
    what: str
    old: str
    new: str


@dataclass
class ViewProof:
    """How often a view was exercised, and what was not equal.

    `failed` are the requests that both sides answered with an error of the server's (5xx).
    """

    requests: int = 0
    differences: list[Difference] = field(default_factory=list)
    failed: int = 0

    @property
    def is_proof(self) -> bool:
        """Whether anything was equal, and nothing was not: errors on both sides prove nothing."""
        return not self.differences and self.failed < self.requests


@dataclass
class VerifyReport:
    """Exchanges compared, by endpoint of the new application.

    `unseen` are its endpoints that no request reached; `notes` say what was not compared, and why;
    `old_on` and `new_on` say what both ran on.
    """

    exchanges: int = 0
    views: dict[str, ViewProof] = field(default_factory=dict)
    unseen: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    old_on: str = ""
    new_on: str = ""

    @property
    def differences(self) -> list[Difference]:
        return [one for proof in self.views.values() for one in proof.differences]

    def as_json(self) -> dict[str, Any]:
        """All of it as what `json` can write."""
        return asdict(self)
