"""What servers are told: ``gunicorn wsgi:app``."""

from lending import create_app

app = create_app()
