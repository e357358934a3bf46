"""Who is logged in, for typed routes: where Flask-Login's proxy is looked through, once."""

from typing import Annotated

from flask import abort
from flask_login import current_user

from carboy import Depends, HTTPException, Security
from carboy.fastapi.security import APIKeyCookie
from garden.models import Customer, login

# It checks nothing: it tells the document, so that /docs shows which routes want a log-in.
cookie = APIKeyCookie(
    name="session", scheme_name="Log-in", description="At /account/login", auto_error=False
)


def current_customer(_: Annotated[str | None, Security(cookie)] = None) -> Customer:
    """The customer of this session; 401 where nobody is logged in."""
    if not current_user.is_authenticated:
        raise HTTPException(401, "Log in first, at /account/login.")
    customer: Customer = current_user._get_current_object()
    return customer


def keeper_of_pages() -> Customer:
    """The keeper; others are sent to log in, or answered 403: what Flask's pages do."""
    if not current_user.is_authenticated:
        abort(login.unauthorized())
    if not current_user.keeper:
        abort(403)
    customer: Customer = current_user._get_current_object()
    return customer


CurrentCustomer = Annotated[Customer, Depends(current_customer)]
Keeper = Annotated[Customer, Depends(keeper_of_pages)]
