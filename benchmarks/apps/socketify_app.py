"""socketify: the hello page on its native uWebSockets server.

Run as a module; the port comes from the environment.
"""

import os

from socketify import App, AppListenOptions

app = App()


def hello(res, req) -> None:  # type: ignore[no-untyped-def]
    """Greet; socketify sends a dict as JSON."""
    name = req.get_query("name") or "World"
    res.end({"message": f"Hello, {name}!"})


app.get("/hello", hello)

if __name__ == "__main__":
    app.listen(AppListenOptions(port=int(os.environ["BENCH_PORT"]), host="127.0.0.1"))
    app.run()
