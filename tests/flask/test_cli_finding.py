"""What is written after --app leads to an application, or to a message that says what to write."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from carboy.flask import Flask
from carboy.flask.cli import (
    NoAppException,
    ScriptInfo,
    find_app_by_string,
    find_best_app,
    locate_app,
    prepare_import,
)

FACTORIES = """
from carboy.flask import Flask

def create_app(name="made", **config):
    app = Flask(name)
    app.config.update(config)
    return app

def needs(one, two):
    return Flask(one + two)

def slips():
    return len(5)

def empty():
    return None

number = 5
"""


def module(**names: Any) -> ModuleType:
    made = ModuleType("shop")
    vars(made).update(names)
    return made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current folder, the first place of imports; what is imported there is forgotten."""
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    # This project's tests/app would be found as a module of the usual name.
    elsewhere = [path for path in sys.path if not (Path(path) / "app").is_dir()]
    monkeypatch.setattr(sys, "path", [str(tmp_path), *elsewhere])
    monkeypatch.delitem(sys.modules, "app", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delenv("FLASK_DEBUG", raising=False)
    yield tmp_path
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(
            sys.modules[name].__file__
        ):
            del sys.modules[name]


def test_usual_names_come_before_others_and_applications_before_factories() -> None:
    one, two = Flask("one"), Flask("two")
    assert find_best_app(module(other=one, application=two)) is two
    assert find_best_app(module(application=one, app=two)) is two
    assert find_best_app(module(other=one, create_app=lambda: two)) is one
    assert find_best_app(module(other=one, same=one)) is one
    assert find_best_app(module(app="no application", create_app=lambda: two)) is two
    assert find_best_app(module(create_app=lambda: None, make_app=lambda: two)) is two


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({}, "There is no Flask application in 'shop', and no factory called create_app"),
        (
            {"one": Flask("one"), "two": Flask("two")},
            "several Flask applications in 'shop': one, two. Say which one, for example 'shop:one'",
        ),
        ({"create_app": lambda config: None}, "its parameters are (config)"),
    ],
)
def test_a_module_without_one_application_is_refused(names: Any, message: str) -> None:
    with pytest.raises(NoAppException) as raised:
        find_best_app(module(**names))
    assert message in raised.value.message


def test_a_type_error_inside_a_factory_is_the_factorys() -> None:
    with pytest.raises(TypeError, match="has no len"):
        find_best_app(module(create_app=lambda: len(5)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("create_app", "made"),
        (" create_app ( ) ", "made"),
        ("create_app('x')", "x"),
        ("create_app(name='y', TESTING=True)", "y"),
        ("needs('a', two='b')", "ab"),
    ],
)
def test_a_factory_is_called_with_literals(folder: Path, text: str, name: str) -> None:
    (folder / "factories.py").write_text(FACTORIES)
    assert locate_app("factories", text).name == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("absent", "There is no 'absent' in 'factories'"),
        ("number", "'factories:number' is no Flask application but 'int'"),
        ("empty()", "'factories:empty()' is no Flask application but 'NoneType'"),
        (
            "needs",
            "'needs' in 'factories' can't be called like this: its parameters are (one, two)",
        ),
        ("needs('a')", "Write 'factories:needs(...)' with arguments"),
        ("create_app(", "neither the name of an application nor the call of a factory"),
        ("a.b", "neither the name of an application nor the call of a factory"),
        ("a.b()", "called by its simple name"),
        ("create_app(number)", "have to be literals"),
        ("create_app(__import__('os').getcwd())", "have to be literals"),
        ("create_app(**{'TESTING': True})", "have to be literals"),
    ],
)
def test_what_can_not_be_found_is_said(folder: Path, text: str, message: str) -> None:
    (folder / "factories.py").write_text(FACTORIES)
    with pytest.raises(NoAppException) as raised:
        locate_app("factories", text)
    assert message in raised.value.message


def test_a_type_error_inside_a_named_factory_is_the_factorys(folder: Path) -> None:
    (folder / "factories.py").write_text(FACTORIES)
    with pytest.raises(TypeError, match="has no len"):
        locate_app("factories", "slips()")


def test_only_a_missing_module_may_be_passed_over(folder: Path) -> None:
    (folder / "broken.py").write_text("import surely_not_installed")
    assert locate_app("nowhere", None, raise_if_not_found=False) is None
    with pytest.raises(NoAppException, match="no module 'nowhere'"):
        locate_app("nowhere", None)
    with pytest.raises(NoAppException) as raised:
        locate_app("broken", None, raise_if_not_found=False)
    assert "'broken' can't be imported, an import in it fails" in raised.value.message
    assert "surely_not_installed" in raised.value.message


@pytest.mark.parametrize(
    ("path", "name", "first"),
    [
        ("main", "main", "."),
        ("main.py", "main", "."),
        ("sub/main.py", "main", "sub"),
        ("pack/inner/main.py", "pack.inner.main", "."),
        ("pack/inner/__init__.py", "pack.inner", "."),
        ("pack/inner", "pack.inner", "."),
        ("pack.inner", "pack.inner", "."),
    ],
)
def test_a_path_becomes_a_modules_name(folder: Path, path: str, name: str, first: str) -> None:
    (folder / "pack/inner").mkdir(parents=True)
    (folder / "pack/__init__.py").touch()
    (folder / "pack/inner/__init__.py").touch()
    sys.path.insert(0, "/elsewhere")
    assert prepare_import(path) == name
    assert Path(sys.path[0]) == (folder / first).resolve()
    entries = len(sys.path)
    prepare_import(path)
    assert len(sys.path) == entries


def test_wsgi_py_is_looked_into_before_app_py(folder: Path) -> None:
    source = "from carboy.flask import Flask\napp = Flask({!r})\n"
    with pytest.raises(NoAppException, match=r"flask --app module.*FLASK_APP.*wsgi\.py"):
        ScriptInfo().load_app()
    (folder / "app.py").write_text(source.format("second"))
    assert ScriptInfo().load_app().name == "second"
    (folder / "wsgi.py").write_text(source.format("first"))
    info = ScriptInfo()
    assert info.load_app().name == "first"
    assert info.load_app() is info.load_app()


def test_a_path_and_a_name_have_a_colon_between_them(folder: Path) -> None:
    (folder / "factories.py").write_text(FACTORIES)
    path = folder / "factories.py"
    assert ScriptInfo(f"{path}:create_app('a:b')").load_app().name == "a:b"
    with pytest.raises(NoAppException, match=r"no module 'C:\\\\shop'"):
        # A drive's colon is part of the path.
        ScriptInfo("C:\\shop").load_app()


@pytest.mark.parametrize(("variable", "debug"), [("1", True), ("0", False)])
def test_flask_debug_decides_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, variable: str, debug: bool
) -> None:
    monkeypatch.setenv("FLASK_DEBUG", variable)

    def create_app() -> Flask:
        app = Flask("shop")
        app.debug = not debug
        return app

    assert ScriptInfo(create_app=create_app).load_app().debug is debug
    assert ScriptInfo(create_app=create_app, set_debug_flag=False).load_app().debug is not debug


def test_find_app_by_string_takes_an_application_by_its_name() -> None:
    app = Flask("shop")
    assert find_app_by_string(module(mine=app), " mine ") is app
