"""The conformance harness judges rightly: what is lost, gained, listed, not collected, and by whom.

Upstream's suites themselves run with `make conformance`; here a suite of three tests does.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
CONFORMANCE = ROOT / "conformance"
A, B, C = (
    "tests/test_x.py::test_a[1-[::2]]",
    "tests/test_x.py::test_a[2]",
    "tests/deep/test_y.py::test_c",
)


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The harness's modules, with their checked-in files in a folder of the test's own."""
    monkeypatch.syspath_prepend(CONFORMANCE)
    import outcomes
    import report
    import run
    import suites
    import upstream

    for module in (outcomes, report, suites):
        monkeypatch.setattr(module, "HERE", tmp_path)
    suite = upstream.SUITES["flask"]
    monkeypatch.setattr(report, "SUITES", {"flask": suite})
    (tmp_path / "flask.toml").write_text("")
    baseline = outcomes.Baseline(run.PYTHON, {"passed": [A, B, C], "skipped": ["tests/z.py::s"]})
    baseline.save(suite)
    return SimpleNamespace(
        outcomes=outcomes, run=run, suites=suites, suite=suite, folder=tmp_path, baseline=baseline
    )


def raw(*, failed: tuple[str, ...] = (), modules: dict[str, str] | None = None) -> dict[str, Any]:
    tests = {test: ["failed", "why"] if test in failed else ["passed", ""] for test in (A, B, C)}
    return {"tests": tests, "modules": modules or {}}


def compared(harness: Any, outcome: dict[str, Any], **options: Any) -> bool:
    every = {"k": None, "tests": None, "strict": False, "accept": False, **options}
    whole = not (every["k"] or every["tests"])
    judged = harness.outcomes.judge(outcome, harness.baseline, whole=whole)
    fine: bool = harness.run.compare(
        harness.suite, judged, harness.baseline, argparse.Namespace(**every)
    )
    return fine


def known(harness: Any) -> set[str] | None:
    passed: set[str] | None = harness.outcomes.Results(harness.suite).passed(harness.baseline)
    return passed


def test_a_baseline_is_read_as_it_was_written(harness: Any) -> None:
    read = harness.outcomes.Baseline.load(harness.suite)
    assert read.passed == {A, B, C}
    assert read.counts == {"passed": 3, "skipped": 1}


@pytest.mark.parametrize("place", ["tests/deep/test_y.py", "tests/deep", "tests", ""])
def test_what_is_not_collected_fails_every_test_below(harness: Any, place: str) -> None:
    outcome = {"tests": {}, "modules": {place: "cannot import"}}
    judged = harness.outcomes.judge(outcome, harness.baseline, whole=False)
    below = {test for test in (A, B, C) if test.startswith(place)}
    assert judged.failed == dict.fromkeys(below, "cannot import")
    assert not judged.passed


def test_a_test_that_is_not_mentioned_failed_in_a_whole_run_only(harness: Any) -> None:
    outcome = {"tests": {A: ["passed", ""], B: ["skipped", ""]}, "modules": {}}
    judged = harness.outcomes.judge(outcome, harness.baseline, whole=True)
    assert judged.passed == {A}
    assert judged.failed == {
        B: "skipped, where upstream passes",
        C: harness.outcomes.DID_NOT_RUN,
    }
    assert harness.outcomes.judge(outcome, harness.baseline, whole=False).seen == {A, B}


def test_the_list_only_grows(harness: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert known(harness) is None
    broken = {"tests": {A: ["passed", ""], B: ["failed", "why"]}, "modules": {"tests/deep": "no"}}
    assert compared(harness, broken)
    assert known(harness) == {A}

    assert compared(harness, raw(failed=(B,)))
    assert known(harness) == {A, C}
    assert "gained: 1" in capsys.readouterr().out

    assert not compared(harness, raw(failed=(A,)))
    assert known(harness) == {A, C}, "a loss is not written"
    assert f"LOST: 1\n    {A}  (why)" in capsys.readouterr().out

    assert not compared(harness, {"tests": {}, "modules": {"": "conftest"}})
    assert "LOST: 2\n    everything: 2 tests  (conftest)" in capsys.readouterr().out
    assert not compared(harness, raw(failed=(A,)), tests=["tests/test_x.py"])
    assert compared(harness, raw(), tests=["tests/test_x.py"])
    assert known(harness) == {A, C}, "a narrowed run writes nothing"

    with pytest.raises(harness.suites.HarnessError, match="no test"):
        compared(harness, {"tests": {}, "modules": {}}, k="nothing")

    assert compared(harness, raw(failed=(A,)), accept=True)
    assert known(harness) == {B, C}
    readme = (harness.folder / "results" / "README.md").read_text()
    assert "**2 of 3 pass (66.7 %)**" in readme
    assert "| `why` | 1 |" in readme


def test_results_of_another_python_are_not_written(harness: Any) -> None:
    harness.baseline.python = "3.0"
    assert compared(harness, raw(failed=(A,)))
    assert known(harness) is None


def listed(harness: Any, *tests: str, reason: str = "asserts a repr") -> None:
    text = f"[[exception]]\nreason = {json.dumps(reason)}\ntests = {json.dumps(tests)}\n"
    (harness.folder / "flask.toml").write_text(text)


def test_strict_wants_every_failure_listed_and_every_listed_test_to_fail(harness: Any) -> None:
    assert not compared(harness, raw(failed=(C,)), strict=True)
    listed(harness, C)
    assert compared(harness, raw(failed=(C,)), strict=True)
    assert not compared(harness, raw(failed=(A, C)), strict=True)
    assert not compared(harness, raw(), strict=True)
    assert compared(harness, raw())
    assert compared(harness, raw(failed=(C,))), "what is listed is not lost"


@pytest.mark.parametrize(
    ("entry", "tests"),
    [(A, {A}), ("tests/test_x.py::test_a", {A, B}), ("tests/test_x.py", {A, B})],
)
def test_an_entry_is_an_id_or_its_parameters_or_a_module(
    harness: Any, entry: str, tests: set[str]
) -> None:
    listed(harness, entry)
    found = harness.outcomes.exceptions(harness.suite, harness.baseline)
    assert found == dict.fromkeys(tests, "asserts a repr")


def test_bad_entries_are_refused(harness: Any) -> None:
    for tests, reason in (
        [("tests/nope.py",), "why"],
        [(A, "tests/test_x.py"), "why"],
        [(A,), " "],
    ):
        listed(harness, *tests, reason=reason)
        with pytest.raises(harness.suites.HarnessError):
            harness.outcomes.exceptions(harness.suite, harness.baseline)


def test_the_checked_in_files_belong_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(CONFORMANCE)
    import outcomes
    import upstream

    # Asked elsewhere: importing it here would replace the packages in this process.
    code = "import carboy.dropin, json; print(json.dumps(carboy.dropin.VERSIONS))"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(asked.stdout) == {
        name: upstream.SUITES[name].version for name in ("fastapi", "flask")
    }
    for suite in upstream.SUITES.values():
        baseline = outcomes.Baseline.load(suite)
        results = outcomes.Results(suite)
        passed = results.passed(baseline)
        counts = outcomes.read(results.path)["counts"]
        assert passed is not None
        assert len(passed) == counts["passed"]
        assert len(baseline.passed) == counts["upstream passes"]
        outcomes.exceptions(suite, baseline)


STARTUP = CONFORMANCE.parent / "src" / "carboy" / "startup"


def plugin_run(folder: Path, *, face: str = "fastapi") -> tuple[int, dict[str, Any], str]:
    written = folder / "outcomes.json"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(STARTUP), str(CONFORMANCE)]),
        "CARBOY_DROPIN": face,
        "CONFORMANCE_OUTCOMES": str(written),
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "plugin", "--rootdir", str(folder),
         "-c", os.devnull, "--continue-on-collection-errors", "tests"],
        cwd=folder, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    found = json.loads(written.read_text()) if written.exists() else {}
    return done.returncode, found, done.stdout + done.stderr


def test_the_plugin_writes_outcomes_and_reasons(tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "test_x.py").write_text(
        "import subprocess, sys\n"
        "import pytest\n"
        "import fastapi\n"
        "CHILD = 'import fastapi; print(fastapi.__name__); fastapi.nope'\n"
        "def test_it_is_carboys(): assert fastapi.__name__ == 'carboy.fastapi'\n"
        "def test_child():\n"
        "    done = subprocess.run([sys.executable, '-c', CHILD], capture_output=True, text=True)\n"
        "    assert done.stdout == 'carboy.fastapi\\n'\n"
        "    assert not done.returncode, done.stderr\n"
        "def test_path(): raise ValueError(f'{object()} in {__file__}')\n"
        "@pytest.fixture\n"
        "def late():\n"
        "    yield\n"
        "    raise KeyError('late')\n"
        "def test_teardown(late): pass\n"
        "def test_skip(): pytest.skip('no')\n"
        "@pytest.mark.xfail\n"
        "def test_xfail(): assert 0\n"
    )
    (tests / "test_y.py").write_text("import fastapi.nope\ndef test_c(): pass\n")
    code, found, output = plugin_run(tmp_path)
    assert code == 1, output
    assert {name.partition("::")[2]: value for name, value in found["tests"].items()} == {
        "test_it_is_carboys": ["passed", ""],
        "test_child": [
            "failed",
            "AttributeError: module 'carboy.fastapi' has no attribute 'nope'",
        ],
        "test_path": ["failed", "ValueError: <object object at 0x...> in tests/test_x.py"],
        "test_teardown": ["failed", "KeyError: 'late'"],
        "test_skip": ["skipped", ""],
        "test_xfail": ["xfailed", ""],
    }
    assert found["modules"] == {
        "tests/test_y.py": "ModuleNotFoundError: No module named 'fastapi.nope', the face lacks it"
    }


def test_the_plugin_stops_a_run_in_which_the_real_package_answers(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_x.py").write_text("def test_a(): pass\n")
    code, found, output = plugin_run(tmp_path, face="django")
    assert (code, found) == (70, {}), output
    assert "Carboy has no face for django" in output
