"""The socket that is listened on: an address, a UNIX socket, or one that was passed in.

Bound here, by the process that a person started, so that what is wrong is told once and clients
wait in one queue whichever worker comes and goes. `Taken` says what to do about it.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from pathlib import Path

#: Connections that may wait to be accepted.
BACKLOG = 2048


class Taken(Exception):
    """There is nothing to listen on; the message is for the person at the terminal."""


def listen(
    host: str, port: int, uds: str | None = None, fd: int | None = None, backlog: int = BACKLOG
) -> socket.socket:
    """A listening socket. Taken: it can't be had."""
    if fd is not None:
        return _passed(fd)
    try:
        sock = _unix(uds) if uds is not None else _inet(host, port)
        sock.listen(backlog)
    except OSError as error:
        raise Taken(_advice(error, host, port, uds)) from None
    return sock


def address(sock: socket.socket, scheme: str, host: str) -> str:
    """Where `sock` is reached, for people."""
    name = sock.getsockname()
    if not isinstance(name, tuple):
        return f"unix socket {name}"
    shown = name[0] if host in ("", "0.0.0.0", "::") else host
    return f"{scheme}://{f'[{shown}]' if ':' in shown else shown}:{name[1]}"


def _inet(host: str, port: int) -> socket.socket:
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    # IPv4 first where a name has both, as with localhost.
    family, kind, proto, _, where = min(found, key=lambda one: one[0] != socket.AF_INET)
    sock = socket.socket(family, kind, proto)
    try:
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(where)
    except OSError:
        sock.close()
        raise
    return sock


def _unix(path: str) -> socket.socket:
    """One whose file an earlier server left behind takes its place; one that is served does not."""
    mode = 0o666
    if Path(path).exists() or Path(path).is_symlink():
        status = Path(path).stat()
        if not stat.S_ISSOCK(status.st_mode):
            raise OSError(errno.EEXIST, "it is a file, and no socket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            if probe.connect_ex(path) == 0:
                raise OSError(errno.EADDRINUSE, "another server answers there")
        mode = stat.S_IMODE(status.st_mode)
        Path(path).unlink()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(path)
        Path(path).chmod(mode)
    except OSError:
        sock.close()
        raise
    return sock


def _passed(fd: int) -> socket.socket:
    try:
        sock = socket.socket(fileno=os.dup(fd))
    except OSError as error:
        raise Taken(
            f"file descriptor {fd} is no socket ({error.strerror}): --fd names one that was opened "
            "and passed on by what starts the server; systemd passes the first as 3"
        ) from None
    if sock.type != socket.SOCK_STREAM:
        sock.close()
        raise Taken(f"file descriptor {fd} is no stream socket: systemd's ListenStream= makes one")
    sock.setblocking(False)
    return sock


def _advice(error: OSError, host: str, port: int, uds: str | None) -> str:
    where = f"the UNIX socket {uds}" if uds is not None else f"{host}:{port}"
    said = {
        errno.EADDRINUSE: "it is in use: stop what listens there, or choose another by "
        + ("--uds" if uds is not None else "--port (0: any that is free)"),
        errno.EACCES: "this user may not: "
        + ("choose another folder" if uds is not None else "choose a port from 1024 on"),
        errno.EADDRNOTAVAIL: "this machine has no such address: say one that it has by --host",
    }
    reason = said.get(error.errno or 0, f"{error.strerror or error}")
    return f"can't listen on {where}: {reason}"
