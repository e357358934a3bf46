"""An application that imports flask, for `carboy exec`: it knows not who answers for the name."""

from __future__ import annotations

import asyncio
import os
import threading

from flask import Flask, Response, request, session, stream_with_context

app = Flask(__name__)
app.secret_key = "not secret"
#: Opens when this many requests are inside at the same time.
TOGETHER = 5
_inside = threading.Barrier(TOGETHER)


@app.route("/ready")
def ready():
    return {"token": os.environ.get("CONTRACT_TOKEN")}


@app.route("/by")
def by():
    return {"app": type(app).__module__, "flask": Flask.__module__}


@app.route("/wait/<int:number>")
async def wait(number):
    await asyncio.sleep(0.01)
    return {"number": number, "path": request.path}


@app.post("/count")
def count():
    session["count"] = session.get("count", 0) + int(request.form["by"])
    return str(session["count"])


@app.route("/stream")
def stream():
    return Response(stream_with_context(f"{request.path}{number};" for number in range(3)))


@app.route("/broken")
def broken():
    raise ZeroDivisionError("secret")


@app.route("/together")
def together():
    _inside.wait(20)
    return "met"
