"""Finds the newest CPython and makes the environments that the servers run in.

The main environment holds Carboy (editable, so the working tree is what is
measured) and every peer of ``requirements.txt``. Peers whose pins clash with the
others get a small environment apart. A stamp file remembers what was installed, so
that only a change of requirements or interpreter costs a new download.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"
VENVS = ROOT / ".bench-venv"
OLDEST, NEWEST = 11, 30
INSTALL_SECONDS = 900
PROBE = "import sys; print(sys.implementation.name, *sys.version_info[:3], sys.version_info[3])"
VERSIONS = (
    "import importlib.metadata as m\n"
    "for d in m.distributions(): print(d.metadata['Name'], d.version)"
)


@dataclass
class Environment:
    """One virtual environment, or the reason why there is none."""

    name: str
    path: Path
    problem: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def bin(self) -> Path:
        """The folder of its commands."""
        return self.path / "bin"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.bin / "python"


def tidy(text: str) -> str:
    """Take addresses and this machine's paths out of a message that gets published."""
    text = re.sub(r"\w+://\S+", "<address>", text)
    for path, name in ((str(ROOT), "."), (sys.prefix, "<python>"), (str(Path.home()), "~")):
        text = text.replace(path, name)
    return re.sub(r"(?<![\w.~<>])/(?:[\w.+-]+/)+", ".../", text)


def child_env(**extra: str) -> dict[str, str]:
    """Return a lean environment, the same for every server and script."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return kept | {"LANG": "C.UTF-8", "PYTHONPATH": str(BENCHMARKS)} | extra


def newest_python() -> Path:
    """Return the newest released CPython on PATH or under pyenv, else the running one."""
    found = [(_version(Path(sys.executable)), Path(sys.executable))]
    for candidate in _candidates():
        version = _version(candidate)
        if version > found[0][0]:
            found.insert(0, (version, candidate))
    return found[0][1]


def _candidates() -> list[Path]:
    names = [f"python3.{minor}" for minor in range(OLDEST, NEWEST)]
    paths = [Path(path) for name in names if (path := shutil.which(name))]
    if shutil.which("pyenv"):
        asked = subprocess.run(["pyenv", "root"], capture_output=True, text=True, timeout=30)
        versions = Path(asked.stdout.strip()) / "versions"
        if asked.returncode == 0 and versions.is_dir():
            paths += sorted(versions.glob("3.*/bin/python"))
    return paths


def _version(python: Path) -> tuple[int, ...]:
    """Return (major, minor, micro), or nothing for what is no released CPython."""
    try:
        asked = subprocess.run(
            [python, "-c", PROBE], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    name, *numbers, level = asked.stdout.split()
    return tuple(map(int, numbers)) if (name, level) == ("cpython", "final") else ()


def main_environment(python: Path) -> Environment:
    """Make the environment that Carboy and most peers share."""
    requirements = BENCHMARKS / "requirements.txt"
    env = _prepare(Environment("main", VENVS / "main"), python, requirements.read_text())
    if not env.problem:
        problem = _install_carboy(env, requirements)
        env.versions = _versions(env)
        if problem:
            env.versions.pop("carboy", None)
            print(f"Carboy is not installed: {problem}")
    return env


def extra_environment(name: str, requirement: str, python: Path) -> Environment:
    """Make the environment of one peer with pins of its own."""
    env = _prepare(Environment(name, VENVS / name), python, requirement + "\n")
    if not env.problem:
        env.versions = _versions(env)
    return env


def _prepare(env: Environment, python: Path, requirements: str) -> Environment:
    wanted = hashlib.sha256(f"{_version(python)}\n{requirements}".encode()).hexdigest()
    stamp = env.path / "installed"
    if stamp.is_file() and stamp.read_text() == wanted:
        return env
    print(f"installing the environment {env.name} ...", flush=True)
    shutil.rmtree(env.path, ignore_errors=True)
    env.path.parent.mkdir(exist_ok=True)
    env.problem = _run([python, "-m", "venv", env.path])
    if not env.problem:
        listed = env.path / "requirements.txt"
        listed.write_text(requirements)
        env.problem = _pip(env, "-r", listed)
    if not env.problem:
        stamp.write_text(wanted)
    return env


def _install_carboy(env: Environment, requirements: Path) -> str:
    if not (ROOT / "pyproject.toml").is_file():
        return "the repository has no pyproject.toml"
    return _pip(env, "-e", ROOT, "-r", requirements)


def _pip(env: Environment, *args: str | Path) -> str:
    return _run([env.python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *args])


def _run(command: list[str | Path]) -> str:
    """Run an installing command; return what went wrong, or nothing."""
    lasting = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_SECONDS, env=lasting
        )
    except subprocess.TimeoutExpired:
        return f"installing took more than {INSTALL_SECONDS} s"
    if done.returncode == 0:
        return ""
    lines = [line for line in done.stderr.splitlines() if "error" in line.lower()]
    return tidy(lines[0] if lines else f"the installer ended with {done.returncode}")


def _versions(env: Environment) -> dict[str, str]:
    asked = subprocess.run(
        [env.python, "-c", VERSIONS],
        capture_output=True, text=True, timeout=60, check=True, env=child_env(),
    )  # fmt: skip
    pairs = (line.split() for line in asked.stdout.splitlines())
    return {name.lower(): version for name, version in sorted(pairs)}
