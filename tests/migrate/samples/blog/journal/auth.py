"""Who is who: registering, logging in and out."""

import functools

from flask import (
    Blueprint,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from werkzeug.security import check_password_hash, generate_password_hash

from journal.db import get_db

bp = Blueprint("auth", __name__, url_prefix="/auth")


def login_required(view):
    """Send whoever is not logged in to the log-in page."""

    @functools.wraps(view)
    def wrapped(**kwargs):
        if g.user is None:
            return redirect(url_for("auth.login"))

        return view(**kwargs)

    return wrapped


@bp.before_app_request
def load_user():
    """Find the member that the session names."""
    member_id = session.get("member_id")

    if member_id is None:
        g.user = None
    else:
        g.user = get_db().execute("SELECT * FROM member WHERE id = ?", (member_id,)).fetchone()


@bp.route("/register", methods=("GET", "POST"))
def register():
    """Become a member; names are unique."""
    if request.method == "POST":
        name = request.form["name"]
        password = request.form["password"]
        db = get_db()
        problem = None

        if not name:
            problem = "Please choose a name."
        elif not password:
            problem = "Please choose a password."

        if problem is None:
            try:
                db.execute(
                    "INSERT INTO member (name, password) VALUES (?, ?)",
                    (name, generate_password_hash(password)),
                )
                db.commit()
            except db.IntegrityError:
                # somebody was here first
                problem = f"There is a {name} already."
            else:
                return redirect(url_for("auth.login"))

        flash(problem)

    return render_template("auth/register.html")


@bp.route("/login", methods=("GET", "POST"))
def login():
    """Log in by name and password."""
    if request.method == "POST":
        name = request.form["name"]
        password = request.form["password"]
        member = get_db().execute("SELECT * FROM member WHERE name = ?", (name,)).fetchone()
        problem = None

        if member is None:
            problem = "Nobody has that name."
        elif not check_password_hash(member["password"], password):
            problem = "That is not the password."

        if problem is None:
            # a new session: nothing of a stranger's stays in it
            session.clear()
            session["member_id"] = member["id"]
            return redirect(url_for("index"))

        flash(problem)

    return render_template("auth/login.html")


@bp.route("/logout")
def logout():
    """Forget who is logged in."""
    session.clear()
    return redirect(url_for("index"))
