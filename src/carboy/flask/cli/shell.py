"""``flask shell``: Python's own prompt in the application's context."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from carboy.flask.cli.script import with_appcontext
from carboy.flask.globals import current_app


def _started() -> dict[str, Any]:
    """The names that the person's PYTHONSTARTUP file leaves, as at Python's own prompt."""
    names: dict[str, Any] = {}
    startup = os.environ.get("PYTHONSTARTUP")
    if startup and Path(startup).is_file():
        exec(compile(Path(startup).read_bytes(), startup, "exec"), names)
    return names


def _complete(names: dict[str, Any]) -> None:
    """Have the tabulator key complete `names`, and history kept, where there is readline."""
    hook = getattr(sys, "__interactivehook__", None)
    if hook is None:
        return
    try:
        import readline
        from rlcompleter import Completer
    except ImportError:
        pass
    else:
        # Before the hook: it binds the key, and to the names of __main__ if nobody has a completer.
        readline.set_completer(Completer(names).complete)
    hook()


@click.command("shell", short_help="A Python prompt with the application.")
@with_appcontext
def shell_command() -> None:
    """Start Python's prompt in the application's context.

    `app`, `g` and what the functions of 'shell_context_processor' return are at hand there, so that
    a few lines need no script around them.
    """
    import code

    names = _started()
    names.update(current_app.make_shell_context())
    _complete(names)
    code.interact(
        banner=(
            f"Python {sys.version} on {sys.platform}\n"
            f"App: {current_app.import_name}\n"
            f"Instance: {current_app.instance_path}"
        ),
        local=names,
    )
