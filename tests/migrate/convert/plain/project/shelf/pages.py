from flask import Blueprint, render_template, url_for

from shelf.stock import BOOKS

bp = Blueprint("pages", __name__)


@bp.route("/")
def home():
    return render_template("home.html", books=BOOKS.values(), title="Shelf & <more>")


@bp.route("/about/")
def about():
    text = render_template("about.html")
    return text, 200, {"X-Home": url_for("pages.home", from_="über uns")}
