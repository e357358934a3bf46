"""The values that come out of reading a source; they hold no syntax trees.

A `Guard` says for which HTTP methods a line is reached, as far as tests of `request.method` tell.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Guard(NamedTuple):
    """The methods for which a line is reached: `only` these (None: any), but `never` those."""

    only: frozenset[str] | None = None
    never: frozenset[str] = frozenset()

    def lets(self, method: str) -> bool:
        """Whether the line is reached when the request's method is `method`."""
        return (self.only is None or method in self.only) and method not in self.never

    def and_only(self, methods: frozenset[str]) -> Guard:
        """Reached for no others than `methods`."""
        return Guard(methods if self.only is None else self.only & methods, self.never)

    def and_never(self, methods: frozenset[str]) -> Guard:
        """Not reached for `methods`."""
        return Guard(self.only, self.never | methods)


ALWAYS = Guard()


@dataclass(frozen=True)
class Missing:
    """The default where none is given, or where it is no literal."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()


@dataclass(frozen=True)
class Read:
    """One value that is taken out of a request, of the session or of `g`.

    `place` is query, form, file, header, cookie, json, session or g. `kind` is the name that stands
    in ``type=`` or that converts the value (``int``), `default` a literal or MISSING. `needed`:
    subscripted, so that it fails where there is none. `written`: assigned or deleted.
    """

    place: str
    key: str
    line: int
    kind: str | None = None
    default: Any = MISSING
    many: bool = False
    needed: bool = False
    written: bool = False
    guard: Guard = ALWAYS


@dataclass(frozen=True)
class Use:
    """A name of Flask or of an extension that is used: ``flask.current_app``, and how.

    `detail` is what is visible beside it: a template's name, an attribute, an endpoint.
    """

    name: str
    line: int
    detail: str | None = None


@dataclass(frozen=True)
class Answer:
    """One thing that may be returned.

    `kind` is json, html, text, redirect, file, stream, empty or unknown; `status` None where the
    default holds, 0 where it is computed; `keys` those of a JSON object with their JSON types.
    `media_type` only where it is said. `is_list`: a JSON array.
    """

    kind: str
    line: int
    status: int | None = None
    media_type: str | None = None
    keys: tuple[tuple[str, str | None], ...] = ()
    is_list: bool = False
    guard: Guard = ALWAYS


@dataclass(frozen=True)
class Abort:
    """A status that is raised."""

    status: int
    line: int
    guard: Guard = ALWAYS


@dataclass(frozen=True)
class View:
    """What one function (or method) says; see the module's `__init__`."""

    name: str
    file: str | None = None
    line: int = 0
    #: Its last line; what was read elsewhere is a helper's.
    end: int = 0
    known: bool = True
    #: Why nothing is known.
    why: str = ""
    is_async: bool = False
    summary: str = ""
    description: str = ""
    decorators: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    reads: tuple[Read, ...] = ()
    #: Places that are read as a whole or with keys that can't be seen, with the line.
    whole: tuple[tuple[str, int, Guard], ...] = ()
    #: Methods that `request.method` is compared with.
    methods: frozenset[str] = frozenset()
    uses: tuple[Use, ...] = ()
    answers: tuple[Answer, ...] = ()
    aborts: tuple[Abort, ...] = ()
    #: Functions of the same module that were followed.
    helpers: tuple[str, ...] = ()
    #: Classes of forms that are validated: ``LoginForm``, ``shop.forms.LoginForm``.
    forms: tuple[tuple[str, Guard], ...] = ()

    def reads_of(self, place: str, method: str | None = None) -> list[Read]:
        """The reads of one place, those of one method where it is given."""
        return [
            read
            for read in self.reads
            if read.place == place and (method is None or read.guard.lets(method))
        ]

    def takes_whole(self, place: str, method: str | None = None) -> bool:
        """Whether a place is read as a whole."""
        return any(
            one == place and (method is None or guard.lets(method)) for one, _, guard in self.whole
        )

    def templates(self) -> list[str]:
        """Names of the templates that are rendered, as far as they are literal."""
        names = (u.detail for u in self.uses if u.name in ("render_template", "stream_template"))
        return list(dict.fromkeys(name for name in names if name))


@dataclass
class Findings:
    """What is being collected while one view is read; `View` is made of it."""

    reads: list[dict[str, Any]] = field(default_factory=list)
    whole: dict[tuple[str, Guard, int], int] = field(default_factory=dict)
    methods: set[str] = field(default_factory=set)
    uses: dict[tuple[str, str | None, int], int] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    aborts: list[Abort] = field(default_factory=list)
    helpers: dict[str, None] = field(default_factory=dict)
    forms: dict[tuple[str, Guard], None] = field(default_factory=dict)
