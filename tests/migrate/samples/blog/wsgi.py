"""What servers are told: ``gunicorn wsgi:app``."""

from journal import create_app

app = create_app()
