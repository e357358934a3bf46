"""The pytest plugin of a run: makes sure who answers, and writes down what became of every test.

CARBOY_DROPIN set: the drop-in is installed before any test module is imported, and the run ends if
the package is anything but Carboy's face. Not set: it is a baseline run of the real package.
Outcomes go to the file that CONFORMANCE_OUTCOMES names, as JSON:
`{"tests": {id: [outcome, reason]}, "modules": {id of what was not collected: reason}}`.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

FACE = os.environ.get("CARBOY_DROPIN", "")
ERROR_LINE = re.compile(r"^E +(\S.*)$", re.MULTILINE)
RAISED = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception|Warning|Exit)\b")
REASON_LENGTH = 160
#: What xdist adds to the id of a test in a group.
GROUP = re.compile(r"@[\w-]+$")

if FACE:
    import carboy.dropin

    carboy.dropin.install(FACE)
    if importlib.import_module(FACE).__name__ != f"carboy.{FACE}":
        raise SystemExit(f"{FACE} is not Carboy's: the run would show nothing")
    if door := os.environ.get("CONFORMANCE_DOOR"):
        from door import DOORS

        for name in door.split("+"):
            DOORS[name]()

#: What differs between machines and runs, or says nothing here, and what stands for it in a reason.
VARYING = [
    (re.compile(r": carboy\.dropin stands in for .*", re.DOTALL), ", the face lacks it"),
    (re.compile(re.escape(str(Path.cwd())) + r"/?"), ""),
    (re.compile(r"(?:/[\w.+-]+)*/site-packages/"), "site-packages/"),
    (re.compile(r"(?:/[\w.+-]+)*/src/carboy/"), "carboy/"),
    (re.compile(r"(?:/[\w.+-]+)*/pytest-of-[\w.-]+/pytest-\d+(?:/popen-gw\d+)?/"), "TMP/"),
    (re.compile(re.escape(tempfile.gettempdir()) + r"/(?:[\w.+-]+/)*"), "TMP/"),
    (re.compile(re.escape(sys.base_prefix) + r"/(?:[\w.+-]+/)*"), "PYTHON/"),
    (re.compile(re.escape(str(Path.home())) + r"/(?:[\w.+-]+/)*"), "HOME/"),
    (re.compile(r"0x[0-9a-f]{6,}"), "0x..."),
]


def one_line(text: str) -> str:
    """A reason without what varies, cut to a readable length."""
    for pattern, substitute in VARYING:
        text = pattern.sub(substitute, text)
    text = " ".join(text.split())
    return text if len(text) <= REASON_LENGTH else text[: REASON_LENGTH - 3] + "..."


def reason_of(report: Any) -> str:
    """The error in one line: what the traceback ends with."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        lines = [line.strip() for line in crash.message.splitlines() if line.strip()]
        lines = lines or ["no message"]
        if "Traceback (most recent call last)" in lines[0]:  # of a process that the test started
            lines = [line for line in lines[1:] if RAISED.match(line)][-1:] or lines
        return one_line(lines[0])
    text = str(report.longrepr)
    found = ERROR_LINE.findall(text)
    return one_line(found[-1] if found else text.strip().splitlines()[-1] if text.strip() else "?")


class Outcomes:
    """Collects outcomes; under xdist in the controlling process, which hears of every report."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tests: dict[str, list[str]] = {}
        self.modules: dict[str, str] = {}

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.modules[report.nodeid] = reason_of(report)

    def pytest_runtest_logreport(self, report: Any) -> None:
        name = GROUP.sub("", report.nodeid)
        known = self.tests.get(name)
        if known is not None and known[0] == "failed":
            return
        if report.failed:
            self.tests[name] = ["failed", reason_of(report)]
        elif report.skipped:
            self.tests[name] = ["xfailed" if hasattr(report, "wasxfail") else "skipped", ""]
        elif report.when == "call" and known is None:
            self.tests[name] = ["passed", ""]

    def pytest_sessionfinish(self) -> None:
        text = json.dumps({"tests": self.tests, "modules": self.modules})
        self.path.write_text(text, encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    if FACE and sys.modules[FACE].__name__ != f"carboy.{FACE}":
        raise pytest.UsageError(f"something has put another {FACE} in the face's place")
    path = os.environ.get("CONFORMANCE_OUTCOMES")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Outcomes(Path(path)), "conformance-outcomes")
