"""Tracebacks for people, in development only: the application's own frames, and compiled routes.

`carboy dev` sets CARBOY_DEV; without it none of this is ever sent or shown (A7). Frames of Carboy
itself are left out, a compiled endpoint's are kept: they are the application's path.
"""

from __future__ import annotations

import html
import linecache
import os
import traceback
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import groupby
from pathlib import Path
from types import TracebackType

from carboy.core.answer import TEXT, Head
from carboy.core.context import RequestContext

DEV = "CARBOY_DEV"
_PACKAGE = str(Path(__file__).parent.parent)
_AROUND = 3
#: Part of the names of files that a person has installed and not written.
_LIBRARIES = f"{os.sep}site-packages{os.sep}"
HTML = (b"content-type", b"text/html; charset=utf-8")


def is_dev() -> bool:
    """Whether `carboy dev` runs this process."""
    return os.environ.get(DEV) == "1"


def own_frames(trace: TracebackType | None) -> list[traceback.FrameSummary]:
    """The frames that are not Carboy's; all of them if there are no others."""
    frames = list(traceback.extract_tb(trace))
    own = [frame for frame in frames if not frame.filename.startswith(_PACKAGE)]
    if not own:
        return frames
    # A compiled endpoint stands twice in a traceback: where it failed, and where it recovers.
    following = [*own[1:], None]
    return [one for one, after in zip(own, following, strict=True) if not _recovers(one, after)]


def _recovers(frame: traceback.FrameSummary, after: traceback.FrameSummary | None) -> bool:
    return (
        after is not None
        and frame.filename == after.filename
        and frame.filename.startswith("<")
        and frame.lineno != after.lineno
    )


def as_text(error: BaseException) -> str:
    """A traceback without the framework's frames, causes first, as Python prints them."""
    text = _one_as_text(error)
    for is_cause, before in _before(error):
        how = (
            "The exception above was the direct cause of this one:"
            if is_cause
            else "While the exception above was handled, this one happened:"
        )
        text = f"{_one_as_text(before)}\n{how}\n\n{text}"
    return text


def told(error: BaseException) -> list[str]:
    """The lines that name an error; a misspelled attribute with the one that it resembles.

    COMPAT: Python 3.11 knows that only where it prints a traceback itself.
    """
    lines = traceback.format_exception_only(error)
    if isinstance(error, AttributeError) and error.name and "Did you mean" not in lines[0]:
        close = get_close_matches(error.name, dir(error.obj), n=1)
        if error.obj is not None and close:
            lines[0] = f"{lines[0].rstrip()}. Did you mean: '{close[0]}'?\n"
    return lines


def _one_as_text(error: BaseException) -> str:
    frames = traceback.format_list(own_frames(error.__traceback__))
    last = told(error)
    head = "Traceback (most recent call last, Carboy's own frames left out):\n"
    return "".join([head, *frames, *last])


def _before(error: BaseException) -> Iterator[tuple[bool, BaseException]]:
    """What led to `error`, the last first, and whether it is its declared cause.

    What Carboy raised and handled by itself on the way is nobody's concern.
    """
    while True:
        is_cause = error.__cause__ is not None
        before = error.__cause__ if is_cause else error.__context__
        if before is None or (error.__suppress_context__ and not is_cause):
            return
        error = before
        frames = traceback.extract_tb(error.__traceback__)
        if any(not frame.filename.startswith(_PACKAGE) for frame in frames):
            yield is_cause, error


def _said(error: BaseException) -> str:
    """What an error says, with the notes that were added to it."""
    return "".join(told(error)).strip()


def answer(request: RequestContext, error: BaseException) -> tuple[Head, bytes]:
    """500 with the traceback: a page for browsers, text for everyone else."""
    if b"text/html" in (request.header(b"accept") or b""):
        return Head(500, [HTML]), as_html(request, error).encode("utf-8", "replace")
    return Head(500, [TEXT]), as_text(error).encode("utf-8", "replace")


_STYLE = """
:root { color-scheme: light dark; --line: #8884; --hit: #e5484d33; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.35rem; margin: 0 0 .3rem } .where { opacity: .75; margin: 1.6rem 0 .3rem }
pre { border: 1px solid var(--line); border-radius: 6px; padding: .6rem 0; overflow-x: auto;
      font: 13px/1.5 ui-monospace, monospace; margin: 0 }
pre span { display: block; padding: 0 .8rem; white-space: pre } .hit { background: var(--hit) }
.text { padding: .8rem; white-space: pre-wrap; margin-top: 1rem }
h2 { font-size: 1.1rem; margin: 0 }
summary { opacity: .75; margin-top: 1rem; cursor: pointer }
.note { opacity: .6; margin-top: 2rem }
"""


def as_html(request: RequestContext, error: BaseException) -> str:
    """The traceback as a page, the failing line of the application on top."""
    name = html.escape(f"{type(error).__name__}: {error}")
    where = html.escape(f"{request.method} {request.path}")
    notes = "".join(f"<p>{html.escape(one)}</p>" for one in getattr(error, "__notes__", ()))
    told = "".join(
        f"<div class=where>{'was caused by' if is_cause else 'happened while this was handled:'}"
        f"</div><h2>{html.escape(_said(one))}</h2>{_frames(one)}"
        for is_cause, one in _before(error)
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{name}</title>"
        f"<style>{_STYLE}</style><h1>{name}</h1>{notes}"
        f"<div>while answering <code>{where}</code></div>"
        f"{_frames(error)}{told}<p class=note>Most recent call first. Shown because of "
        "<code>carboy dev</code>; <code>carboy run</code> answers a plain 500.</p></html>"
    )


def unready(text: str) -> str:
    """A page for what can't be served at all: why, and the same again when a file was saved."""
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content=2>"
        f"<title>The application could not be started</title><style>{_STYLE}</style>"
        "<h1>The application could not be started</h1><div>This page looks again by itself: "
        f"repair the file and save it.</div><pre class=text>{html.escape(text)}</pre>"
        "<p class=note>Shown because of <code>carboy dev</code>.</p></html>"
    )


def _frames(error: BaseException) -> str:
    """Frames of the application, the last first; those of libraries are folded up."""
    pieces = []
    newest_first = reversed(own_frames(error.__traceback__))
    for is_library, frames in groupby(newest_first, lambda one: _LIBRARIES in one.filename):
        shown = [_frame(frame) for frame in frames]
        text = "".join(shown)
        if is_library:
            count = f"{len(shown)} call{'s' if len(shown) > 1 else ''} inside of libraries"
            text = f"<details><summary>{count}</summary>{text}</details>"
        pieces.append(text)
    return "".join(pieces)


def _frame(frame: traceback.FrameSummary) -> str:
    line = frame.lineno or 1
    first = max(1, line - _AROUND)
    rows = []
    for number in range(first, line + _AROUND + 1):
        text = linecache.getline(frame.filename, number)
        if text:
            hit = " class=hit" if number == line else ""
            rows.append(f"<span{hit}>{number:>5}  {html.escape(text.rstrip())}</span>")
    title = html.escape(f"{frame.filename}, line {line}, in {frame.name}")
    return f"<div class=where>{title}</div><pre>{''.join(rows)}</pre>"
