"""The suites of much used Flask extensions, and httpbin's, as one suite: each extension is a part.

Their own sdists hold the tests; the extensions themselves are installed from the index at the same
versions, all in one environment, with real Flask beside it for the baseline. Tests that upstream
fails there (a server that is not at hand, a newer library) are not in the baseline, and so don't
count. A part runs in one process: some suites write into their folder. What an archive lacks of
its own tests' support stands in `support/<name>/` and is laid over it.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from suites import HERE, ROOT, Part, Suite, extract, fetch, install_real, pip

FLASK = ("flask", "3.1.3", "0ef0e52b8a9cd932855379197dd8f94047b359ca0a78695144304cb45f87c9eb")
#: pytest plugins in the environment that change tests which have not asked for them.
UNASKED = ("flask", "asyncio", "cacheprovider")
#: What archives are built with; pip asks them for their metadata.
BACKENDS = ("setuptools>=77", "setuptools-scm>=8", "hatch-vcs>=0.4")


@dataclass(frozen=True)
class Extension:
    """One extension: its archive, and how its suite is run."""

    name: str
    version: str
    sha256: str  # of the sdist
    needs: tuple[str, ...] = ()  # its tests' requirements
    tests: tuple[str, ...] = ("tests",)
    plugins: tuple[str, ...] = ()  # of UNASKED, what it asks for
    ignored: tuple[str, ...] = ()  # modules that can't be collected on real Flask
    options: tuple[str, ...] = ()  # for pytest

    @property
    def arguments(self) -> tuple[str, ...]:
        """pytest's; `addopts` is emptied, since it asks for coverage at most."""
        without = [f"no:{plugin}" for plugin in UNASKED if plugin not in self.plugins]
        given = ["-o", "addopts="]
        for plugin in without:
            given += ["-p", plugin]
        return (*given, *(f"--ignore={module}" for module in self.ignored), *self.options)


EXTENSIONS = (
    # The longest first: parts run side by side.
    Extension(
        "flask-migrate",
        "4.1.0",
        "1a336b06eb2c3ace005f5f2ded8641d534c18798d64061f6ff11f79e1434126d",
        options=("--timeout=300",),  # a test starts the flask command ten times
    ),
    Extension(
        "apiflask",
        "3.1.2",
        "9e19b554631a518a637c8a77887be37f37d46aeeee3d4a863bc4f6f0128bde23",
        needs=("openapi-spec-validator", "python-dotenv"),
    ),
    Extension(
        "flask-sqlalchemy",
        "3.1.1",
        "e4b68bb881802dda1a7d878b2fc84c06d1ee57fb40b874d3dc97dabfa36b8312",
    ),
    Extension(
        "httpbin", "0.10.4", "6023a5a2e8fb8e91abdd6d34d1f1f455092f97d567c25600e1b48ee1178aa738"
    ),
    Extension(
        "flask-restx",
        "1.3.2",
        "0ae13d77e7d7e4dce513970cfa9db45364aef210e99022de26d2b73eb4dbced5",
        needs=(
            "blinker",
            "faker",
            "mock",
            "pytest-benchmark",
            "pytest-flask",
            "pytest-mock",
            "tzlocal",
        ),
        plugins=("flask",),
        ignored=("tests/test_postman.py",),  # reads a file that is not in the archive
    ),
    Extension(
        "flask-smorest",
        "0.47.0",
        "a415ce7db3d7e63dd854eb16d59047686dbf5d31c4913e245fa5657f88e7788d",
        needs=("PyYAML",),
    ),
    Extension(
        "flask-limiter",
        "4.1.1",
        "ca11608fc7eec43dcea606964ca07c3bd4ec1ae89043a0f67f717899a4f48106",
        needs=(
            "asgiref",
            "hiro",
            "pymemcache",
            "pymongo",
            "pytest-check",
            "pytest-mock",
            "redis",
            "rich",
        ),
    ),
    Extension(
        "flask-caching",
        "2.5.1",
        "f75b451fde3faac0e278da72263818134deca8c4ba6bb07b9b3b238991368dae",
        needs=("asgiref", "pytest-asyncio", "pytest-xprocess", "redis"),
        plugins=("asyncio", "cacheprovider"),
        options=("-o", "asyncio_default_fixture_loop_scope=function"),
    ),
    Extension(
        "flask-cors", "6.0.5", "30c5031552cd59f620ac0c8211dac45b345d3b2df310e7721879e4f46ef9c601"
    ),
    Extension(
        "flask-login",
        "0.6.3",
        "5e23d14a607ef12806c699590b89d0f0e0d67baeec599d75947bf9c147330333",
        needs=("asgiref", "blinker", "semantic-version"),
    ),
    Extension(
        "flask-wtf",
        "1.3.0",
        "61d5dabc50c3df885c297dcbd80810443a5d632106c8a69cab8ce740f0cdd7cc",
        needs=("flask-babel", "flask-reuploaded"),
    ),
    Extension(
        "flask-jwt-extended",
        "4.7.4",
        "78fd0f460317facf3a0084a6457ffaf2f1dda9eefbd576f94cea35b0eadd5531",
        needs=("cryptography", "python-dateutil"),
    ),
    Extension(
        "flask-restful",
        "0.3.10",
        "fe4af2ef0027df8f9b4f797aba20c5566801b6ade995ac63b588abf1a59cec37",
        needs=("mock", "pynose"),
        ignored=("tests/test_api.py",),  # imports what Flask 3 no longer has
    ),
    Extension(
        "flask-httpauth",
        "4.8.1",
        "88499b22f1353893743c3cd68f2ca561c4ad9ef75cd6bcc7f621161cd0e80744",
        needs=("asgiref",),
    ),
    Extension(
        "flask-socketio",
        "5.7.0",
        "aa01e50106962808dadc245407c3b6354295b1526e888bd154dc7ff4801a7c88",
        needs=("redis",),
        tests=("test_socketio.py",),
    ),
    Extension(
        "flask-marshmallow",
        "1.5.0",
        "7c06b56e41647eccdb3cd57c25b109f19191b4c62509362bd64920cdf601a066",
        needs=("marshmallow-sqlalchemy",),
    ),
    Extension(
        "flask-compress", "1.25", "802954fb3af048cf4ca2a3b414393bf2b98466ae8067e6654ea0aa34ba34aff5"
    ),
    Extension(
        "flask-talisman",
        "1.1.0",
        "c5f486f5f54420729f84b3c3850cd63f96e8b033a9629bee66c524ea363797ff",
        tests=("flask_talisman",),
    ),
    Extension(
        "flask-dance",
        "7.1.0",
        "6d0510e284f3d6ff05af918849791b17ef93a008628ec33f3a80578a44b51674",
        needs=("betamax", "freezegun", "oauthlib[signedtoken]", "pytest-mock", "responses"),
    ),
    Extension(
        "flask-openapi3",
        "4.3.2",
        "a53a74bd71f07f5fa491c9cc928c7fc2c005a62f21e06b6aa27cfc11aa9ae1bc",
        needs=("asgiref", "PyYAML"),
    ),
    Extension(
        "flask-moment", "1.0.6", "2f8969907cbacde4a88319792e8f920ba5c9dd9d99ced2346cad563795302b88"
    ),
)


@dataclass(frozen=True)
class Extensions(Suite):
    """All of them as one suite, whose tests' ids begin with the extension's name."""

    name: str = "extensions"
    version: str = FLASK[1]
    sha256: str = FLASK[2]
    package: str = ""
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    # SQLAlchemy: later ones refuse classes of Flask-SQLAlchemy's own tests. pytest: later ones
    # don't collect the modules of Flask-RESTful's whose tests yield.
    pins: tuple[str, ...] = ("werkzeug==3.1.8", "sqlalchemy==2.0.25", "pytest<8.4", *BACKENDS)
    arguments: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    members: tuple[Extension, ...] = EXTENSIONS

    strict: ClassVar[bool] = True
    row: ClassVar[str] = "extension"

    @property
    def label(self) -> str:
        return self.name

    @property
    def title(self) -> str:
        return f"extensions of Flask {self.version}"

    @property
    def face(self) -> str:
        return "flask"

    @property
    def parts(self) -> list[Part]:
        return [
            Part(member.name, self.tree / member.name, member.arguments, member.tests)
            for member in self.members
        ]

    @property
    def binaries(self) -> list[Path]:
        """The `flask` command, too: suites start it, and it imports whichever Flask is there."""
        folder = "Scripts" if os.name == "nt" else "bin"
        return [*super().binaries, self.folder / "real" / folder]

    def row_of(self, test: str) -> str:
        name = test.partition("/")[0]
        return next(f"{m.name} {m.version}" for m in self.members if m.name == name)

    def install(self, constraints: list[str | Path]) -> None:
        pip(self, "install", *BACKENDS)
        needed = {need for member in self.members for need in member.needs}
        wanted = [f"{member.name}=={member.version}" for member in self.members]
        flask = f"flask[async]=={self.version}"
        pip(self, "install", *constraints, flask, *wanted, *sorted(needed), *self.pins,
            "pytest-timeout>=2.3", "--no-build-isolation",
            "--editable", f"{ROOT}[test]")  # fmt: skip
        (sdist,) = fetch(self, [FLASK])
        install_real(self, sdist)

    def unpack(self) -> None:
        pins = [(member.name, member.version, member.sha256) for member in self.members]
        shutil.rmtree(self.tree, ignore_errors=True)
        self.tree.mkdir(parents=True)
        for member, sdist in zip(self.members, fetch(self, pins), strict=True):
            folder = self.tree / member.name
            extract(sdist, folder)
            support = HERE / "support" / member.name
            if support.is_dir():
                shutil.copytree(support, folder, dirs_exist_ok=True)
            if not configured(folder):  # or pytest takes the configuration of a folder above
                (folder / "pytest.ini").write_text("[pytest]\n")


def configured(folder: Path) -> bool:
    """Whether pytest finds a configuration of its own in a suite's folder."""
    places = {
        "pytest.ini": "[pytest]",
        "pyproject.toml": "[tool.pytest.ini_options]",
        "tox.ini": "[pytest]",
        "setup.cfg": "[tool:pytest]",
    }
    return any(
        (folder / name).exists() and section in (folder / name).read_text()
        for name, section in places.items()
    )
