"""--cert and --key of ``flask run``: the three kinds of certificate, and what goes with each.

A file, with its key in a second one; ``adhoc``, made for this run (needs cryptography); or an
`ssl.SSLContext` of some module, by its import name. --cert is parsed first, --key is put to it.
"""

from __future__ import annotations

import sys
from typing import Any

import click
from werkzeug.utils import import_string

ADHOC = "adhoc"


def _is_context(value: Any) -> bool:
    # SSLContext has to be imported already if there is one.
    ssl = sys.modules.get("ssl")
    return ssl is not None and isinstance(value, ssl.SSLContext)


class CertParamType(click.ParamType):  # type: ignore[type-arg]
    """A path to a certificate, ``adhoc``, or the import name of an `ssl.SSLContext`."""

    name = "path"

    def __init__(self) -> None:
        self.path_type = click.Path(exists=True, dir_okay=False, resolve_path=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path as str, ``"adhoc"`` or the context. BadParameter: it is none of them."""
        try:
            import ssl  # noqa: F401
        except ImportError:
            raise click.BadParameter(
                "needs a Python with the ssl module, this one lacks it", ctx, param
            ) from None
        try:
            return self.path_type(value, param, ctx)
        except click.BadParameter:
            text = click.STRING(value, param, ctx)
            if text.lower() == ADHOC:
                return self._adhoc(param, ctx)
            found = import_string(text, silent=True)
            if _is_context(found):
                return found
            raise

    @staticmethod
    def _adhoc(param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            import cryptography  # noqa: F401
        except ImportError:
            raise click.BadParameter(
                "an ad-hoc certificate needs the package cryptography, which is not installed",
                ctx,
                param,
            ) from None
        return ADHOC


def _validate_key(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Put the key to the certificate: ``ctx.params["cert"]`` becomes the pair."""
    cert = ctx.params.get("cert")
    alone = "'adhoc'" if cert == ADHOC else "an SSLContext" if _is_context(cert) else None
    if value is None:
        if cert and not alone:
            raise click.BadParameter("a certificate file in --cert needs its key", ctx, param)
        return None
    if alone:
        raise click.BadParameter(f"goes with a certificate file; --cert is {alone}", ctx, param)
    if not cert:
        raise click.BadParameter("needs the certificate, in --cert", ctx, param)
    ctx.params["cert"] = cert, value
    return value
