"""Robyn: the hello page on Robyn's own Rust server.

Run as a module with ``--processes 1 --workers 1``; the port comes from the
environment because Robyn's command line has no option for it.
"""

import os

from robyn import Request, Robyn

app = Robyn(__file__)


@app.get("/hello")
async def hello(request: Request) -> dict[str, str]:
    """Greet; Robyn turns the dict into a JSON answer."""
    name = request.query_params.get("name", "World")
    return {"message": f"Hello, {name}!"}


if __name__ == "__main__":
    app.start(host="127.0.0.1", port=int(os.environ["BENCH_PORT"]))
