from flask import Blueprint, abort, current_app, jsonify, redirect, request, url_for

from .stock import BOOKS, OutOfStock

bp = Blueprint("books", __name__)


def find(number):
    if number not in BOOKS:
        abort(404, "There is no such book")
    return BOOKS[number]


@bp.route("/")
def index():
    limit = request.args.get("limit", current_app.config["LIMIT"], type=int)
    tags = request.args.getlist("tag")
    found = [one for one in BOOKS.values() if set(tags) <= set(one["tags"])]
    shelf = current_app.config.get("SHELF")
    return jsonify(books=[one["id"] for one in found[:limit]], total=len(found), shelf=shelf)


@bp.route("/<int:number>")
def book(number):
    return jsonify(find(number))


@bp.route("/", methods=["POST"])
def add():
    sent = request.get_json()
    if "title" not in sent:
        return jsonify(error="title is missing"), 400
    where = url_for("books.book", number=3, _external=True)
    return jsonify(id=3, title=sent["title"]), 201, {"Location": where}


@bp.route("/<int:number>", methods=["DELETE"])
def remove(number):
    find(number)
    return "", 204


@bp.route("/<int:number>/copies", methods=["POST"])
def lend(number):
    if number == 2:
        raise OutOfStock("Emma is lent")
    return {"lent": number, "by": request.headers.get("X-Reader", "nobody")}


@bp.route("/first")
def first():
    return redirect(url_for("books.book", number=1))
