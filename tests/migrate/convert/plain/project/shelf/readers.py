from functools import wraps

from flask import Blueprint, abort, make_response, request, session

bp = Blueprint("readers", __name__, url_prefix="/readers")


def shouting(view):
    @wraps(view)
    def wrapper(*args, **kwargs):
        response = make_response(view(*args, **kwargs))
        response.headers["X-Shout"] = "yes"
        return response

    return wrapper


@bp.route("/login", methods=["POST"])
def login():
    name = request.form["name"]
    if request.form.get("password") != "pw":
        abort(401)
    session["name"] = name
    response = make_response({"hello": name})
    response.set_cookie("seen", "1", httponly=True)
    return response


@bp.route("/me")
def me():
    if "name" not in session:
        abort(403)
    return {"name": session["name"]}


@bp.route("/logout", methods=["POST"])
def logout():
    session.clear()
    return "", 204


@bp.route("/<name>/greeting")
@shouting
def greeting(name):
    return f"Hello {name}"
