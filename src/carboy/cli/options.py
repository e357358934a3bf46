"""The options of `carboy run` and `carboy dev`: one row each, and nothing else decides.

A row names an option of the command line, its variable (CARBOY_<NAME>), what it takes, and what it
means. Values are checked here, so that what is wrong is told before anything is served. Options
keep uvicorn's names; what they do to a server is in serving.py.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from carboy.cli.logs import FORMATS
from carboy.server.proxies import Proxies

if TYPE_CHECKING:
    _Type = click.ParamType[Any]
else:
    _Type = click.ParamType  # COMPAT: older clicks' is not generic

LISTEN, PROCESS, RELOAD = "Where to listen", "Processes", "Restart when files change"
PROXY, LIMITS, TLS = "Behind a proxy", "Limits and times", "TLS"
LOG, ANSWER, SOCKETS = "Log", "Every answer", "WebSockets"


class Header(_Type):
    """``Name: value``; several in the environment stand on lines of their own."""

    name = "NAME:VALUE"
    envvar_list_splitter = "\n"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, str]:
        name, colon, text = str(value).partition(":")
        if not colon or not name or name != name.strip() or any(map(str.isspace, name)):
            self.fail(f"{value!r} is no header; write it as Name:value", param, ctx)
        if "\r" in text or "\n" in text or not (name + text).isascii():
            self.fail(f"{value!r} has characters that no header may have", param, ctx)
        return name, text.strip()


class Names(_Type):
    """Proxies, checked; None for none."""

    name = "PEERS"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        try:
            Proxies(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return str(value)


class RootPath(_Type):
    """A path prefix, without a slash at its end."""

    name = "PATH"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        if value and not str(value).startswith("/"):
            self.fail(f"{value!r} does not start with a slash: write /{value}", param, ctx)
        return str(value).rstrip("/")


class Option(click.Option):
    """Names the variable, not the flag, to a person who has set that one."""

    def get_error_hint(self, ctx: click.Context | None) -> str:
        if ctx is not None and self.name is not None:
            found = ctx.get_parameter_source(self.name)
            if found is click.core.ParameterSource.ENVIRONMENT:
                names = [self.envvar] if isinstance(self.envvar, str) else self.envvar or ()
                return next((name for name in names if os.environ.get(name)), names[0])
        return super().get_error_hint(ctx)


class Row(NamedTuple):
    """One option."""

    flag: str
    group: str
    help: str
    type: Any = None
    default: Any = None
    #: Also an option of `carboy dev`.
    dev: bool = False
    many: bool = False
    shown: bool = True
    #: A variable of the field's, beside ours.
    also: str | None = None

    @property
    def name(self) -> str:
        """What the value is called in Python."""
        return self.flag.split("/")[0].split()[0].removeprefix("--").replace("-", "_")


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_COUNT, _SOME = click.IntRange(1), click.IntRange(0)
LEVELS = ("critical", "error", "warning", "info", "debug", "trace")
CERTS = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}

ROWS = (
    Row("--host", LISTEN, "Address to bind.", str, "127.0.0.1", dev=True),
    Row("--port", LISTEN, "TCP port; 0: any.", click.IntRange(0, 65535), 8000, dev=True),
    Row("--uds", LISTEN, "UNIX socket to listen on instead.", click.Path(path_type=Path)),
    Row("--fd", LISTEN, "Socket passed in, as systemd does (the first is 3).", _SOME),
    Row("--backlog", LISTEN, "Connections that may wait to be accepted.", _COUNT, 2048),
    Row("--http2", LISTEN, "HTTP/2, by hypercorn or granian, as installed.", bool),
    Row("--workers", PROCESS, "Worker processes.", _COUNT, 1, also="WEB_CONCURRENCY"),
    Row("--app-dir", PROCESS, "Folder to import APP from.", _FOLDER, dev=True),
    Row("--env-file", PROCESS, "File with environment variables.", _FILE, dev=True),
    Row("--loop", PROCESS, "Event loop.", click.Choice(["auto", "uvloop", "asyncio"]), "auto"),
    Row(
        "--lifespan",
        PROCESS,
        "Run start and end of APP.",
        click.Choice(["on", "auto", "off"]),
        "on",
    ),
    Row("--reload/--no-reload", RELOAD, "Restart when a file changes.", bool, False, dev=True),
    Row("--reload-dir", RELOAD, "Folder to watch; may be repeated.", _FOLDER, dev=True, many=True),
    Row("--reload-include", RELOAD, "Pattern to watch, as *.html.", str, dev=True, many=True),
    Row("--reload-exclude", RELOAD, "Pattern not to watch.", str, dev=True, many=True),
    Row("--reload-delay", RELOAD, "Seconds between looks.", click.FloatRange(0), 0.25, dev=True),
    Row("--root-path", PROXY, "Path that a proxy takes off, as /api/v1.", RootPath(), "", dev=True),
    Row(
        "--proxy-headers/--no-proxy-headers",
        PROXY,
        "Read X-Forwarded-* of named proxies.",
        bool,
        True,
    ),
    Row(
        "--forwarded-allow-ips",
        PROXY,
        "Proxies that are believed: addresses, networks, unix, or * for all. Default: none.",
        Names(),
        "",
        also="FORWARDED_ALLOW_IPS",
        shown=False,
    ),
    Row(
        "--limit-concurrency", LIMITS, "Connections and tasks beyond which 503 is answered.", _COUNT
    ),
    Row("--limit-max-requests", LIMITS, "Requests after which a worker is replaced.", _COUNT),
    Row("--limit-max-requests-jitter", LIMITS, "Up to so many more, by chance.", _SOME, 0),
    Row("--timeout-keep-alive", LIMITS, "Seconds an idle connection is kept.", _COUNT, 5),
    Row("--timeout-graceful-shutdown", LIMITS, "Seconds to finish in at a stop.", _COUNT, 30),
    Row("--timeout-event-streams", LIMITS, "Seconds event streams go on at a stop.", _SOME, 5),
    Row(
        "--timeout-worker-healthcheck",
        LIMITS,
        "Seconds until a silent worker is killed.",
        _COUNT,
        5,
    ),
    Row("--ssl-certfile", TLS, "Certificate and its chain (PEM).", _FILE, dev=True),
    Row("--ssl-keyfile", TLS, "Private key (PEM), unless it is in the other.", _FILE, dev=True),
    Row("--ssl-keyfile-password", TLS, "Password of the key.", str, dev=True),
    Row("--ssl-ca-certs", TLS, "Authorities of clients' certificates (PEM).", _FILE),
    Row("--ssl-cert-reqs", TLS, "Clients' certificates.", click.Choice(list(CERTS)), "none"),
    Row("--ssl-ciphers", TLS, "OpenSSL's list of ciphers for TLS 1.2.", str),
    Row("--log-level", LOG, "Least level that is shown.", click.Choice(LEVELS), dev=True),
    Row("--log-format", LOG, "For people or machines.", click.Choice(FORMATS), "text", dev=True),
    Row("--stats/--no-stats", LOG, "Show numbers once a second.", bool, False),
    Row("--log-config", LOG, "Configuration of logging (.json, .yaml, .ini).", _FILE, dev=True),
    Row("--access-log/--no-access-log", LOG, "Log every request.", bool, True, dev=True),
    Row("--use-colors/--no-use-colors", LOG, "Colours; default: on a terminal.", bool, dev=True),
    Row("--date-header/--no-date-header", ANSWER, "Send Date.", bool, True),
    Row("--server-header/--no-server-header", ANSWER, "Send Server: carboy.", bool, False),
    Row("--header", ANSWER, "Header to send; may be repeated.", Header(), many=True),
    Row(
        "--ws",
        SOCKETS,
        "Protocol.",
        click.Choice(["auto", "none", "websockets", "websockets-sansio", "wsproto"]),
        "auto",
    ),
    Row("--ws-max-size", SOCKETS, "Bytes of one message.", _COUNT, 16 * 1024 * 1024),
    Row("--ws-max-queue", SOCKETS, "Messages that may wait.", _COUNT, 32),
    Row(
        "--ws-ping-interval",
        SOCKETS,
        "Seconds between pings.",
        click.FloatRange(0, min_open=True),
        20.0,
    ),
    Row(
        "--ws-ping-timeout",
        SOCKETS,
        "Seconds to answer one.",
        click.FloatRange(0, min_open=True),
        20.0,
    ),
    Row(
        "--ws-per-message-deflate/--no-ws-per-message-deflate",
        SOCKETS,
        "Compress messages.",
        bool,
        True,
    ),
)


class Serving(click.Command):
    """A command whose help shows its options in groups."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                name, text = record
                # What a flag is called without is said once, or the column gets too wide.
                name = name.replace(" / --no-" + name[2:].partition(" ")[0], "")
                text = re.sub(r"; x>=?\d+|; \d+<=x<=\d+|\s*\[x>=?\d+\]", "", text)
                groups.setdefault(_group(param), []).append((name, text))
        for title, records in groups.items():
            with formatter.section(title):
                formatter.write_dl(records, col_max=34)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_paragraph()
        formatter.write_text(
            "Every option may stand in the environment as CARBOY_<NAME>, as in CARBOY_PORT=80 or "
            "CARBOY_ACCESS_LOG=no; the command line has the last word. What is on can be switched "
            "off: --no-access-log."
        )


def _group(param: click.Parameter) -> str:
    for row in ROWS:
        if row.name == param.name:
            return row.group
    return "Options"


def _variable(row: Row) -> list[str]:
    ours = f"CARBOY_{row.name.upper()}"
    return [ours] if row.also is None else [ours, row.also]


def _option(row: Row, default: Any) -> Callable[..., Any]:
    words: dict[str, Any] = {"help": row.help, "envvar": _variable(row), "multiple": row.many}
    if row.type is bool:
        words["is_flag"] = True
        if default is None and "/" not in row.flag:
            default = False
    else:
        words["type"] = row.type
        if isinstance(row.type, click.IntRange | click.FloatRange):
            words["metavar"] = "N"
        words["show_default"] = row.shown and default not in (None, "")
    words["cls"] = Option
    return click.option(row.flag, default=() if row.many else default, **words)


def serving_options(**defaults: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the rows; with `defaults`, those of `carboy dev`, with other defaults."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for row in reversed(ROWS):
            if not defaults or row.dev:
                command = _option(row, defaults.get(row.name, row.default))(command)
        return command

    return decorate
