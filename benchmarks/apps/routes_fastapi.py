"""FastAPI with 1,000 routes, each with a pydantic body class of its own.

Served by the ``routes-1000`` workload, which compares the first route's
throughput with the last one's.
"""

from fastapi import FastAPI

from .many_routes import make_models, register

app = FastAPI()
register(app, make_models())
