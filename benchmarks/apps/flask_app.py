"""Flask: the hello page as its documentation writes it.

Served twice: by gunicorn's sync worker and by granian's WSGI server.
"""

from flask import Flask, request

app = Flask(__name__)


@app.get("/hello")
def hello() -> dict[str, str]:
    """Greet; Flask turns the dict into a JSON answer."""
    name = request.args.get("name", "World")
    return {"message": f"Hello, {name}!"}
