"""The entries: everybody reads them, their authors change them."""

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.exceptions import abort

from journal.auth import login_required
from journal.db import get_db

bp = Blueprint("blog", __name__)


@bp.route("/")
def index():
    """All entries, the newest first."""
    entries = (
        get_db()
        .execute(
            "SELECT e.id, title, body, written, member_id, name"
            " FROM entry e JOIN member m ON e.member_id = m.id"
            " ORDER BY written DESC, e.id DESC"
        )
        .fetchall()
    )
    return render_template("blog/index.html", entries=entries)


def find_entry(id, own=True):
    """An entry with its author's name.

    :param own: refuse entries that somebody else wrote.
    """
    entry = (
        get_db()
        .execute(
            "SELECT e.id, title, body, written, member_id, name"
            " FROM entry e JOIN member m ON e.member_id = m.id"
            " WHERE e.id = ?",
            (id,),
        )
        .fetchone()
    )

    if entry is None:
        abort(404, f"There is no entry {id}.")

    if own and entry["member_id"] != g.user["id"]:
        abort(403)

    return entry


@bp.route("/create", methods=("GET", "POST"))
@login_required
def create():
    """Write an entry."""
    if request.method == "POST":
        title = request.form["title"]
        body = request.form["body"]
        problem = None

        if not title:
            problem = "An entry needs a title."

        if problem is not None:
            flash(problem)
        else:
            db = get_db()
            db.execute(
                "INSERT INTO entry (title, body, member_id) VALUES (?, ?, ?)",
                (title, body, g.user["id"]),
            )
            db.commit()
            return redirect(url_for("blog.index"))

    return render_template("blog/create.html")


@bp.route("/<int:id>/update", methods=("GET", "POST"))
@login_required
def update(id):
    """Change one's own entry."""
    entry = find_entry(id)

    if request.method == "POST":
        title = request.form["title"]
        body = request.form["body"]
        problem = None

        if not title:
            problem = "An entry needs a title."

        if problem is not None:
            flash(problem)
        else:
            db = get_db()
            db.execute("UPDATE entry SET title = ?, body = ? WHERE id = ?", (title, body, id))
            db.commit()
            return redirect(url_for("blog.index"))

    return render_template("blog/update.html", entry=entry)


@bp.route("/<int:id>/delete", methods=("POST",))
@login_required
def delete(id):
    """Delete one's own entry."""
    find_entry(id)
    db = get_db()
    db.execute("DELETE FROM entry WHERE id = ?", (id,))
    db.commit()
    return redirect(url_for("blog.index"))
