"""`verify --tests`: the old application's own tests, run with either, and their answers compared.

The same test files run in a copy of each folder: with real Flask in the old one, with Carboy's
faces in the new one, where the imports of the tests find the new application's modules. What each
test's client was answered (capturing.py writes it down) is compared in order.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from carboy.migrate.proof.carrying import Carried
from carboy.migrate.proof.comparing import Found, differences
from carboy.migrate.proof.exchange import Ask, Exchange, exchange_of
from carboy.migrate.proof.places import NotReady, copied, environment, prepare
from carboy.migrate.proof.proving import NO_ROUTE, Options
from carboy.migrate.proof.spec import Spec
from carboy.migrate.proof.verifying import Task, faces_of_old
from carboy.migrate.report import Difference, VerifyReport, ViewProof

SCRIPT = Path(__file__).with_name("capturing.py")
#: What differences of outcomes are counted under.
TESTS = "(tests)"
#: What tells pytest how, where the new folder has none of its own.
SETTINGS = ("pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")


@dataclass
class Ran:
    """One test: how it ended, and its exchanges with their endpoints."""

    outcome: str = "not run"
    said: str = ""
    exchanges: list[tuple[Exchange, str | None]] = field(default_factory=list)
    #: Views that the application of this test has and none before had.
    routes: set[str] = field(default_factory=set)


def compare_tests(task: Task, tests: str) -> VerifyReport:
    """Compare. NotReady: the tests can't be run."""
    assert task.old is not None, "the command asks for both"
    folder = _tests_of(task.old, tests)
    faces = faces_of_old(task)
    alias = ""
    if task.old.folder == task.new.folder and task.old.module != task.new.module:
        alias = f"{task.old.module}={task.new.module}"
    old = _run(task, task.old, folder, faces, task.old_python or sys.executable, "")
    new = _run(task, task.new, folder, "carboy", sys.executable, alias)
    report = VerifyReport(
        old_on=f"pytest, {'Flask' if faces == 'real' else 'Carboy'}",
        new_on="pytest, Carboy",
    )
    compare(report, old, new, task.options)
    return report


def _tests_of(old: Spec, tests: str) -> Path:
    for path in (old.folder / tests, Path(tests)):
        if path.exists():
            return path.resolve()
    raise NotReady(f"there are no tests at {tests}, nor in {old.folder}")


def _run(
    task: Task, spec: Spec, tests: Path, faces: str, python: str, alias: str
) -> dict[str, Ran]:
    assert task.old is not None
    with ExitStack() as stack:
        place = stack.enter_context(copied(spec.folder))
        where = _put(tests, task.old.folder, place)
        environ = environment(task.environ, faces)
        if task.setup:
            prepare(task.setup, place, environ, faces)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="carboy-tests-")))
        file = folder / "captured.jsonl"
        # Options that run tests elsewhere, or measure them, would keep them from being seen.
        options = ["-q", "-p", "no:cacheprovider", "-o", "addopts=", f"--rootdir={place}"]
        command = [python, str(SCRIPT), str(file), faces, alias, *options, str(where)]
        done = subprocess.run(command, cwd=place, env=environ, capture_output=True, text=True)
        # 0 and 1: tests were run. Else there were none, or they can't be collected.
        if done.returncode not in (0, 1) or not file.exists():
            said = (done.stdout + done.stderr).strip()[-2000:]
            raise NotReady(f"pytest could not run the tests with {spec}:\n{said}")
        return read(file.read_text(encoding="utf-8").splitlines())


def _put(tests: Path, old: Path, place: Path) -> Path:
    """The tests in a copy, at their place; those of the old application everywhere."""
    inside = tests.is_relative_to(old)
    where = place / (tests.relative_to(old) if inside else tests.name)
    if tests == old:
        tests, where = old, place
        for file in [*old.rglob("test_*.py"), *old.rglob("*_test.py"), *old.rglob("conftest.py")]:
            _copy(file, place / file.relative_to(old))
    elif tests.is_dir():
        shutil.copytree(tests, where, dirs_exist_ok=True, symlinks=True)
    else:
        _copy(tests, where)
        for near in tests.parent.glob("conftest.py"):
            _copy(near, where.with_name(near.name))
    if (old / "conftest.py").exists():
        _copy(old / "conftest.py", place / "conftest.py")
    for name in SETTINGS:
        if (old / name).exists() and not (place / name).exists():
            _copy(old / name, place / name)
    return where


def _copy(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(file, to)


def read(lines: list[str]) -> dict[str, Ran]:
    """What capturing.py wrote, by test."""
    ran: dict[str, Ran] = {}
    for line in lines:
        found = json.loads(line)
        one = ran.setdefault(found["test"], Ran())
        if "routes" in found:
            one.routes.update(found["routes"])
        elif "outcome" in found:
            if one.outcome in ("not run", "passed"):
                one.outcome = found["outcome"]
                one.said = "".join(found["said"])
        else:
            one.exchanges.append((exchange_of(line), found["endpoint"]))
    return ran


def compare(
    report: VerifyReport, old: dict[str, Ran], new: dict[str, Ran], options: Options
) -> None:
    """Test by test, exchange by exchange, into `report`."""
    failing = [name for name, ran in old.items() if ran.outcome == "failed"]
    if failing:
        report.notes.append(f"{len(failing)} tests fail with the old application too")
    skipped = sum(ran.outcome == "skipped" for ran in old.values())
    if skipped:
        report.notes.append(f"{skipped} tests are skipped")
    passed = sum(ran.outcome == "passed" for ran in new.values())
    report.notes.append(f"{passed} of {len(new)} tests pass with the new application")
    known: set[str] = set()
    names: set[str] = set()
    for name in dict.fromkeys((*old, *new)):
        before, after = old.get(name, Ran()), new.get(name, Ran())
        if before.outcome != after.outcome:
            said = [f"{ran.outcome} {ran.said}".strip() for ran in (before, after)]
            _note(report, TESTS, [Difference("TEST", name, "outcome", *said)])
        known |= before.routes
        names |= after.routes
        carried = Carried()
        for one, other in zip_longest(before.exchanges, after.exchanges):
            if one is None or other is None:
                counts = [f"{len(ran.exchanges)} requests" for ran in (before, after)]
                _note(report, TESTS, [Difference("TEST", name, "requests", *counts)])
                break
            _exchange(report, name, one[0], other, carried, options)
    report.unseen = sorted((names & known) - report.views.keys())


def _exchange(
    report: VerifyReport,
    test: str,
    old: Exchange,
    new: tuple[Exchange, str | None],
    carried: Carried,
    options: Options,
) -> None:
    exchange, endpoint = new
    ask = old.ask
    # What a test asks next may be what it was answered: new ids, say.
    wanted = carried.put(ask)
    if (wanted.method, wanted.path) != (exchange.ask.method, exchange.ask.path):
        found = [Found("request", _title(wanted), _title(exchange.ask))]
    else:
        found = differences(ask, old.reply, exchange.reply, options.rules)
        carried.learn(old.reply, exchange.reply)
    report.exchanges += 1
    where = f"{ask.target} in {test}"
    told = [Difference(ask.method, where, *one) for one in found]
    proof = _note(report, endpoint or NO_ROUTE, told)
    proof.requests += 1


def _title(ask: Ask) -> str:
    return f"{ask.method} {ask.target}"


def _note(report: VerifyReport, endpoint: str, found: list[Difference]) -> ViewProof:
    proof = report.views.setdefault(endpoint, ViewProof())
    proof.differences += found
    return proof
