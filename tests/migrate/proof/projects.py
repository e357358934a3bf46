"""Small applications, to be written into folders: an old one on Flask, and a new one, its equal.

`write(folder, OLD)` writes ``main.py`` there. Both sides have the same module name on purpose.
"""

from __future__ import annotations

import http.client
from pathlib import Path

OLD = '''
import sqlite3, secrets
from flask import Flask, g, jsonify, redirect, render_template_string, request, session, url_for

app = Flask(__name__)
app.secret_key = "old"

def db():
    base = sqlite3.connect("notes.sqlite")
    base.execute("CREATE TABLE IF NOT EXISTS note (id TEXT, text TEXT)")
    return base

FORM = """<form method=post>
<input type=hidden name=csrf_token value="{{ token }}"><input name=name></form>
<p>{{ session.get("name", "nobody") }}</p>
"""

@app.get("/")
def index():
    return jsonify(message="hello", page=request.args.get("page", 1, type=int))

@app.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "POST":
        if request.form["csrf_token"] != session.get("csrf_token"):
            return "bad token", 400
        if request.form.get("password", "right") != "right":
            return "wrong password", 403
        session["name"] = request.form["name"]
        return redirect(url_for("me"))
    session["csrf_token"] = secrets.token_hex(8)
    return render_template_string(FORM, token=session["csrf_token"])

@app.get("/me")
def me():
    return f"<p>{session.get('name', 'nobody')}</p>"

@app.post("/notes")
def add():
    with db() as base:
        key = secrets.token_hex(8)
        base.execute("INSERT INTO note VALUES (?, ?)", (key, request.get_json()["text"]))
    return jsonify(id=key), 201

@app.get("/notes/<key>")
def note(key):
    found = db().execute("SELECT text FROM note WHERE id = ?", (key,)).fetchone()
    return jsonify(text=found[0]) if found else ("no note", 404)

@app.get("/notes")
def notes():
    return jsonify(count=db().execute("SELECT count(*) FROM note").fetchone()[0])
'''

NEW = (
    OLD.replace("from flask import Flask", "from carboy import App\nfrom carboy.flask import Flask")
    .replace("app = Flask(__name__)", "app = App()\napp.flask.name")
    .replace(
        """@app.get("/")
def index():
    return jsonify(message="hello", page=request.args.get("page", 1, type=int))""",
        """@app.get("/")
async def index(page: int = 1):
    return {"page": page, "message": "hello"}""",
    )
    .replace('@app.get("/me")', '@app.route("/me")')
    .replace('@app.post("/notes")', '@app.route("/notes", methods=["POST"])')
    .replace('@app.get("/notes/<key>")', '@app.route("/notes/<key>")')
    .replace('@app.get("/notes")', '@app.route("/notes")')
)

#: What is asked to see every view: `key` is what was issued.
REQUESTS = """
def requests(client):
    client.get("/?page=2")
    page = client.get("/login")
    assert client.post("/login", form={"name": "ada", "csrf_token": "wrong"}).status == 400
    client.post("/login", form={"name": "ada", "csrf_token": page.token})
    assert client.get("/me").text == "<p>ada</p>"
    assert client.new().get("/me").text == "<p>nobody</p>"
    key = client.post("/notes", json={"text": "remember"}).json()["id"]
    assert client.get("/notes/" + key).json() == {"text": "remember"}
    assert client.get("/notes").json() == {"count": 1}
    client.get("/absent")
"""


def write(folder: Path, source: str, name: str = "main.py") -> Path:
    """The folder, with one file in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(source)
    return folder


class Browser:
    """A user on a socket, who keeps the one cookie there is."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.cookie = ""

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(*self.address, timeout=20)
        if self.cookie:
            headers["cookie"] = self.cookie
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        self.cookie = (answer.headers["set-cookie"] or self.cookie).partition(";")[0]
        connection.close()
        return answer.status, text
