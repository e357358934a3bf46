"""What a beginner sees in the browser under `carboy dev` when something is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cli.test_commands import get, serving, until

from carboy.server import traces

SAYS = {
    "importing": ("app.get('/x')(1 / 0)", "ZeroDivisionError: division by zero"),
    "declaring": ("app.get('/x/<int:id>')(one)", "Write '/x/{id:int}' for a typed route"),
    "starting": ("app.get('/x')(one)\napp.route('/x')(one)", "GET /x is declared twice"),
    "lifespan": ("app = App(lifespan=life)", "there is no database"),
    "misspelled": ("app.rout('/x')", "has no attribute 'rout'. Did you mean: 'route'?"),
    "no app": ("del app", "the module 'main' has no 'app'"),
}
MAIN = """
from carboy import App

app = App()


@app.get("/one")
def one():
    return 1


async def later():
    return 1


@app.get("/two")
async def two():
    return later()


async def life(app):
    raise OSError("there is no database")
    yield


"""


@pytest.mark.parametrize("wrong", SAYS)
def test_why_it_does_not_start_stands_in_the_browser(tmp_path: Path, wrong: str) -> None:
    line, says = SAYS[wrong]
    (tmp_path / "main.py").write_text(MAIN + line)
    with serving(tmp_path, "dev", "main:app", "--port", "0") as (url, log, _):
        status, page = until(lambda: get(f"{url}/one", accept="text/html"), log)
        assert status == 500
        assert "could not be started" in page
        assert "http-equiv=refresh" in page
        assert says.replace("'", "&#x27;") in page
        assert says in get(f"{url}/one")[1]
        assert says in log.read_text()

        def repaired() -> bool:
            (tmp_path / "main.py").write_text(MAIN)
            return get(f"{url}/one") == (200, "1")

        until(repaired, log)


def test_an_error_with_frames_of_ours_only_is_answered(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(MAIN)
    with serving(tmp_path, "dev", "main:app", "--port", "0") as (url, log, _):
        until(lambda: get(f"{url}/one")[0] == 200, log)
        status, page = get(f"{url}/two", accept="text/html")
        assert status == 500
        assert "return await later(...)" in page
        assert "NotPlain" not in page + log.read_text()


def test_what_is_declared_twice_is_told_and_served(tmp_path: Path) -> None:
    more = """
@app.get("/x/{a}", name="first")
def first(a: int):
    return 1


@app.api_route("/x/{b}", methods=["GET", "POST"])
def second(b: str):
    return 2


@app.route("/y")
def third():
    return "3"


@app.route("/y")
def fourth():
    return "4"
"""
    (tmp_path / "main.py").write_text(MAIN + more)
    with serving(tmp_path, "dev", "main:app", "--port", "0") as (url, log, _):
        until(lambda: get(f"{url}/x/1")[1] == "1", log)
        text = log.read_text()
        assert text.count("is declared twice") == 2
        at = re.search(r"GET /x/\{b\} is declared twice: first \(.*:(\d+)\) answers, second", text)
        assert at is not None
        assert MAIN.count("\n") + 2 <= int(at[1]) <= MAIN.count("\n") + 4
        assert re.search(
            r"GET /y is declared twice: third \(.*\) answers, fourth \(.*\) is never", text
        )


def test_causes_are_told_and_frames_of_libraries_folded(tmp_path: Path) -> None:
    (tmp_path / "site-packages").mkdir()
    library = str(tmp_path / "site-packages" / "library.py")
    names: dict[str, object] = {}
    exec(compile("def fail():\n    raise KeyError('in a library')", library, "exec"), names)
    with pytest.raises(RuntimeError) as raised:
        try:
            names["fail"]()  # type: ignore[operator]
        except KeyError as error:
            raise RuntimeError("<told>") from error

    class Request:
        method, path = "GET", "/x"

    page = traces.as_html(Request(), raised.value)  # type: ignore[arg-type]
    assert "RuntimeError: &lt;told&gt;" in page
    assert "was caused by" in page
    assert "KeyError: &#x27;in a library&#x27;" in page
    assert "<summary>1 call inside of libraries</summary>" in page
    text = traces.as_text(raised.value)
    assert text.index("KeyError") < text.index("direct cause") < text.index("RuntimeError")
