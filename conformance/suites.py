"""How a suite is prepared: pinned sdists, a test environment, and a clean tree to run in.

Everything that is made lies under `.conformance/<suite>-python<version>/`:

    sdist/   upstream's archive, fetched by pip by name and version, its sha256 checked
    venv/    upstream's test requirements, read from the archive, and Carboy
    real/    the real package, on the path for the baseline only
    trees/   the archive unpacked anew for every run, with the package's folder taken away

The versions of everything in venv/ stand in `requirements/<suite>.txt` and are installed from there
as constraints, so that counts differ only when Carboy or the harness does.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

HERE = Path(__file__).resolve().parent
#: Where the drop-in is installed from, in every process of a run.
STARTUP = HERE.parent / "src" / "carboy" / "startup"
ROOT = HERE.parent
WORK = ROOT / ".conformance"
BUILD_BACKENDS = ["pip>=25.1", "flit_core>=3.11,<4", "pdm-backend", "hatchling>=1.25", "editables"]
HARNESS = ["pytest-xdist>=3.6", "pytest-timeout>=2.3"]


class HarnessError(Exception):
    """The run could not be made; says nothing about the faces."""


@dataclass(frozen=True)
class Part:
    """One pytest of a suite: `arguments` and `tests` are its command line, in `folder`.

    `prefix` stands before the ids of its tests, with a slash between, where there are other parts.
    """

    prefix: str
    folder: Path
    arguments: tuple[str, ...]
    tests: tuple[str, ...]

    def whole(self, test: str) -> str:
        """The id in the suite of what is `test` in this part."""
        return f"{self.prefix}/{test}".rstrip("/") if self.prefix else test


@dataclass(frozen=True)
class Suite:
    """One upstream package at one version, and how its own suite is run."""

    name: str
    version: str
    sha256: str
    package: str  # its folder in the archive, taken away before a run
    extras: tuple[str, ...]  # of the archive's optional-dependencies
    groups: tuple[str, ...]  # of the archive's dependency-groups
    pins: tuple[str, ...]  # added, with their reason where they are given
    arguments: tuple[str, ...]  # for pytest
    path: tuple[str, ...]  # folders of the tree on PYTHONPATH, as upstream runs it

    #: Whether every failure has to be listed, `--strict` or not.
    strict: ClassVar[bool] = False
    #: What a row of the table of results is.
    row: ClassVar[str] = "folder"

    @property
    def label(self) -> str:
        return f"{self.name}-{self.version}"

    @property
    def face(self) -> str:
        """The package that Carboy stands in for."""
        return self.name

    @property
    def folder(self) -> Path:
        return WORK / f"{self.name}-python{sys.version_info.major}.{sys.version_info.minor}"

    @property
    def tree(self) -> Path:
        return self.folder / "trees" / str(os.getpid())

    @property
    def python(self) -> Path:
        return self.folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"

    @property
    def lock(self) -> Path:
        return HERE / "requirements" / f"{self.name}.txt"

    @property
    def parts(self) -> list[Part]:
        """What pytest is started for, each in a process of its own."""
        arguments = ("-p", "no:cacheprovider", *self.arguments[:-1])
        return [Part("", self.tree, arguments, self.arguments[-1:])]

    @property
    def binaries(self) -> list[Path]:
        """Folders that stand first on PATH."""
        return [self.python.parent]

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}"

    def row_of(self, test: str) -> str:
        """Where in the table of results a test is counted: the first folders of its module.

        Fine enough to see where the gaps are, coarse enough to be read.
        """
        return "/".join(PurePosixPath(test.partition("::")[0]).parent.parts[:3])

    def install(self, constraints: list[str | Path]) -> None:
        """Install upstream's requirements, and the real package beside them."""
        (sdist,) = fetch(self, [(self.name, self.version, self.sha256)])
        with tarfile.open(sdist) as tar:
            member = tar.extractfile(f"{self.label}/pyproject.toml")
            if member is None:
                raise HarnessError(f"{sdist.name} has no pyproject.toml")
            project = tomllib.loads(member.read().decode())
        pip(self, "install", *constraints, *requirements(project, self),
            "--no-build-isolation", "--editable", f"{ROOT}[test]")  # fmt: skip
        install_real(self, sdist)

    def unpack(self) -> None:
        """A new tree without the package: nothing in it can answer for the real one."""
        (sdist,) = fetch(self, [(self.name, self.version, self.sha256)])
        extract(sdist, self.tree)
        shutil.rmtree(self.tree / self.package)


def run(command: list[str | Path], **options: Any) -> None:
    """Run a step of the preparation, quietly unless it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **options,
    )
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-30:])
        raise HarnessError(f"{' '.join(map(str, command[:6]))} ... failed:\n{tail}")


def pip(suite: Suite, *arguments: str | Path) -> None:
    run([suite.python, "-m", "pip", "--disable-pip-version-check", *arguments])


def fetch(suite: Suite, wanted: Sequence[tuple[str, str, str]]) -> list[Path]:
    """The sdists of (name, version, sha256), fetched once; checksums are checked every time."""
    folder = suite.folder / "sdist"
    folder.mkdir(parents=True, exist_ok=True)

    def stored(name: str, version: str) -> Path | None:
        stem = canonical(f"{name}-{version}")
        return next((p for p in folder.glob("*.tar.gz") if canonical(p.name[:-7]) == stem), None)

    missing = [pin for pin in wanted if stored(*pin[:2]) is None]
    if missing:
        pins = folder / "requirements.txt"
        lines = [f"{name}=={version} --hash=sha256:{sha256}\n" for name, version, sha256 in missing]
        pins.write_text("".join(lines))
        # pip asks the archives for their metadata: build backends have to be in the environment.
        pip(suite, "download", "--no-deps", "--no-binary", ",".join(name for name, *_ in missing),
            "--no-build-isolation", "--require-hashes", "-r", pins, "-d", folder)  # fmt: skip
    paths = []
    for name, version, sha256 in wanted:
        path = stored(name, version)
        if path is None:
            raise HarnessError(f"pip fetched no archive of {name} {version}")
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != sha256:
            raise HarnessError(f"{path.name} has sha256 {found}, not the pinned {sha256}")
        paths.append(path)
    return paths


def canonical(name: str) -> str:
    """A distribution's name, or its archive's, as all its spellings are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(project: dict[str, Any], suite: Suite) -> list[str]:
    """What upstream's tests need: its dependencies, the extras and the groups, as it names them."""
    groups = project["dependency-groups"]

    def group(name: str) -> list[str]:
        found: list[str] = []
        for entry in groups[name]:
            found += [entry] if isinstance(entry, str) else group(entry["include-group"])
        return found

    needed = list(project["project"]["dependencies"])
    for extra in suite.extras:
        needed += project["project"]["optional-dependencies"][extra]
    for name in suite.groups:
        needed += group(name)
    return [*needed, *suite.pins, *HARNESS]


def extract(sdist: Path, tree: Path) -> None:
    """Unpack an archive anew; `tree` is the one folder that is in it."""
    shutil.rmtree(tree, ignore_errors=True)
    unpacked = tree.with_suffix(".unpacked")
    shutil.rmtree(unpacked, ignore_errors=True)
    with tarfile.open(sdist) as tar:
        tar.extractall(unpacked, filter="data")
    (only,) = unpacked.iterdir()
    only.rename(tree)
    unpacked.rmdir()


def install_real(suite: Suite, sdist: Path) -> None:
    """Put the real package where only the baseline looks."""
    shutil.rmtree(suite.folder / "real", ignore_errors=True)
    pip(suite, "install", "--no-deps", "--no-build-isolation",
        "--target", suite.folder / "real", sdist)  # fmt: skip
    # Should anything have asked for the real package, it goes: only the face may answer.
    pip(suite, "uninstall", "--yes", suite.face)


@contextlib.contextmanager
def held(suite: Suite, *, alone: bool) -> Iterator[None]:
    """Runs share an environment; nobody makes it anew under a run that uses it."""
    suite.folder.mkdir(parents=True, exist_ok=True)
    if fcntl is None:
        yield
        return
    with (suite.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


def stamp(suite: Suite) -> str:
    carboy = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    parts = [sys.version, repr(suite), repr(BUILD_BACKENDS + HARNESS), repr(carboy)]
    if suite.lock.exists():
        parts.append(suite.lock.read_text())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def prepare(suite: Suite, *, relock: bool = False) -> None:
    """Make the environment, unless the one that is there was made from the same pins."""
    mark = suite.folder / "stamp"

    def stale() -> bool:
        return relock or not mark.exists() or mark.read_text() != stamp(suite)

    if not stale():
        return
    with held(suite, alone=True):
        if stale():  # nobody made it while we waited
            mark.unlink(missing_ok=True)
            make(suite, relock=relock)
            mark.write_text(stamp(suite))


def make(suite: Suite, *, relock: bool) -> None:
    print(f"{suite.label}: making the environment", flush=True)
    venv.create(suite.folder / "venv", with_pip=True, clear=True)
    constraints: list[str | Path] = [] if relock or not suite.lock.exists() else ["-c", suite.lock]
    pip(suite, "install", *BUILD_BACKENDS)
    suite.install(constraints)
    if relock or not suite.lock.exists():
        write_lock(suite)


def write_lock(suite: Suite) -> None:
    frozen = subprocess.run(
        [suite.python, "-m", "pip", "freeze", "--exclude-editable", "--exclude", suite.face],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    pinned = [line for line in frozen.splitlines() if re.fullmatch(r"[\w.-]+==\S+", line)]
    suite.lock.parent.mkdir(exist_ok=True)
    head = f"# The environment of {suite.label}'s suite; `run.py {suite.name} --lock` writes it.\n"
    suite.lock.write_text(head + "\n".join(sorted(pinned, key=str.lower)) + "\n")


def environment(suite: Suite, *, ours: bool) -> dict[str, str]:
    """The variables of a run: who answers is decided here, and nowhere else."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PYTEST", "FLASK_", "FASTAPI_", "CARBOY_", "COVERAGE"))
    }
    path = [str(suite.tree / folder) for folder in suite.path] + [str(HERE)]
    path.append(str(STARTUP) if ours else str(suite.folder / "real"))
    if ours:
        kept["CARBOY_DROPIN"] = suite.face
    return {
        **kept,
        "PATH": os.pathsep.join([*map(str, suite.binaries), kept.get("PATH", "")]),
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
