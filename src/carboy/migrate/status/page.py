"""A Status as one HTML page that needs nothing from anywhere: no script, no font, no picture.

SAFETY: every text comes from somebody's sources and is escaped; nothing of it stands in a style.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from string import Template

from carboy.migrate.status.counted import STATES, Group, Row, Status

_PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Migration of $name</title>
<style>
:root {
  color-scheme: light dark;
  --ground: #fbfaf8; --paper: #ffffff; --ink: #22252a; --faint: #62676f; --line: #dfdcd6;
  --typed: #23805a; --half: #1c8196; --converts: #3d63c4; --person: #b8720a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #16181c; --paper: #1e2126; --ink: #e4e6ea; --faint: #9aa1ab; --line: #343941;
    --typed: #4cc38a; --half: #4bb9cf; --converts: #86a5ff; --person: #e8a942;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 64rem; background: var(--ground);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif;
}
h1 { font-size: 1.5rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0; color: var(--faint); }
code { font: .875em/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
.bar { display: flex; gap: 2px; height: .75rem; border-radius: .4rem; overflow: hidden; }
.bar.big { height: 1.5rem; margin: 1rem 0 .5rem; }
.bar i { flex: var(--n) 0 3px; }
.typed { --c: var(--typed); } .half { --c: var(--half); }
.converts { --c: var(--converts); } .person { --c: var(--person); }
.bar i { background: var(--c); }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; padding: 0; list-style: none; }
.legend b { color: var(--c); font-variant-numeric: tabular-nums; }
details, .card {
  background: var(--paper); border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0;
}
summary, .card {
  display: grid; grid-template-columns: 1rem minmax(0, 3fr) minmax(3rem, 1fr) 2.5rem;
  gap: .5rem; align-items: center; padding: .6rem .75rem;
}
summary { cursor: pointer; }
summary::before, .card::before { content: "\\25b8"; color: var(--faint); }
details[open] > summary::before { transform: rotate(90deg); }
.card::before { visibility: hidden; }
summary span:last-child, .card span:last-child { text-align: right; color: var(--faint); }
.view { border-top: 1px solid var(--line); padding: .6rem .75rem; }
.view > div { display: flex; flex-wrap: wrap; gap: 0 .75rem; align-items: baseline; }
.view b { overflow-wrap: anywhere; }
.state { color: var(--c); font-size: .8rem; font-weight: 600; margin-left: auto; }
.view .why { color: var(--person); }
.view p { font-size: .875rem; }
.uses { display: flex; flex-wrap: wrap; gap: .25rem; margin: .35rem 0 0; }
.uses code { border: 1px solid var(--line); border-radius: .3rem; padding: 0 .35rem; }
ol { padding-left: 1.5rem; }
ol li { margin: .25rem 0; }
</style>
</head>
<body>
<h1>Migration of $name</h1>
<p>$total</p>
$overall
$reasons
<h2>Modules</h2>
$modules
<h2>Blueprints</h2>
$blueprints
$broken
</body>
</html>
""")


def page(status: Status) -> str:
    """The whole page."""
    name = escape(Path(status.root).resolve().name or status.root)
    group = status.all
    views = len(group.rows)
    return _PAGE.substitute(
        name=name,
        total=f"{_counted(views, 'view')} in {_counted(len(status.modules), 'module')}",
        overall=_bar(group, "bar big") + _legend(group),
        reasons=_reasons(status),
        modules="\n".join(_module(one) for one in status.modules),
        blueprints="\n".join(_blueprint(one) for one in status.blueprints),
        broken=_broken(status),
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _bar(group: Group, kind: str = "bar") -> str:
    parts = "".join(
        f'<i class="{state}" style="--n:{count}"></i>'
        for state, count in group.counts().items()
        if count
    )
    label = ", ".join(f"{count} {STATES[state]}" for state, count in group.counts().items())
    return f'<div class="{kind}" role="img" aria-label="{escape(label)}">{parts}</div>'


def _legend(group: Group) -> str:
    parts = "".join(
        f'<li class="{state}"><b>{count}</b> {escape(STATES[state])} ({group.share(state)} %)</li>'
        for state, count in group.counts().items()
        if count
    )
    return f'<ul class="legend">{parts}</ul>'


def _reasons(status: Status) -> str:
    if not status.reasons:
        return ""
    parts = "".join(f"<li>{escape(reason)} ({count})</li>" for reason, count in status.reasons)
    return f"<h2>Why a person is needed</h2>\n<ol>{parts}</ol>"


def _module(group: Group) -> str:
    is_open = " open" if group.count("person", "half") else ""
    rows = "\n".join(_view(row) for row in group.rows)
    return (
        f"<details{is_open}><summary><span><code>{escape(group.name or '(root)')}</code></span>"
        f"{_bar(group)}<span>{len(group.rows)}</span></summary>\n{rows}\n</details>"
    )


def _blueprint(group: Group) -> str:
    name = f"<code>{escape(group.name)}</code>" if group.name else "the application's own"
    count = f"<span>{len(group.rows)}</span>"
    return f'<div class="card"><span>{name}</span>{_bar(group)}{count}</div>'


def _view(row: Row) -> str:
    rules = " ".join(f"<code>{escape(rule)}</code>" for rule in row.rules)
    methods = escape(" ".join(row.methods))
    state = f'<span class="state {row.state}">{escape(STATES[row.state])}</span>'
    parts = [
        f"<div><b>{escape(row.endpoint)}</b><span>{methods} {rules}</span>{state}</div>",
        f"<p><code>{escape(row.file)}:{row.line}</code></p>",
        *_lines(row.reasons, "why"),
        *_lines(row.notes, "note"),
    ]
    if row.uses:
        uses = "".join(f"<code>{escape(use)}</code>" for use in row.uses)
        parts.append(f'<p class="uses">{uses}</p>')
    return f'<div class="view">{"".join(parts)}</div>'


def _lines(texts: Iterable[str], kind: str) -> list[str]:
    return [f'<p class="{kind}">{escape(text)}</p>' for text in texts]


def _broken(status: Status) -> str:
    if not status.broken:
        return ""
    listed = status.broken.items()
    parts = "".join(f"<li><code>{escape(file)}</code>: {escape(why)}</li>" for file, why in listed)
    return f"<h2>Files that can't be read</h2>\n<ol>{parts}</ol>"
