import sqlite3

import pytest
from journal.db import get_db


def test_one_connection_while_the_context_lives(app):
    with app.app_context():
        db = get_db()
        assert db is get_db()

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        db.execute("SELECT 1")


def test_init_db_command(app):
    result = app.test_cli_runner().invoke(args=["init-db"])
    assert result.output == "The database is ready.\n"
    with app.app_context():
        assert get_db().execute("SELECT count(*) FROM entry").fetchone()[0] == 0
