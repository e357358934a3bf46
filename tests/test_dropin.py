"""`carboy.dropin`: one module object under two names, and no way back to the real packages.

Every case runs in a process of its own, where packages that call themselves fastapi and flask are
installed: what stands in for them must hide them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder on the path with packages named fastapi and flask, and fastapi's metadata."""
    for name in ("fastapi", "flask"):
        package = tmp_path / name
        package.mkdir()
        (package / "__init__.py").write_text("REAL = True\n")
        (package / "only_real.py").write_text("REAL = True\n")
    info = tmp_path / "fastapi-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fastapi\nVersion: 0.1\n")
    return tmp_path


def run(site: Path, code: str, faces: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    environment.pop("CARBOY_DROPIN", None)
    if faces is not None:
        environment["CARBOY_DROPIN"] = faces
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        cwd=site,
    )


def check(site: Path, code: str, faces: str | None = None) -> None:
    done = run(site, code, faces=faces)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_packages_of_the_fixture_are_found_without_the_dropin(site: Path) -> None:
    check(site, "import fastapi.only_real, flask; assert fastapi.REAL and flask.REAL")


@pytest.mark.parametrize("face", ["fastapi", "flask"])
def test_one_object_under_two_names(site: Path, face: str) -> None:
    module = {"fastapi": "routing", "flask": "json.tag"}[face]
    check(
        site,
        f"""
import carboy.dropin, sys
import {face}.{module}
import carboy.{face}.{module}
assert {face} is carboy.{face}
assert {face}.{module} is carboy.{face}.{module}
for name in ("{face}", "{face}.{module}"):
    assert sys.modules[name] is sys.modules["carboy." + name]
    assert sys.modules[name].__spec__.name == sys.modules[name].__name__ == "carboy." + name
    assert not hasattr(sys.modules[name], "REAL")
""",
    )


def test_modules_that_carboy_loaded_before_are_the_same_afterwards(site: Path) -> None:
    check(
        site,
        """
import carboy.fastapi.routing as before
import carboy.dropin
import fastapi.routing
assert fastapi.routing is before
""",
    )


def test_every_way_to_import(site: Path) -> None:
    check(
        site,
        """
import carboy.dropin
from fastapi import FastAPI, Depends, status
from fastapi.param_functions import Depends as same
from fastapi import routing
import fastapi.exceptions as exceptions, importlib, importlib.util, pkgutil, carboy.fastapi
assert FastAPI is carboy.fastapi.FastAPI and Depends is same and status.HTTP_200_OK == 200
assert routing is importlib.import_module("fastapi.routing")
assert exceptions is importlib.import_module(".exceptions", "fastapi")
assert pkgutil.resolve_name("fastapi.encoders:jsonable_encoder")({1: 2}) == {1: 2}
names = {}
exec("from fastapi import *", names)
assert names["FastAPI"] is FastAPI
""",
    )


def test_find_spec_before_and_after_the_import(site: Path) -> None:
    check(
        site,
        """
import carboy.dropin, importlib.util
spec = importlib.util.find_spec("fastapi.encoders")
assert spec.origin.replace(chr(92), "/").endswith("carboy/fastapi/encoders.py")
assert "def jsonable_encoder" in spec.loader.get_source("fastapi.encoders")
assert spec.loader.get_filename("fastapi.encoders") == spec.origin
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
import fastapi.encoders
assert fastapi.encoders is module
assert importlib.util.find_spec("fastapi.encoders").name == "carboy.fastapi.encoders"
assert importlib.util.find_spec("fastapi.only_real") is None
assert importlib.util.find_spec("fastapi").submodule_search_locations
importlib.reload(fastapi.encoders)
assert fastapi.encoders is module
""",
    )


def test_a_module_runs_by_the_replaced_name(site: Path) -> None:
    done = run(
        site,
        "import carboy.dropin, runpy\n"
        "names = runpy.run_module('fastapi.encoders')\n"
        "print(names['__name__'], names['jsonable_encoder']({1}))",
    )
    assert (done.stdout, done.stderr) == ("fastapi.encoders [1]\n", "")


def test_patching_by_name_reaches_carboy(site: Path) -> None:
    check(
        site,
        """
import carboy.dropin
from unittest import mock
import carboy.fastapi.encoders
with mock.patch("fastapi.encoders.jsonable_encoder", "patched"):
    assert carboy.fastapi.encoders.jsonable_encoder == "patched"
assert callable(carboy.fastapi.encoders.jsonable_encoder)
with mock.patch("flask.json.tag.TaggedJSONSerializer", "patched"):
    import carboy.flask.json.tag
    assert carboy.flask.json.tag.TaggedJSONSerializer == "patched"
""",
    )


def test_pickles_by_both_names(site: Path) -> None:
    check(
        site,
        """
import carboy.dropin, pickle
from fastapi.exceptions import HTTPException
assert pickle.loads(pickle.dumps(HTTPException)) is HTTPException
assert pickle.loads(b"cfastapi.exceptions\\nHTTPException\\n.") is HTTPException
""",
    )


def test_a_module_that_the_face_lacks_is_refused_and_says_why(site: Path) -> None:
    check(
        site,
        """
import carboy.dropin
for wanted in ("fastapi.only_real", "flask.only_real"):
    try:
        __import__(wanted)
    except ModuleNotFoundError as error:
        assert error.name == wanted
        assert "Carboy's face lacks this module" in str(error), error
    else:
        raise AssertionError(wanted)
try:
    from fastapi import only_real
except ImportError as error:
    assert "carboy.fastapi" in str(error)
else:
    raise AssertionError("only_real")
""",
    )


def test_metadata_names_the_version_the_face_answers_for(site: Path) -> None:
    check(site, "from importlib.metadata import version; assert version('fastapi') == '0.1'")
    check(
        site,
        """
import carboy.dropin
from importlib.metadata import distribution, distributions, entry_points, version
assert version("fastapi") == carboy.dropin.VERSIONS["fastapi"] == version("FastAPI")
assert version("flask") == carboy.dropin.VERSIONS["flask"]
assert distribution("flask").metadata["Name"] == "flask"
assert version("click") and entry_points() is not None
assert {"fastapi", "flask", "click"} <= {found.metadata["Name"] for found in distributions()}
""",
    )


def test_a_real_package_imported_before_is_an_error(site: Path) -> None:
    done = run(site, "import flask, carboy.dropin")
    assert done.returncode == 1
    assert "ImportError: the real flask was imported before carboy.dropin" in done.stderr


@pytest.mark.parametrize("by_environment", [True, False])
def test_one_face_only(site: Path, by_environment: bool) -> None:
    code = (
        "import carboy.dropin\n"
        + ("" if by_environment else "carboy.dropin.install('fastapi')\n")
        + "import fastapi, flask\n"
        "from importlib.metadata import version\n"
        "assert fastapi.__name__ == 'carboy.fastapi' and flask.REAL\n"
        "assert version('fastapi') == carboy.dropin.VERSIONS['fastapi']\n"
        "carboy.dropin.install('fastapi')\n"
    )
    check(site, code, faces="fastapi" if by_environment else None)


def test_what_was_imported_is_not_released(site: Path) -> None:
    check(
        site,
        """
import carboy.dropin, sys
import flask
try:
    carboy.dropin.install("fastapi")
except ImportError as error:
    assert "flask has been imported through carboy.dropin" in str(error)
else:
    raise AssertionError("released")
carboy.dropin.install()
carboy.dropin.install("flask", "fastapi")
assert sum(type(finder).__module__ == "carboy.dropin" for finder in sys.meta_path) == 1
try:
    carboy.dropin.install("django")
except ValueError as error:
    assert "no face for django" in str(error)
else:
    raise AssertionError("django")
""",
    )


def test_an_application_written_for_fastapi_answers(site: Path) -> None:
    (site / "service.py").write_text(
        "from fastapi import FastAPI\n"
        "from fastapi.exceptions import HTTPException\n"
        "app = FastAPI()\n"
        "@app.get('/items/{item_id}')\n"
        "def item(item_id: int) -> dict[str, int]:\n"
        "    if not item_id:\n"
        "        raise HTTPException(404, 'none')\n"
        "    return {'item_id': item_id}\n"
    )
    check(
        site,
        """
import carboy.dropin
from service import app
from carboy.testing import TestClient
client = TestClient(app)
assert client.get("/items/7").json() == {"item_id": 7}
assert client.get("/items/0").status_code == 404
""",
    )


def test_threads_that_import_both_names_at_once_get_one_module(site: Path) -> None:
    check(
        site,
        """
import carboy.dropin, importlib, threading
barrier, found = threading.Barrier(8), []
def load(number):
    barrier.wait()
    name = ("fastapi.applications", "carboy.fastapi.applications")[number % 2]
    found.append(importlib.import_module(name))
threads = [threading.Thread(target=load, args=(number,)) for number in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert len(found) == 8 and len(set(map(id, found))) == 1
""",
    )
