"""Tracebacks for people, in development only: the application's own frames, and compiled routes.

`carboy dev` sets CARBOY_DEV; without it none of this is ever sent or shown (A7). Frames of Carboy
itself are left out, a compiled endpoint's are kept: they are the application's path.
"""

from __future__ import annotations

import html
import linecache
import os
import traceback
from pathlib import Path
from types import TracebackType

from carboy.core.answer import TEXT, Head
from carboy.core.context import RequestContext

DEV = "CARBOY_DEV"
_PACKAGE = str(Path(__file__).parent.parent)
_AROUND = 3
HTML = (b"content-type", b"text/html; charset=utf-8")


def is_dev() -> bool:
    """Whether `carboy dev` runs this process."""
    return os.environ.get(DEV) == "1"


def own_frames(trace: TracebackType | None) -> list[traceback.FrameSummary]:
    """The frames that are not Carboy's; all of them if there are no others."""
    frames = list(traceback.extract_tb(trace))
    own = [frame for frame in frames if not frame.filename.startswith(_PACKAGE)]
    # A compiled endpoint stands twice in a traceback: where it failed, and where it recovers.
    following = [*own[1:], None]
    kept = [one for one, after in zip(own, following, strict=True) if not _recovers(one, after)]
    return kept or frames


def _recovers(frame: traceback.FrameSummary, after: traceback.FrameSummary | None) -> bool:
    return (
        after is not None
        and frame.filename == after.filename
        and frame.filename.startswith("<")
        and frame.lineno != after.lineno
    )


def as_text(error: BaseException) -> str:
    """A traceback without the framework's frames, causes first, as Python prints them."""
    parts = []
    if error.__cause__ is not None:
        parts.append(as_text(error.__cause__))
        parts.append("\nThe exception above was the direct cause of this one:\n\n")
    elif error.__context__ is not None and not error.__suppress_context__:
        parts.append(as_text(error.__context__))
        parts.append("\nWhile the exception above was handled, this one happened:\n\n")
    parts.append("Traceback (most recent call last, Carboy's own frames left out):\n")
    parts.extend(traceback.format_list(own_frames(error.__traceback__)))
    parts.extend(traceback.format_exception_only(error))
    return "".join(parts)


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
.note { opacity: .6; margin-top: 2rem }
"""


def as_html(request: RequestContext, error: BaseException) -> str:
    """The traceback as a page, the failing line of the application on top."""
    name = html.escape(f"{type(error).__name__}: {error}")
    where = html.escape(f"{request.method} {request.path}")
    frames = "".join(_frame(frame) for frame in reversed(own_frames(error.__traceback__)))
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{name}</title>"
        f"<style>{_STYLE}</style><h1>{name}</h1><div>while answering <code>{where}</code></div>"
        f"{frames}<p class=note>Most recent call first. Shown because of <code>carboy dev</code>;"
        " <code>carboy run</code> answers a plain 500.</p></html>"
    )


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
