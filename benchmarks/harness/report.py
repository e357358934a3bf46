"""Writes the record of a run: latest.json, README.md and throughput.svg.

The JSON has every raw sample; the tables have medians. Skipped and failed entries
stay in both with their reason. Nothing written here names a path of the machine.
"""

import dataclasses
import datetime
import json
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .entries import BASELINE
from .goals import Goal, startup_ratio
from .plot import throughput_svg
from .reference import Reference
from .session import Result

SHOWN_PACKAGES = (
    "carboy", "fastapi", "starlette", "pydantic", "uvicorn", "uvloop", "httptools", "flask",
    "gunicorn", "granian", "litestar", "sanic", "blacksheep", "falcon", "robyn", "socketify",
)  # fmt: skip
TITLES = {
    "hello": "Hello: `GET /hello?name=World`",
    "post": "POST of a pydantic model, answered through the same model",
    "dependencies": "Five dependencies, each on the one before",
    "page": "100 instances of the declared model",
    "dicts": "100 dicts, validated by the declared model",
    "routes-1000": "1,000 routes, each with a body model of its own",
    "flask-hello": "Flask's sample, the same source: hello",
    "flask-template": "Flask's sample: a page from a template",
    "flask-session": "Flask's sample: session read and written",
    "flask-post": "Flask's sample: JSON POST",
    "flask-blueprints": "Flask's sample: ten blueprints with hooks",
}


@dataclass
class Run:
    """Everything one run found."""

    settings: dict[str, Any]
    machine: dict[str, Any]
    versions: dict[str, str]
    results: list[Result]
    reference: list[Reference]
    startup: dict[str, Any]
    goals: list[Goal]


def describe_machine(python: str) -> dict[str, Any]:
    """Return what a reader needs to judge the numbers."""
    cpu = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": python,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def write(run: Run, folder: Path) -> None:
    """Write the three files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "latest.json").write_text(json.dumps(_raw(run), indent=1) + "\n")
    (folder / "README.md").write_text(readme(run))
    hello = [result for result in run.results if result.entry.workload == "hello"]
    if any(result.measured for result in hello):
        settings = f"rounds: {run.settings['rounds']} of {run.settings['seconds']} s"
        subtitle = f"{run.machine['cpu']}, CPython {run.machine['python']}, {settings}, medians"
        (folder / "throughput.svg").write_text(throughput_svg(hello, subtitle))


def _raw(run: Run) -> dict[str, Any]:
    goals = [dataclasses.asdict(goal) | {"verdict": goal.verdict} for goal in run.goals]
    entries = [
        {
            "workload": result.entry.workload,
            "name": result.entry.name,
            "label": result.entry.label,
            "command": result.entry.command.replace("{app}", result.entry.app),
            "median_per_second": result.per_second if result.measured else None,
            "skipped": result.skipped,
            "failed": result.failed,
            "samples": [dataclasses.asdict(sample) for sample in result.samples],
        }
        for result in run.results
    ]
    return {
        "machine": run.machine,
        "settings": run.settings,
        "versions": run.versions,
        "goals": goals,
        "entries": entries,
        "reference": [dataclasses.asdict(line) for line in run.reference],
        "startup": run.startup,
    }


def readme(run: Run) -> str:
    """Return all tables as Markdown."""
    machine, settings = run.machine, run.settings
    parts = [
        "# Benchmark results",
        (
            "Written by `benchmarks/run.py`; do not edit. "
            "[What is measured, and how](../README.md). Raw numbers: [latest.json](latest.json)."
        ),
        (
            f"{machine['date']}, {machine['cpu']}, {machine['cores']} cores, Linux "
            f"{machine['kernel']}, CPython {machine['python']}. Interleaved rounds: "
            f"{settings['rounds']} of {settings['seconds']} s each, medians. "
            "Servers on one core, load on another: "
            f"{'yes' if settings['pinned'] else 'no'}."
        ),
        "![Throughput of the hello workload](throughput.svg)",
        "## Goals",
        goal_table(run.goals),
    ]
    for workload, title in TITLES.items():
        results = [result for result in run.results if result.entry.workload == workload]
        if results:
            parts += [f"## {title}", workload_table(results)]
    if run.reference:
        parts += ["## Reference: a fixed number of requests", reference_table(run.reference)]
    if run.startup:
        parts += ["## Start-up and building", startup_tables(run.startup)]
    packages = (name for name in SHOWN_PACKAGES if name in run.versions)
    parts += ["## Versions", ", ".join(f"{name} {run.versions[name]}" for name in packages) + "."]
    return "\n\n".join(parts) + "\n"


def _table(head: list[str], rows: list[list[str]]) -> str:
    ruler = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ruler, *rows))


def goal_table(goals: list[Goal]) -> str:
    """Return every goal with what was seen; CPU time is shown beside but judges nothing."""
    rows = [
        [goal.text, goal.wanted, _times(goal.seen), goal.verdict, _times(goal.cpu)]
        for goal in goals
    ]
    return _table(["Goal", "Wanted", "Seen", "Verdict", "By CPU time"], rows)


def _times(number: float | None) -> str:
    return "-" if number is None else f"{number:.2f}x"


def workload_table(results: list[Result]) -> str:
    """Return one workload's medians, the fastest first, and the reasons for gaps."""
    base = next((r for r in results if r.entry.name == BASELINE and r.measured), None)
    measured = sorted((r for r in results if r.measured), key=lambda r: -r.per_second)
    rows = []
    for result in measured:
        low, high = result.spread
        rows.append(
            [
                result.entry.label,
                f"{result.per_second:,.0f}",
                f"{low:,.0f} to {high:,.0f}",
                f"{result.per_second / base.per_second:.2f}x" if base else "-",
                _paired(result, base),
                f"{result.middle('latency_mean_ms'):.2f}",
                f"{result.middle('latency_p99_ms'):.2f}",
                f"{result.middle('cpu_us_per_request'):.1f}",
                f"{result.middle('rss_mib'):.0f}",
            ]
        )
    head = ["Server", "req/s", "spread", "to FastAPI", "by round", "mean ms", "p99 ms"]
    gaps = [
        f"- {result.entry.label}: {'failed' if result.failed else 'skipped'}, "
        f"{result.failed or result.skipped}"
        for result in results
        if not result.measured
    ]
    table = _table([*head, "CPU us/req", "RSS MiB"], rows)
    return table + ("\n\nNot measured:\n\n" + "\n".join(gaps) if gaps else "")


def _paired(result: Result, base: Result | None) -> str:
    """Return the smallest and largest ratio to the baseline within one round."""
    if base is None or len(base.samples) != len(result.samples):
        return "-"
    pairs = zip(result.samples, base.samples, strict=True)
    ratios = [ours.per_second / theirs.per_second for ours, theirs in pairs]
    return f"{min(ratios):.2f} to {max(ratios):.2f}"


def reference_table(lines: list[Reference]) -> str:
    """Return the fixed-count table."""
    rows = [
        [
            line.label,
            f"{line.requests:,}",
            f"{line.latency_mean_ms:.2f}",
            f"{line.per_second:,.0f}",
            f"{line.cpu_seconds:.2f}",
            f"{line.rss_mib:.0f}",
            f"{line.client_busy:.0%}",
        ]
        if not line.problem
        else [line.label, line.problem, "-", "-", "-", "-", "-"]
        for line in lines
    ]
    head = ["Server", "requests", "mean ms", "req/s", "CPU s", "RSS MiB", "client busy"]
    note = "Where the client is near 100 % busy, it and not the server set the pace."
    return _table(head, rows) + f"\n\nOne run each, 64 connections. {note}"


_BUILT = (
    "Building 1,000 routes, pydantic classes made before: on the application, or in four routers, "
    "one within the other. Answered is until the last route has answered its first request; memory "
    "is at that moment:"
)
_BUILT_HEAD = [
    "Built", "ms", "of which freeze", "answered ms", "openapi() ms", "peak MiB", "added MiB",
]  # fmt: skip
_PAGES = (
    "100 instances of the declared model over ASGI in memory, and pydantic's own validation and "
    "dump of the list:"
)


def startup_tables(startup: dict[str, Any]) -> str:
    """Return both start-up tables."""
    imports = [
        [
            name,
            f"{numbers['seconds'] * 1e3:.0f}",
            f"{numbers['net_seconds'] * 1e3:.0f}",
            ", ".join(numbers["loaded"]) or "none",
        ]
        for name, numbers in startup["import"].items()
    ]
    built = [
        [
            f"{name}, {shape}",
            *(
                f"{numbers[f'{part}seconds'] * 1e3:.0f}"
                for part in ("", "freeze_", "answered_", "openapi_")
            ),
            f"{numbers['peak_mib']:.0f}",
            f"{numbers['added_mib']:.0f}",
        ]
        for shape in ("flat", "nested")
        for name, numbers in startup[shape].items()
    ]
    pages = [
        [name, *(f"{numbers[f'{part}_seconds'] * 1e6:.0f}" for part in ("page", "pydantic"))]
        for name, numbers in startup["page"].items()
    ]
    gaps = [f"Not measured: {name}, {why}" for name, why in startup["problems"].items()]
    whole = startup_ratio(startup, "import", "seconds")
    net = startup_ratio(startup, "import", "net_seconds")
    ratios = [f"Carboy to FastAPI: {net:.2f}x net, {whole:.2f}x whole."] if net and whole else []
    return "\n\n".join(
        [
            (
                f"Medians of {startup['repeats']} fresh interpreters each. Import and a one-route "
                "application; net is less an interpreter that does nothing:"
            ),
            _table(["Imported", "whole ms", "net ms", "also loaded"], imports),
            *ratios,
            _BUILT,
            _table(_BUILT_HEAD, built),
            _PAGES,
            _table(["Answered by", "us", "pydantic alone us"], pages),
            *gaps,
        ]
    )
