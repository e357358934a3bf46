"""An application as Flask's documentation writes them, the same source under every server.

Templates, sessions, JSON, and ten blueprints with hooks of their own.
"""

from flask import Blueprint, Flask, g, render_template, request, session

app = Flask(__name__)
app.secret_key = "for benchmarks only"

LAMPS = [{"name": f"Lamp {number}", "price": number / 2} for number in range(20)]


@app.get("/hello")
def hello() -> dict[str, str]:
    """Greet; Flask turns the dict into a JSON answer."""
    name = request.args.get("name", "World")
    return {"message": f"Hello, {name}!"}


@app.get("/lamps")
def lamps() -> str:
    """A page with a list, from a template that extends another."""
    return render_template("lamps.html", lamps=LAMPS, title="Lamps")


@app.get("/visits")
def visits() -> dict[str, int]:
    """Read the session and write it."""
    session["visits"] = session.get("visits", 0) + 1
    return {"visits": session["visits"]}


@app.post("/orders")
def order() -> tuple[dict[str, object], int]:
    """Read a JSON body and answer with parts of it."""
    data = request.get_json()
    return {"name": data["name"], "total": data["amount"] * 2, "tags": data["tags"]}, 200


def _blueprint(number: int) -> Blueprint:
    blueprint = Blueprint(f"part{number}", __name__, url_prefix=f"/part{number}")

    @blueprint.before_request
    def load() -> None:
        g.number = number

    @blueprint.after_request
    def sign(response):  # type: ignore[no-untyped-def]
        response.headers["X-Part"] = str(g.number)
        return response

    @blueprint.teardown_request
    def close(error: BaseException | None) -> None:
        g.pop("number", None)

    @blueprint.get("/<int:item>")
    def show(item: int) -> dict[str, int]:
        return {"part": g.number, "item": item}

    return blueprint


for _number in range(10):
    app.register_blueprint(_blueprint(_number))
