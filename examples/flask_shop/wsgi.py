"""What servers are told: ``gunicorn wsgi:app``, ``carboy run --drop-in wsgi:app``."""

from shop import create_app

app = create_app()
