"""The ``flask`` command itself; a module of its own since it is made when it is imported."""

from __future__ import annotations

from carboy.flask.cli.group import FlaskGroup

cli = FlaskGroup(
    name="flask",
    help="""\
Commands for a Flask application: those below, and its own.

The application is what --app or the environment variable FLASK_APP names, else it is looked for in
'wsgi.py' and 'app.py' in the current folder.
""",
)
