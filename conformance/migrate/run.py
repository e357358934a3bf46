"""What `carboy migrate convert` does by itself, and what of it is proved: `make migrate-report`.

    python conformance/migrate/run.py [SAMPLE ...] [--keep FOLDER] [--no-write]

httpbin comes from PyPI, pinned; the blog and the library are tests/migrate/samples. Each is
copied twice; one copy is converted, and `carboy migrate verify` asks both what the sample's list of
requests says, the old one on Flask. A view counts where it was converted and verify has exercised
it without a difference. Views are what the running application has, not what the tool has found.
Exit: 0; 2, the report could not be made.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from carboy.migrate.convert import plan

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PACKAGES = ROOT / ".conformance" / "migrate"
SAMPLES = ROOT / "tests" / "migrate" / "samples"
RESULTS = ROOT / "benchmarks" / "results" / "migrate.md"
#: Says the same figures in a table of its own.
GUIDE = ROOT / "docs" / "migrating.md"
#: httpbin without Flask and Werkzeug, which are those of the environment.
PINNED = (
    "httpbin==0.10.4",
    "brotlicffi==1.2.1.0",
    "cffi==2.1.1",
    "decorator==5.3.1",
    "pycparser==3.12",
    "six==1.17.0",
)
#: Loads a sample's application with a filled database in its own folder.
FILLED = """import sys
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.append(str(here / "tests"))
from conftest import make_app

app = make_app(here)
"""
#: Prints the endpoints of views that are defined in the folder, not in a library.
COUNTED = """
import importlib, json, sys
module, name = sys.argv[1].split(":")
app = getattr(importlib.import_module(module), name)
found = set()
for endpoint, view in app.view_functions.items():
    cls = getattr(view, "view_class", view)
    source = getattr(sys.modules[cls.__module__], "__file__", "")
    if source.startswith(sys.argv[2]):
        found.add(endpoint)
print(json.dumps(sorted(found)))
"""


class NoReport(Exception):
    """A step failed; the message says which, and what it printed."""


@dataclass
class Sample:
    """One application: where it is, how it is loaded, and what is asked of it."""

    name: str
    source: Path
    app: str
    requests: Path
    #: Patterns of what its views make by chance.
    chance: tuple[str, ...] = ()


@dataclass
class Outcome:
    """What became of one sample's views, by endpoint."""

    sample: Sample
    views: list[str]
    plan: dict[str, dict[str, Any]]
    proved: dict[str, dict[str, Any]]
    without_route: int = 0
    #: Views that are a library's own and answer differently now.
    beside: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def converted(self) -> list[str]:
        return [one for one in self.views if self.plan.get(one, {}).get("converts")]

    @property
    def verified(self) -> list[str]:
        return [
            one
            for one in self.converted
            if self.proved.get(one, {}).get("requests") and not self.proved[one]["differences"]
        ]

    def reasons(self) -> list[tuple[str, str]]:
        """(endpoint, why it does not count) of every view that does not."""
        return [(one, self._reason(one)) for one in self.views if one not in self.verified]

    def _reason(self, endpoint: str) -> str:
        known = self.plan.get(endpoint)
        if known is None:
            return "the converter does not know this kind of view"
        if not known["converts"]:
            return "; ".join(known["reasons"])
        proof = self.proved.get(endpoint, {"requests": 0, "differences": []})
        if not proof["requests"]:
            return "converted, but no request reached it"
        first = proof["differences"][0]
        return f"converted, but {first['method']} {first['path']} differs: {first['what']}"


def samples(names: list[str]) -> list[Sample]:
    """The samples that were asked for, all if none was."""
    known = {
        "httpbin": Sample(
            "httpbin",
            PACKAGES / "httpbin",
            "httpbin:app",
            HERE / "httpbin_walk.py",
            chance=(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", r'(nonce|opaque)="[0-9a-f]+"'),
        ),
        **{
            name: Sample(name, SAMPLES / name, "filled:app", SAMPLES / name / "walk.py")
            for name in ("blog", "library")
        },
    }
    if unknown := set(names) - set(known):
        raise NoReport(f"there is no sample {sorted(unknown)[0]!r}: {', '.join(known)}")
    return [known[name] for name in names or known]


def fetch() -> None:
    """Have httpbin and what it needs below .conformance/migrate."""
    if (PACKAGES / "httpbin").is_dir():
        return
    words = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    run([*words, str(PACKAGES), *PINNED], ROOT)


def run(words: list[str], folder: Path, allowed: tuple[int, ...] = (0,)) -> str:
    """What a command printed. NoReport: it ended with another status."""
    paths = [str(ROOT / "src"), str(PACKAGES), os.environ.get("PYTHONPATH", "")]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    done = subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True)
    if done.returncode not in allowed:
        raise NoReport(f"{' '.join(words)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def convert(folder: Path) -> list[dict[str, Any]]:
    """Convert the project in `folder`; what is said of each view."""
    made = plan(folder)
    for name, text in made.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    views: list[dict[str, Any]] = json.loads(json.dumps(made.as_json()["views"]))
    return views


def measure(sample: Sample, folder: Path) -> Outcome:
    """Convert and verify one sample below `folder`."""
    old, new = folder / "old", folder / "new"
    for side in (old, new):
        target = side / "httpbin" if sample.name == "httpbin" else side
        left_out = shutil.ignore_patterns("__pycache__", "instance", ".pytest_cache")
        shutil.copytree(sample.source, target, ignore=left_out)
    carboy = [sys.executable, "-m", "carboy", "migrate"]
    planned = {one["endpoint"]: one for one in convert(new)}
    if sample.app == "filled:app":
        for side in (old, new):
            (side / "filled.py").write_text(FILLED, encoding="utf-8")
    report = folder / "verify.json"
    words = [*carboy, "verify", f"{old}:{sample.app}", f"{new}:{sample.app}"]
    asked = ["--requests", str(sample.requests), "--json", str(report)]
    asked += [word for pattern in sample.chance for word in ("--mask", pattern)]
    run([*words, *asked], folder, allowed=(0, 1))
    proof = json.loads(report.read_text(encoding="utf-8"))
    views = json.loads(run([sys.executable, "-c", COUNTED, sample.app, str(old)], old))
    outside = [one for name, one in proof["views"].items() if name.startswith("(")]
    differing = sum(len(one["differences"]) for one in outside)
    own = {*views, *(name for name in proof["views"] if name.startswith("("))}
    beside = [name for name, one in proof["views"].items() if one["differences"]]
    beside = [name for name in beside if name not in own]
    return Outcome(sample, views, planned, proof["views"], differing, beside)


def table(outcomes: list[Outcome]) -> str:
    """The report, in Markdown."""
    lines = [
        "# What `carboy migrate convert` does by itself",
        "",
        "Written by `make migrate-report`. A view counts where the tool has given it a typed",
        "signature without Flask's proxies, and `carboy migrate verify` has exercised it against",
        "the original on Flask without a difference. What a view makes by chance (httpbin's UUIDs,",
        "nonces) is masked.",
        "",
        "| sample | views | converted by the tool | verified without a difference | of all |",
        "|---|---|---|---|---|",
    ]
    for one in outcomes:
        share = f"{100 * len(one.verified) / len(one.views):.0f} %"
        counts = [len(one.views), len(one.converted), len(one.verified), share]
        lines.append(f"| {one.sample.name} | " + " | ".join(map(str, counts)) + " |")
    for one in outcomes:
        lines += ["", f"## {one.sample.name}", ""]
        reasons = one.reasons()
        lines += [f"- `{endpoint}`: {reason}" for endpoint, reason in reasons]
        if not reasons:
            lines.append("Every view counts.")
        if one.beside:
            names = ", ".join(f"`{name}`" for name in one.beside)
            lines += [
                "",
                f"Views of libraries, not counted above, that answer differently: {names}.",
            ]
        if one.without_route:
            lines += ["", f"Requests that no route takes differ in {one.without_route} places."]
    return "\n".join(lines) + "\n"


def guide(text: str, outcomes: list[Outcome]) -> str:
    """The guide with these figures in the rows of its table that begin with samples' names."""
    for one in outcomes:
        share = f"{100 * len(one.verified) / len(one.views):.0f} %"
        figures = f"{len(one.views)} | {len(one.verified)} | {share}"
        row = re.compile(
            rf"^(\| {one.sample.name}\b[^|]* \|) \d+ \| \d+ \| \d+ % \|$", re.MULTILINE
        )
        text, count = row.subn(rf"\1 {figures} |", text)
        assert count == 1, f"{GUIDE} has no row for {one.sample.name}"
    return text


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("samples", nargs="*", metavar="SAMPLE")
    parser.add_argument("--keep", type=Path, help="leave both copies of each sample here")
    parser.add_argument("--no-write", action="store_true", help="print only")
    given = parser.parse_args()
    try:
        chosen = samples(given.samples)
        fetch()
        with tempfile.TemporaryDirectory(prefix="carboy-migrate-") as temporary:
            folder = given.keep or Path(temporary)
            outcomes = [measure(one, folder / one.name) for one in chosen]
    except NoReport as error:
        print(error, file=sys.stderr)
        return 2
    text = table(outcomes)
    print(text, end="")
    if not given.no_write and not given.samples:
        RESULTS.write_text(text, encoding="utf-8")
        GUIDE.write_text(guide(GUIDE.read_text("utf-8"), outcomes), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
