"""`verify`: sets up both sides, chooses the requests, and hands back a report.

What is compared is proving.py's; here is what has to be there first, and what is said about it.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from carboy.migrate.proof.places import LEFT_OUT, NotReady, copied, environment, prepare
from carboy.migrate.proof.process import Side
from carboy.migrate.proof.proving import Bench, Options, Stopped, made_from, thorough
from carboy.migrate.proof.reading import Script, record_of, script_of
from carboy.migrate.proof.spec import Spec
from carboy.migrate.report import VerifyReport


@dataclass
class Task:
    """What was asked for. `old_on` is "flask", "carboy" or "auto"; `old` may be None where answers
    are compared to the record alone.
    """

    old: Spec | None
    new: Spec
    options: Options = field(default_factory=Options)
    record: Path | None = None
    requests: str | None = None
    values: dict[str, list[str]] = field(default_factory=dict)
    thorough: bool = False
    setup: str | None = None
    environ: dict[str, str] = field(default_factory=dict)
    old_on: str = "auto"
    old_python: str | None = None
    in_place: bool = False
    patience: float = 30.0


def verify(task: Task) -> VerifyReport:
    """Compare. NotReady: a side, or the requests, can't be had."""
    with ExitStack() as stack:
        old: Side | None = None
        if task.old is not None:
            faces = faces_of_old(task)
            python = task.old_python or sys.executable
            old = stack.enter_context(started(task, task.old, faces, python))
        new = stack.enter_context(started(task, task.new, "carboy", sys.executable))
        bench = Bench(old, new, task.options)
        report = bench.report
        report.old_on, report.new_on = ("" if old is None else old.on), new.on
        try:
            _ask(task, bench, old, new)
        except Stopped as error:
            report.notes.append(f"stopped early: {error}")
        _sum_up(bench, old, new)
    return report


def faces_of_old(task: Task) -> str:
    """What the old side's imports of flask find."""
    if task.old_on != "auto":
        return "real" if task.old_on == "flask" else "carboy"
    from importlib.metadata import PackageNotFoundError, version

    if task.old_python is not None:
        return "real"
    assert task.old is not None
    if knows_carboy(task.old.folder):
        return "carboy"  # converted in part: extensions have to find the faces
    try:
        version("flask")
    except PackageNotFoundError:
        return "carboy"
    return "real"


_IMPORT = re.compile(r"^[ \t]*(?:from|import)[ \t]+carboy\b", re.MULTILINE)


def knows_carboy(folder: Path) -> bool:
    """Whether a Python file of an application imports Carboy."""
    for place, names, files in os.walk(folder):
        names[:] = [name for name in names if name not in LEFT_OUT]
        for name in files:
            if name.endswith(".py"):
                text = (Path(place) / name).read_text(encoding="utf-8", errors="replace")
                if _IMPORT.search(text):
                    return True
    return False


@contextmanager
def started(task: Task, spec: Spec, faces: str, python: str) -> Iterator[Side]:
    """One side, running in its own copy of its folder."""
    with copied(spec.folder, not task.in_place) as place:
        environ = environment(task.environ, faces)
        if task.setup:
            prepare(task.setup, place, environ, faces)
        side = Side(spec, place, environ, faces, python, task.patience)
        try:
            yield side
        finally:
            side.close()


def _ask(task: Task, bench: Bench, old: Side | None, new: Side) -> None:
    report = bench.report
    if task.record is not None:
        exchanges, broken = record_of(task.record)
        if broken:
            report.notes.append(f"{broken} lines of the record are no exchanges")
        if cut := sum(one.ask.cut for one in exchanges):
            report.notes.append(f"{cut} requests were left out: the record has not all of them")
        bench.replay(exchanges)
    if task.requests is not None:
        if old is None:
            raise NotReady("--requests needs OLD: there is nothing to compare NEW's answers to")
        _follow(script_of(task.requests), bench)
    if task.record is None and task.requests is None:
        if old is None:
            raise NotReady("say OLD, or --record FILE with --against-record")
        asks = made_from(old.routes, task.values)
        for ask in thorough(asks) if task.thorough else asks:
            bench.ask(ask)
        _tell_of_routes(report, old, new, task.values)


def _follow(script: Script, bench: Bench) -> None:
    """Do what the user's code asks for. NotReady: it failed."""
    try:
        script(bench.ask)
    except (Stopped, NotReady):
        raise
    except Exception as error:
        trace = traceback.extract_tb(error.__traceback__)[-1]
        raise NotReady(
            f"the requests failed after {bench.report.exchanges}: {type(error).__name__}: {error} "
            f"({Path(trace.filename).name}, line {trace.lineno}: {trace.line})"
        ) from error


def _tell_of_routes(
    report: VerifyReport, old: Side, new: Side, values: dict[str, list[str]]
) -> None:
    """What requests made from routes can't tell of."""
    missing = sorted(
        {name for route in old.routes for name in route["variables"] if name not in values}
    )
    if missing:
        said = " ".join(f"--values {name}=..." for name in missing)
        report.notes.append(f"routes with variables were left out; to ask them: {said}")
    report.notes.append(
        "made from the routes, so GET only: --record, --requests or --tests bring the others"
    )


def _sum_up(bench: Bench, old: Side | None, new: Side) -> None:
    report = bench.report
    if bench.unknown:
        report.notes.append(
            f"{bench.unknown} requests have secrets that the record left out and no answer issued: "
            "say them, as in --secret password=..."
        )
    if failed := sum(one.failed for one in report.views.values()):
        told = f", the last for {bench.old_error}" if bench.old_error else ""
        report.notes.append(
            f"{failed} requests ended in an error of both sides{told}: that proves nothing. What "
            "has to be there first, such as tables, is made by --setup COMMAND"
        )
    names = {route["name"] for route in new.routes}
    if old is not None:
        # What only the new one has (its documentation, say) can't be compared with anything.
        before = {route["name"] for route in old.routes}
        if gone := sorted(before - names):
            report.notes.append(f"views of the old application alone: {', '.join(gone)}")
        names &= before
    report.unseen = sorted(names - report.views.keys())
