"""Serve `shelf`, of the folder given, on real Flask or on real FastAPI under uvicorn.

Run as `python serving.py flask|fastapi FOLDER`; the port is the first line that is printed. What
must not be there (Carboy; with FastAPI also Flask) can't be imported.
"""

from __future__ import annotations

import socket
import sys
from importlib.abc import MetaPathFinder
from typing import Any


class Absent(MetaPathFinder):
    """Packages that nobody finds."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def find_spec(self, name: str, *rest: Any) -> None:
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def main(by: str, folder: str, *absent: str) -> None:
    sys.path[0] = folder
    sys.meta_path.insert(0, Absent("carboy", *(["flask"] if by == "fastapi" else []), *absent))
    import shelf  # type: ignore[import-not-found]

    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    if by == "flask":
        from werkzeug.serving import make_server

        make_server("127.0.0.1", 0, shelf.app, fd=listening.fileno()).serve_forever()
    else:
        import uvicorn

        server = uvicorn.Server(uvicorn.Config(shelf.app, log_level="warning"))
        server.run(sockets=[listening])


if __name__ == "__main__":
    main(*sys.argv[1:])
