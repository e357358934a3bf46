"""`carboy run --http2`: the same application as ASGI, under hypercorn or granian, as installed.

The direct protocol speaks HTTP/1.1. Options that the other server has not are refused by name and
not dropped in silence. Proxies are read by us here too (server/proxies.py).
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import Any

import click

from carboy.cli.loading import served as load
from carboy.cli.options import CERTS, ROWS

TARGET = "carboy.cli.http2:served"
_PROXIES = "CARBOY_HTTP2_PROXIES"

_BOTH = {
    *("host", "port", "uds", "http2", "workers", "app_dir", "env_file", "loop", "root_path"),
    *("proxy_headers", "forwarded_allow_ips", "ssl_certfile", "ssl_keyfile", "access_log"),
    *("ssl_keyfile_password", "ssl_ca_certs", "ssl_cert_reqs", "log_level", "backlog"),
    *("timeout_graceful_shutdown", "reload"),
}
_HYPERCORN = {
    *_BOTH,
    *("fd", "ssl_ciphers", "timeout_keep_alive", "limit_max_requests", "date_header"),
    *("limit_max_requests_jitter", "ws_max_size", "ws_ping_interval", "log_config"),
}


def served() -> Any:
    """The application, with the proxies that were named, in every process."""
    app = load()
    if names := os.environ.get(_PROXIES):
        from carboy.server.proxies import Forwarded, Proxies

        app = Forwarded(app, Proxies(names))
    return app


def serve_http2(options: dict[str, Any]) -> None:
    """Serve until stopped. UsageError: no such server, or an option that it does not know."""
    if options["proxy_headers"] and options["forwarded_allow_ips"]:
        os.environ[_PROXIES] = options["forwarded_allow_ips"]
    if not options["ssl_certfile"]:
        click.echo(
            "HTTP/2 without TLS: only for clients that know of it; browsers need --ssl-certfile.",
            err=True,
        )
    if find_spec("hypercorn") is not None:
        _refuse(options, _HYPERCORN, "hypercorn")
        _by_hypercorn(options)
    elif find_spec("granian") is not None:
        _refuse(options, _BOTH, "granian")
        _by_granian(options)
    else:
        raise click.UsageError(
            "--http2 needs a server that speaks it: pip install hypercorn, or pip install granian"
        )


def _refuse(options: dict[str, Any], known: set[str], server: str) -> None:
    for row in ROWS:
        default = () if row.many else row.default
        value = options.get(row.name, default)
        if row.name not in known and value != default and value is not None:
            flag = row.flag.partition("/")[0]
            raise click.UsageError(
                f"--http2 serves through {server}, which has no {flag}: leave out one of the two"
            )


def _by_hypercorn(options: dict[str, Any]) -> None:
    from hypercorn.config import Config
    from hypercorn.run import run

    from carboy.cli.serving import listening

    config = Config()
    # The call is hypercorn's own way of writing a factory.
    config.application_path = f"{TARGET}()"
    if options["ssl_certfile"]:
        _tls(config, options)
    config.workers = options["workers"] if options["workers"] > 1 or options["reload"] else 0
    config.worker_class = _loop(options["loop"])
    config.use_reloader = options["reload"]
    config.backlog = options["backlog"]
    config.root_path = options["root_path"]
    config.accesslog = "-" if options["access_log"] else None
    config.loglevel = (options["log_level"] or "info").upper().replace("TRACE", "DEBUG")
    config.logconfig = str(options["log_config"]) if options["log_config"] else None
    config.graceful_timeout = options["timeout_graceful_shutdown"]
    config.keep_alive_timeout = options["timeout_keep_alive"]
    config.max_requests = options["limit_max_requests"]
    config.max_requests_jitter = options["limit_max_requests_jitter"]
    config.websocket_max_message_size = options["ws_max_size"]
    config.websocket_ping_interval = options["ws_ping_interval"]
    config.include_date_header = options["date_header"]
    config.include_server_header = False
    with listening(options) as sock:
        # It has the socket now: closed there, nobody connects any more.
        config.bind = [f"fd://{sock.detach()}"]
        status = run(config)
    sys.exit(status)


def _tls(config: Any, options: dict[str, Any]) -> None:
    """The certificate and what belongs to it, in hypercorn's names."""
    config.certfile = str(options["ssl_certfile"])
    config.keyfile = str(options["ssl_keyfile"] or options["ssl_certfile"])
    config.ca_certs = str(options["ssl_ca_certs"]) if options["ssl_ca_certs"] else None
    config.keyfile_password = options["ssl_keyfile_password"]
    config.verify_mode = CERTS[options["ssl_cert_reqs"]]
    config.ciphers = options["ssl_ciphers"] or config.ciphers


def _by_granian(options: dict[str, Any]) -> None:
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces, Loops
    from granian.log import LogLevels

    level = (options["log_level"] or "info").replace("trace", "debug")
    Granian(
        TARGET,
        factory=True,
        interface=Interfaces.ASGI,
        http=HTTPModes.auto if options["ssl_certfile"] else HTTPModes.http2,
        address=options["host"],
        port=options["port"],
        uds=options["uds"],
        workers=options["workers"],
        loop=Loops(_loop(options["loop"])),
        backlog=options["backlog"],
        log_level=LogLevels(level),
        log_access=options["access_log"],
        ssl_cert=options["ssl_certfile"],
        ssl_key=options["ssl_keyfile"] or options["ssl_certfile"],
        ssl_key_password=options["ssl_keyfile_password"],
        ssl_ca=options["ssl_ca_certs"],
        ssl_client_verify=options["ssl_cert_reqs"] == "required",
        url_path_prefix=options["root_path"] or None,
        workers_kill_timeout=options["timeout_graceful_shutdown"],
        reload=options["reload"],
    ).serve()


def _loop(wanted: str) -> str:
    from carboy.cli.serving import loop_name

    return loop_name(wanted)
