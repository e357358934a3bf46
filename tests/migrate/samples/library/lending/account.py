"""Cards: getting one, showing it, putting it away."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user, login_required, login_user, logout_user

from lending.extensions import db
from lending.forms import JoinForm, LoginForm, ProfileForm
from lending.models import Member

bp = Blueprint("account", __name__)


@bp.route("/join", methods=["GET", "POST"])
def join():
    """Become a member."""
    form = JoinForm()
    if form.validate_on_submit():
        member = Member(name=form.name.data, email=form.email.data)
        member.set_password(form.password.data)
        db.session.add(member)
        db.session.commit()
        login_user(member)
        flash(f"Welcome, {member.name}!", "success")
        return redirect(url_for("catalogue.index"))
    return render_template("account/join.html", form=form)


@bp.route("/login", methods=["GET", "POST"])
def login():
    """Show the card."""
    if current_user.is_authenticated:
        return redirect(url_for("catalogue.index"))
    form = LoginForm()
    if form.validate_on_submit():
        member = Member.query.filter_by(name=form.name.data).first()
        if member is not None and member.check_password(form.password.data):
            login_user(member, remember=form.remember.data)
            target = request.args.get("next", "")
            # only pages of our own
            if not target.startswith("/") or target.startswith("//"):
                target = url_for("catalogue.index")
            return redirect(target)
        flash("We do not know that name or password.", "warning")
    return render_template("account/login.html", form=form)


@bp.route("/logout", methods=["POST"])
@login_required
def logout():
    """Put the card away."""
    logout_user()
    return redirect(url_for("catalogue.index"))


@bp.route("/profile", methods=["GET", "POST"])
@login_required
def profile():
    """What we know of a member, and how to change it."""
    form = ProfileForm(obj=current_user)
    if form.validate_on_submit():
        current_user.email = form.email.data
        db.session.commit()
        flash("Saved.", "success")
        return redirect(url_for(".profile"))
    return render_template("account/profile.html", form=form)
