"""Carboy with 1,000 routes, each with a pydantic body class of its own.

Served by the ``routes-1000`` workload, which compares the first route's
throughput with the last one's.
"""

from carboy import App

from .many_routes import make_models, register

app = App()
register(app, make_models())
