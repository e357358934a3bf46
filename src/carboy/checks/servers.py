"""How the application is served today: servers in its code and in files beside it, and Python."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from carboy.checks.findings import Finding, Used
from carboy.sources import ModuleFacts
from carboy.sources.facts import MISSING

LEAST = (3, 11)
#: Arguments of servers in code -> options of `carboy run`.
_OPTIONS = {"host": "--host", "port": "--port", "workers": "--workers", "log_level": "--log-level"}
_OPTIONS |= {"ssl_keyfile": "--ssl-keyfile", "ssl_certfile": "--ssl-certfile"}
_OPTIONS |= {"root_path": "--root-path", "uds": "--uds"}
#: What runs a server, by the end of the call's name.
_RUNS = {
    "uvicorn.run": "uvicorn",
    "hypercorn.run": "hypercorn",
    "waitress.serve": "waitress",
    "werkzeug.serving.run_simple": "Werkzeug's development server",
    "gevent.pywsgi.WSGIServer": "gevent's server",
    "bjoern.run": "bjoern",
    "cherrypy.tree.graft": "CherryPy",
}
_APP_RUN = re.compile(
    r"(^|\.)(flask\.Flask\(\)|apiflask\.APIFlask\(\)|app|application)(\(\))?\.run$"
)
#: Worker classes of gunicorn, and what to say of them.
_WORKERS = {
    "eventlet": ("unsupported", "gunicorn has no eventlet worker any more"),
    "tornado": ("unsupported", "Tornado's worker does not speak to Carboy"),
    "gevent": ("different", "works with carboy exec -- gunicorn; carboy run does without"),
}


def served_in_code(facts: ModuleFacts) -> Iterator[Finding | Used]:
    """Servers that a module starts itself."""
    for call in facts.calls:
        name = call.name.replace("create_app()", "app").replace("make_app()", "app")
        server = _RUNS.get(call.name)
        if server is None and _APP_RUN.search(name):
            server = "Flask's development server"
        if server is not None:
            yield Used("server", server, _instead(call.keywords), facts.file, call.line)


def _instead(keywords: Mapping[str, Any]) -> str:
    said = [
        f"{option} {keywords[name]}"
        for name, option in _OPTIONS.items()
        if keywords.get(name, MISSING) not in (MISSING, None)
    ]
    debug = keywords.get("debug") is True or keywords.get("reload") is True
    command = "carboy dev" if debug else "carboy run"
    return " ".join(["in its place:", command, "APP", *said])


def beside(folder: Path) -> Iterator[Finding | Used]:
    """gunicorn's configuration, a Procfile, a Dockerfile, uWSGI's settings; the Python wanted."""
    for name in ("gunicorn.conf.py", "gunicorn_config.py", "gunicorn.py"):
        if (folder / name).is_file():
            yield from _gunicorn(folder / name)
    for name in ("Procfile", "Dockerfile"):
        if (folder / name).is_file():
            yield from _commands(folder / name)
    for file in (*folder.glob("uwsgi*.ini"), *folder.glob("uwsgi*.y*ml")):
        advice = "uWSGI's settings say nothing to other servers: see docs/deployment.md."
        yield Finding("different", "uWSGI", advice, str(file), 1)
    yield from python_wanted(folder)


def _gunicorn(file: Path) -> Iterator[Finding | Used]:
    yield Used("server", "gunicorn", "carboy exec -- gunicorn, or carboy run", str(file), 1)
    try:
        tree = ast.parse(file.read_text())
    except (SyntaxError, ValueError):
        return
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(target, ast.Name) and target.id == "worker_class":
            assert isinstance(node, ast.Assign)
            yield from _worker(ast.unparse(node.value).strip("'\""), str(file), node.lineno)


def _worker(name: str, file: str, line: int) -> Iterator[Finding]:
    for known, (level, advice) in _WORKERS.items():
        if known in name.lower():
            yield Finding(level, f"gunicorn's worker {name}", f"{advice}.", file, line)


_COMMAND = re.compile(r"\b(gunicorn|uvicorn|uwsgi|waitress-serve|hypercorn|fastapi|flask)\b(.*)")
_WORKER = re.compile(r"(?:-k|--worker-class)[ =\"',]+([\w.]+)")


def _commands(file: Path) -> Iterator[Finding | Used]:
    for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
        if line.lstrip().startswith(("#", "RUN", "COPY", "FROM")):
            continue
        found = _COMMAND.search(line)
        if found is None:
            continue
        command = found.group(1)
        if command == "uwsgi":
            advice = "it has not been tested with Carboy: carboy run, or carboy exec -- gunicorn."
            yield Finding("untested", "uWSGI", advice, str(file), number)
        elif command == "fastapi" and re.match(r"[\s\",]+(dev|run)", found.group(2)):
            advice = "carboy dev --drop-in, carboy run --drop-in."
            yield Finding("different", "fastapi dev, fastapi run", advice, str(file), number)
        else:
            detail = f"carboy exec -- {command} ..., or carboy run"
            yield Used("server", command, detail, str(file), number)
        if worker := _WORKER.search(line):
            yield from _worker(worker.group(1), str(file), number)


def python_wanted(folder: Path) -> Iterator[Finding]:
    """What the project says of Python's version, where that leaves out what Carboy needs."""
    advice = f"Carboy needs Python {LEAST[0]}.{LEAST[1]} or newer; here runs {python_here()}."
    file = folder / ".python-version"
    if file.is_file() and (found := _pair(file.read_text())) and found < LEAST:
        yield Finding("unsupported", f"Python {found[0]}.{found[1]}", advice, str(file), 1)
    file = folder / "pyproject.toml"
    if not file.is_file():
        return
    text = file.read_text(errors="replace")
    try:
        wanted = str(tomllib.loads(text).get("project", {}).get("requires-python", ""))
    except tomllib.TOMLDecodeError:
        return
    for most, number in re.findall(r"(<=?|==|~=)\s*(\d+\.\d+)", wanted):
        pair = _pair(number)
        assert pair is not None
        if pair < LEAST or (most == "<" and pair <= LEAST):
            line = text[: text.index("requires-python")].count("\n") + 1
            yield Finding("unsupported", f"requires-python {wanted}", advice, str(file), line)


def _pair(text: str) -> tuple[int, int] | None:
    found = re.search(r"(\d+)\.(\d+)", text)
    return (int(found.group(1)), int(found.group(2))) if found else None


def python_here() -> str:
    """The version of Python that this is."""
    return ".".join(str(part) for part in sys.version_info[:3])
