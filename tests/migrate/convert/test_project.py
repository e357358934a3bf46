"""What is read of a project, and in what order its nodes come."""

from __future__ import annotations

from pathlib import Path

import libcst as cst

from carboy.migrate.convert import plan
from carboy.migrate.convert.project import Project
from carboy.migrate.convert.text import children, code, walk

TEXT = '''
@app.route("/<int:n>", methods=["GET"])
async def view(n, /, a: int = 1, *rest, b="x", **more) -> str:
    """Text."""
    from flask import request as asked, g
    with open(f"{n!r:>{a}}") as one, two:
        async for x, *y in [z async for z in rest if z]:
            q = {1: 2, **more} if a else (lambda k, j=3: k[1:a:2])
    try:
        del q
    except (KeyError, ValueError) as error:
        raise error from None
    match n:
        case [1, *others] if others:
            return "a" "b"
        case {"k": v, **kept} | Point(x=0) as p:
            return a < b <= n and not (yield)
'''


def _all(node: cst.CSTNode) -> list[cst.CSTNode]:
    """LibCST's own children, without white space, comments and marks."""
    found = [node]
    for child in node.children:
        found += _all(child)
    return found


def test_nodes_are_walked_in_the_order_of_libcst() -> None:
    tree = cst.parse_module(TEXT)
    kinds = (cst.Name, cst.BaseExpression, cst.BaseStatement, cst.BaseSmallStatement, cst.Param)
    theirs = [id(one) for one in _all(tree) if isinstance(one, kinds)]
    ours = [id(one) for one in walk(tree) if isinstance(one, kinds)]
    assert ours == theirs
    assert [code(one) for one in children(cst.parse_expression("a + b"))] == ["a", " + ", "b"]


def test_modules_that_declare_nothing_are_parsed_when_asked_for(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("import flask\napp = flask.Flask(__name__)\n")
    (tmp_path / "sums.py").write_text("from math import pi\nTWICE = 2 * pi\n")
    (tmp_path / "worse.py").write_text("def (:\n")
    project = Project.read(tmp_path)
    assert [one.name for one in project.relevant] == ["main"]
    assert list(project.broken) == ["worse.py"]
    sums = project.find("sums")
    assert sums is not None
    assert sums.imports == {"pi": "math.pi"}
    assert project.owner("sums.TWICE") == (sums, "TWICE")


def test_links_that_lead_back_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("import flask\n")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert list(Project.read(tmp_path).sources) == ["main"]


def test_the_mark_at_the_beginning_and_line_ends_are_kept(tmp_path: Path) -> None:
    text = "\ufefffrom flask import Flask\r\napp = Flask(__name__)\r\n\r\n\r\n"
    text += '@app.route("/")\r\ndef index():\r\n\treturn "x"\r\n'
    (tmp_path / "main.py").write_bytes(text.encode())
    made = plan(tmp_path).files["main.py"]
    assert made.startswith("\ufefffrom carboy import App\r\n")
    assert made.endswith('def index():\r\n\treturn "x"\r\n')
    (tmp_path / "main.py").write_bytes(made.encode())
    assert not plan(tmp_path).files
