"""A Flask application for every transport: what the reference sample does, and Flask's order."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator

from carboy.flask import Flask, Response, g, jsonify, request, session, stream_with_context

from .events import note, noted

app = Flask(__name__)
app.secret_key = "not secret"


@app.route("/ready")
async def ready():
    return {"token": os.environ.get("CONTRACT_TOKEN")}


@app.route("/events/<tag>")
def events(tag):
    return noted(tag)


@app.route("/hello", methods=["GET"])
def hello():
    name = request.args.get("name", "World")
    return jsonify({"message": f"Hello, {name}!"})


@app.before_request
def before():
    if tag := request.args.get("tag"):
        g.tag = tag
        note(tag, "before")


@app.after_request
def after(response):
    if tag := g.get("tag"):
        note(tag, "after")
        response.call_on_close(lambda: note(tag, "close"))
    return response


@app.teardown_request
def teardown(error):
    if tag := g.get("tag"):
        note(tag, f"teardown {type(error).__name__}")


@app.route("/view")
def view():
    note(g.tag, "view")
    return "done"


@app.route("/broken")
def broken():
    raise ZeroDivisionError("secret")


@app.route("/stream")
def stream():
    tag = g.tag

    def pieces() -> Iterator[str]:
        for number in range(3):
            note(tag, f"piece {number}")
            yield f"{number}{request.path};"

    return Response(stream_with_context(pieces()))


@app.post("/form")
def form():
    return dict(request.form) | {name: len(one.read()) for name, one in request.files.items()}


@app.post("/count")
def count():
    session["count"] = session.get("count", 0) + 1
    return str(session["count"])


@app.post("/size")
def size():
    return str(len(request.get_data()))


@app.route("/wait/<int:number>")
async def wait(number):
    await asyncio.sleep(0)
    return {"number": number}


#: A barrier opens when this many requests are inside at the same time; nothing is timed.
TOGETHER = 10
_threads = threading.Barrier(TOGETHER)


@app.route("/together")
def together():
    _threads.wait(20)
    return "met"
