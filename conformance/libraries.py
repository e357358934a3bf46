"""Libraries that reach into FastAPI, on FastAPI and on Carboy: `make libraries`.

Makes an environment with the libraries at pinned versions, FastAPI and Carboy, runs
libraries/applications.py with either, and compares every answer. Exit: 0, all equal; 1, not.
Their own test suites are not in what they publish on the package index, so these are not run here.
"""

import json
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
ENVIRONMENT = ROOT / ".conformance" / f"libraries-{sys.version_info[0]}.{sys.version_info[1]}"
PINS = (
    "fastapi==0.165.0",
    "prometheus-fastapi-instrumentator==8.1.0",
    "slowapi==0.1.10",
    "fastapi-pagination==0.16.1",
    "sqladmin==0.32.0",
    "httpx>=0.27",
    "python-multipart>=0.0.18",
)


def main() -> int:
    """Run both, compare, tell."""
    python = _environment()
    script = str(HERE / "libraries" / "applications.py")
    theirs = _run([str(python), script], "theirs")
    ours = _run([str(python), "-m", "carboy", "exec", "--", str(python), script], "ours")
    if (theirs.pop("by"), ours.pop("by")) != ("fastapi", "carboy.fastapi"):
        print("the wrong package answered")
        return 1
    failed = False
    for library, answers in theirs.items():
        other = [name for name in answers if ours[library].get(name) != answers[name]]
        failed = failed or bool(other)
        equal = len(answers) - len(other)
        print(f"{library.replace('_', '-')}: {equal} of {len(answers)} answers equal {other or ''}")
    return int(failed)


def _environment() -> Path:
    python = ENVIRONMENT / "bin" / "python"
    stamp = ENVIRONMENT / "pins"
    if not stamp.exists() or stamp.read_text() != repr(PINS):
        print("making the environment", flush=True)
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "--quiet", *PINS, "--editable", str(ROOT)]
        subprocess.run(command, check=True)
        stamp.write_text(repr(PINS))
    return python


def _run(command: list[str], name: str) -> dict[str, dict[str, object]]:
    written = ENVIRONMENT / f"{name}.json"
    subprocess.run([*command, str(written)], check=True, timeout=300)
    found: dict[str, dict[str, object]] = json.loads(written.read_text())
    return found


if __name__ == "__main__":
    sys.exit(main())
