"""`carboy migrate ...`: the group, and where its commands are.

A command is loaded when it is named, so that one that needs LibCST does not keep the others from
working. Add a line to COMMANDS; the function there is a click command.
"""

from __future__ import annotations

import importlib

import click

#: Command -> (module, name in it, one line for the list).
COMMANDS: dict[str, tuple[str, str, str]] = {
    "convert": (
        "carboy.migrate.convert.command",
        "convert",
        "Rewrite Flask views as typed routes.",
    ),
    "status": (
        "carboy.migrate.status.command",
        "status",
        "What is typed, what converts, what needs a person.",
    ),
    # They serve, and so stand above this package.
    "record": (
        "carboy.cli.recording",
        "record",
        "Serve an application, and write down what it answers.",
    ),
    "shadow": (
        "carboy.cli.shadowing",
        "shadow",
        "Ask a new application what a live one is asked, and compare.",
    ),
    "verify": (
        "carboy.migrate.proof.commands",
        "verify",
        "Compare the answers of two applications.",
    ),
}


class Commands(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Their names, sorted."""
        return sorted(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command; where what it needs is not installed, an error says what to install."""
        if name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[name]
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "libcst":
                raise
            raise click.ClickException(
                f"carboy migrate {name} needs LibCST: pip install 'carboy[migrate]'"
            ) from error
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of `--help`, without loading any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][2]) for name in self.list_commands(context)])


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def migrate() -> None:
    """From Flask views to typed routes, step by step, with proof."""
