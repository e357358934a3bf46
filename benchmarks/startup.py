"""How long FastAPI and Carboy take to import, and to build 1,000 routes.

Every number is the median of fresh interpreters, the two frameworks turn by turn.
Start-up is the time of a whole interpreter that imports the framework and makes an
application with one typed route, less that of an interpreter that does nothing.
What happens inside of one interpreter is building.py's. ``run.py`` calls ``measure``;
``python benchmarks/startup.py [REPEATS]`` with an interpreter that has both
frameworks prints the same numbers alone.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from building import CLASSES, SHAPES
from harness.env import child_env, tidy
from harness.server import pinned

HEAVY = ("jinja2", "werkzeug", "opentelemetry", "httpx", "starlette.testclient")
ONE_ROUTE = """
from {module} import {name}
app = {name}()

@app.get("/hello")
async def hello(name: str | None = "World") -> dict[str, str]:
    return {{"message": f"Hello, {{name}}!"}}
"""
FREEZE = "\napp.freeze()\n"
LOADED = f"\nimport sys, json\nprint(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))\n"
BUILDING = str(Path(__file__).with_name("building.py"))
LONGEST_SECONDS = 120
FEWEST = 7

Numbers = dict[str, Any]


def measure(python: Path, frameworks: list[str], repeats: int = 9) -> Numbers:
    """Measure start-up, building and answering for the frameworks that are installed."""
    found: Numbers = {"repeats": repeats, "problems": {}}
    usable = [name for name in frameworks if _usable(python, name, found)]
    found["import"] = _import_times(python, usable, repeats)
    for shape in SHAPES:
        found[shape] = _inside(python, shape, usable, repeats)
    return found


def snippet(name: str) -> str:
    """Return the one-route application of a framework as source text."""
    code = ONE_ROUTE.format(module=name, name=CLASSES[name])
    return code + FREEZE if name == "carboy" else code


def _usable(python: Path, name: str, found: Numbers) -> bool:
    """Run everything once: it also fills the byte-code cache."""
    try:
        _output(python, "-c", snippet(name))
        _output(python, BUILDING, "nested", name)
    except RuntimeError as error:
        found["problems"][name] = str(error)
        print(f"  SKIPPED start-up of {name}: {error}", flush=True)
        return False
    return True


def _import_times(python: Path, usable: list[str], repeats: int) -> Numbers:
    snippets = {"nothing": "pass"} | {name: snippet(name) for name in usable}
    times: dict[str, list[float]] = {name: [] for name in snippets}
    for _ in range(repeats):
        for name, code in snippets.items():
            begun = time.perf_counter()
            _output(python, "-c", code)
            times[name].append(time.perf_counter() - begun)
    nothing = median(times["nothing"])
    return {
        name: {
            "seconds": median(taken),
            "net_seconds": median(taken) - nothing,
            "raw": taken,
            "loaded": json.loads(_output(python, "-c", snippets[name] + LOADED)),
        }
        for name, taken in times.items()
    }


def _inside(python: Path, shape: str, usable: list[str], repeats: int) -> Numbers:
    runs: dict[str, list[Numbers]] = {name: [] for name in usable}
    for _ in range(repeats):
        for name in usable:
            runs[name].append(json.loads(_output(python, BUILDING, shape, name)))
    return {
        name: {key: median(run[key] for run in raw) for key in raw[0]} | {"raw": raw}
        for name, raw in runs.items()
    }


def _output(python: Path, *args: str) -> str:
    """Run the interpreter on the servers' core and return what it printed."""
    command = pinned([str(python), *args])
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LONGEST_SECONDS, env=child_env()
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"not done after {LONGEST_SECONDS} s") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
        raise RuntimeError(tidy(lines[-1]))
    return done.stdout


def main() -> None:
    """Measure with the running interpreter."""
    repeats = max(FEWEST, int(sys.argv[1])) if len(sys.argv) > 1 else FEWEST
    print(json.dumps(measure(Path(sys.executable), list(CLASSES), repeats), indent=2))


if __name__ == "__main__":
    main()
