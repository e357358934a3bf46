"""The database: one connection a request, opened when somebody asks for it."""

import sqlite3
from datetime import datetime

import click
from flask import current_app, g
from flask.cli import with_appcontext


def get_db():
    """The connection of this request."""
    if "db" not in g:
        g.db = sqlite3.connect(
            current_app.config["DATABASE"],
            detect_types=sqlite3.PARSE_DECLTYPES,
        )
        g.db.row_factory = sqlite3.Row

    return g.db


def close_db(error=None):
    """Close this request's connection, if it was opened."""
    connection = g.pop("db", None)

    if connection is not None:
        connection.close()


def init_db():
    """Throw away what is there and make empty tables."""
    connection = get_db()

    with current_app.open_resource("schema.sql") as script:
        connection.executescript(script.read().decode("utf-8"))


@click.command("init-db")
@with_appcontext
def init_db_command():
    """Empty the database and make its tables."""
    init_db()
    click.echo("The database is ready.")


sqlite3.register_converter("timestamp", lambda raw: datetime.fromisoformat(raw.decode()))


def init_app(app):
    """Tell the application how to close connections, and about the command."""
    app.teardown_appcontext(close_db)
    app.cli.add_command(init_db_command)
