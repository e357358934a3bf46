"""What routers are called where several modules have one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from carboy.migrate.convert import plan

PART = """from flask import Blueprint

{name} = Blueprint("{called}", __name__)


@{name}.route("/{called}")
def view():
    return "{called}"
"""

MAIN = """from flask import Flask
from auth import auth_bp
from blog import blog_bp, more
from shop import bp as shop_bp

router = "a name of its own"
app = Flask(__name__)
app.register_blueprint(auth_bp)
app.register_blueprint(blog_bp, url_prefix="/b/")
app.register_blueprint(more)
app.register_blueprint(shop_bp)
"""

ASKED = """
import main
client = main.app.test_client()
for path in ("/auth", "/b/blog", "/more", "/shop"):
    print(client.get(path).text, end=" ")
print(main.router)
"""


def test_no_router_takes_the_name_of_another(tmp_path: Path) -> None:
    blog = PART.format(name="blog_bp", called="blog")
    blog += '\nmore = Blueprint("more", __name__)\n\n\n@more.route("/more")\ndef other():\n'
    texts = {
        "auth": PART.format(name="auth_bp", called="auth"),
        "blog": blog + '    return "more"\n',
        "shop": PART.format(name="bp", called="shop"),
        "main": MAIN,
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text)
    made = plan(tmp_path)
    assert [view.reasons for view in made.views] == [[]] * 4
    for name, text in made.files.items():
        (tmp_path / name).write_text(text)
    assert not plan(tmp_path).files
    told = subprocess.run(
        [sys.executable, "-c", ASKED], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert told.stdout == "auth blog more shop a name of its own\n", told.stderr
