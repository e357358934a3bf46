"""Serving through uvicorn with our protocol: production (`run`) and development (`dev`).

Options come checked one by one (options.py); here is what only shows in company, and which kind of
process serves: this one, workers under a supervisor, or one that starts again when files change.
"""

from __future__ import annotations

import os
import signal
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import uvicorn

from carboy.cli.board import best
from carboy.cli.loading import APP, WAITS, LoadError, complain, import_string, load_app
from carboy.cli.logs import log_config
from carboy.cli.options import CERTS
from carboy.cli.sockets import BACKLOG, Taken, address, listen
from carboy.cli.stats import STATS, Stats, take
from carboy.cli.unready import PatientServer
from carboy.cli.worker import NOT_STARTED, Server
from carboy.protocols import PROTOCOL
from carboy.server.shared import EVENTS, MEASURE, check_settings
from carboy.server.traces import DEV

#: Options that uvicorn's Config takes as they are.
SAME = (
    *(
        "host",
        "port",
        "workers",
        "root_path",
        "proxy_headers",
        "forwarded_allow_ips",
        "backlog",
        "lifespan",
    ),
    *("ws", "ws_max_size", "ws_max_queue", "ws_ping_interval", "ws_ping_timeout"),
    *("ws_per_message_deflate", "access_log", "use_colors", "date_header", "limit_concurrency"),
    *("limit_max_requests", "limit_max_requests_jitter", "timeout_keep_alive"),
    *("timeout_graceful_shutdown", "timeout_worker_healthcheck", "ssl_certfile", "ssl_keyfile"),
    *("ssl_ca_certs", "ssl_keyfile_password", "reload", "reload_delay", "log_level"),
)


def run(app: str, **options: Any) -> None:
    """Serve in production."""
    _check(options)
    _environment(options)
    where = _named(app)
    try:
        # Errors are told here, once, and not by every worker.
        load_app(where)
    except LoadError as error:
        complain(error)
        sys.exit(1)
    os.environ[APP] = where
    if options.pop("http2", False):
        from carboy.cli.http2 import serve_http2

        serve_http2(options)
    else:
        _serve(options)


def dev(app: str | None, **options: Any) -> None:
    """Serve in development: unhandled errors are shown to the client, files are watched.

    An application that can't be loaded is reported, and tried again when a file changes.
    """
    os.environ[DEV] = "1"
    if options["reload"]:
        os.environ[WAITS] = "1"
    _check(options)
    _environment(options)
    os.environ[APP] = where = _named(app)
    scheme = "https" if options["ssl_certfile"] else "http"
    shown = f"{scheme}://{options['host']}:{options['port']}"
    click.secho(f"Carboy dev: {shown} serves {where}, errors are shown", bold=True, err=True)
    _serve({"lifespan": "on", "forwarded_allow_ips": "", "proxy_headers": False, **options})


def _named(app: str | None) -> str:
    try:
        return import_string(app)
    except LoadError as error:
        complain(error)
        sys.exit(1)


def _check(options: dict[str, Any]) -> None:
    """UsageError: options that do not go together, or need what is not installed."""
    said = options.get
    if said("reload") and said("workers", 1) > 1:
        raise click.UsageError("--reload serves from one process: leave out --workers")
    if said("log_config") and said("log_format") == "json":
        raise click.UsageError(
            "--log-config says what lines look like, so leave out --log-format; the formatter for "
            'JSON is {"()": "carboy.cli.logs.JsonFormatter"} there'
        )
    if said("stats") and (said("reload") or (os.name == "nt" and said("workers", 1) > 1)):
        raise click.UsageError("--stats needs a server that stays: leave out --reload or --workers")
    if said("uds") and said("fd") is not None:
        raise click.UsageError("--uds and --fd: say one of them")
    if not said("reload") and any(
        said(name) for name in ("reload_dir", "reload_include", "reload_exclude")
    ):
        raise click.UsageError("--reload-dir and its like need --reload")
    if not said("ssl_certfile") and any(
        said(name) for name in ("ssl_keyfile", "ssl_ca_certs", "ssl_ciphers")
    ):
        raise click.UsageError("TLS needs a certificate: say --ssl-certfile too")
    needed = {"ws": {"wsproto": "wsproto"}, "loop": {"uvloop": "uvloop"}}
    for name, modules in needed.items():
        module = modules.get(said(name, ""))
        if module is not None and find_spec(module) is None:
            raise click.UsageError(f"--{name} {module}: it is not installed; pip install {module}")
    if Path(said("log_config") or "").suffix in (".yaml", ".yml"):
        _need("yaml", "PyYAML", f"--log-config {said('log_config')}")
    _check_tls(options)


def _check_tls(options: dict[str, Any]) -> None:
    if (certificate := options.get("ssl_certfile")) is None:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    password = options.get("ssl_keyfile_password")
    try:
        context.load_cert_chain(certificate, options.get("ssl_keyfile"), lambda: password or "")
        if options.get("ssl_ciphers"):
            context.set_ciphers(options["ssl_ciphers"])
        if options.get("ssl_ca_certs"):
            context.load_verify_locations(options["ssl_ca_certs"])
    except (OSError, ssl.SSLError) as error:
        raise click.UsageError(
            f"the certificate, its key, the authorities or the ciphers can't be used ({error}). "
            "--ssl-certfile and --ssl-keyfile are PEM files that belong together; a key with a "
            "password needs --ssl-keyfile-password"
        ) from None


def _need(module: str, package: str, why: str) -> None:
    if find_spec(module) is None:
        raise click.UsageError(f"{why} needs {package}: pip install {package}")


def _environment(options: dict[str, Any]) -> None:
    """What the application's modules, and the processes that are started, find set.

    UsageError: a setting of the server's that is none.
    """
    if (folder := options.pop("app_dir", None)) is not None:
        sys.path.insert(0, str(folder.resolve()))
    if (file := options.pop("env_file", None)) is not None:
        _need("dotenv", "python-dotenv", "--env-file")
        from dotenv import load_dotenv

        load_dotenv(file)
    if (seconds := options.pop("timeout_event_streams", None)) is not None:
        os.environ[EVENTS] = str(seconds)
    try:
        check_settings()
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    os.environ.pop(STATS, None)
    if options.get("stats"):
        os.environ[STATS] = os.environ[MEASURE] = "1"
    if options.get("log_format") == "json":
        os.environ[MEASURE] = "1"
    if (workers := options.get("workers", 1)) > 1:
        os.environ["CARBOY_WORKERS"] = str(workers)


def loop_name(wanted: str = "auto") -> str:
    """uvloop where it is installed."""
    if wanted != "auto":
        return wanted
    if find_spec("uvloop") is not None:
        return "uvloop"
    if os.name != "nt":
        click.echo("uvloop is not installed: serving on asyncio's own loop, slower.", err=True)
    return "asyncio"


def _config(options: dict[str, Any]) -> uvicorn.Config:
    same = {name: options[name] for name in SAME if name in options}
    headers = list(options.get("header", ()))
    if options.get("server_header") and "server" not in {name.lower() for name, _ in headers}:
        headers.append(("Server", "carboy"))
    folders = [str(folder) for folder in options.get("reload_dir", ())]
    return uvicorn.Config(
        "carboy.cli.loading:served",
        factory=True,
        http=PROTOCOL,
        loop=loop_name(options.get("loop", "auto")),
        log_config=log_config(options),
        headers=headers,
        server_header=False,
        ssl_cert_reqs=CERTS[options.get("ssl_cert_reqs", "none")],
        ssl_ciphers=options.get("ssl_ciphers") or "TLSv1",
        reload_dirs=folders or None,
        reload_includes=list(options.get("reload_include", ())) or None,
        reload_excludes=list(options.get("reload_exclude", ())) or None,
        **same,
    )


def _stopped(number: int, frame: object) -> None:
    """SIGTERM, once more: uvicorn has stopped in good order, and raises what stopped it again."""
    sys.exit(0)


@contextmanager
def listening(options: dict[str, Any]) -> Iterator[socket.socket]:
    """The socket that the options name. ClickException: it can't be had."""
    uds = options.get("uds")
    try:
        sock = listen(
            options["host"],
            options["port"],
            str(uds) if uds else None,
            options.get("fd"),
            options.get("backlog", BACKLOG),
        )
    except Taken as error:
        raise click.ClickException(str(error)) from None
    click.get_current_context().call_on_close(sock.close)
    try:
        yield sock
    finally:
        if uds is not None:
            Path(uds).unlink(missing_ok=True)


def _serve(options: dict[str, Any]) -> None:
    signal.signal(signal.SIGTERM, _stopped)
    config = _config(options)
    with listening(options) as sock, suppress(KeyboardInterrupt):
        _say(address(sock, "https" if config.is_ssl else "http", config.host))
        with showing(options) as stats:
            _serve_on(config, sock, stats)


def _say(where: str) -> None:
    import logging

    logging.getLogger("uvicorn.error").info("Carboy running on %s (Press CTRL+C to quit)", where)


@contextmanager
def showing(options: dict[str, Any]) -> Iterator[Stats | None]:
    """Show numbers while it serves, if that is asked for."""
    if not options.get("stats"):
        yield None
        return
    is_alone = options["workers"] == 1 and options["limit_max_requests"] is None
    shown = best(sys.stderr, options["log_format"], options["use_colors"])
    with Stats(shown, take if is_alone else None).shown() as stats:
        yield stats


def _serve_on(config: uvicorn.Config, sock: Any, stats: Stats | None) -> None:
    if config.should_reload:
        from uvicorn.supervisors import ChangeReload

        server = PatientServer(config) if os.environ.get(WAITS) == "1" else Server(config)
        ChangeReload(config, target=server.run, sockets=[sock]).run()
    elif config.workers == 1 and config.limit_max_requests is None:
        server = Server(config)
        server.run([sock])
        if not server.started:
            sys.exit(NOT_STARTED)
    elif os.name == "nt":
        from uvicorn.supervisors import Multiprocess

        Multiprocess(config, sockets=[sock]).run()
    else:
        from carboy.cli.supervisor import Supervisor

        if status := Supervisor(config, [sock], stats).run():
            sys.exit(status)
