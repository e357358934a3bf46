"""Sessions: who opens, keeps and saves them.

`SessionInterface` is what may be replaced on the application; the one here signs the session into a
cookie. COMPAT: salt, key derivation, digest and serializer are upstream's, so that a user who is
logged in stays logged in when an application moves here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.datastructures import CallbackDict

from carboy.flask.json.tag import TaggedJSONSerializer
from carboy.flask.signing import Sha1, serializer_for

if TYPE_CHECKING:
    from carboy.flask.app import Flask
    from carboy.flask.wrappers import Request, Response


class SessionMixin(MutableMapping[str, Any]):
    """What a session has besides its items."""

    #: Made for this request, not loaded.
    new = False
    #: To be saved. A session that can't tell is always saved.
    modified = True
    #: Looked at during this request; the answer then varies with the cookie.
    accessed = False

    @property
    def permanent(self) -> bool:
        """Whether it outlives the browser, by `app.permanent_session_lifetime`."""
        return self.get("_permanent", False)  # type: ignore[no-any-return]

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self["_permanent"] = bool(value)


class SecureCookieSession(CallbackDict[str, Any], SessionMixin):
    """A dict that notices when it changes, one level deep."""

    modified = False

    def __init__(self, initial: Mapping[str, Any] | None = None) -> None:
        def on_update(self: SecureCookieSession) -> None:
            self.modified = True

        super().__init__(initial, on_update)


class NullSession(SecureCookieSession):
    """Stands in where there is no secret key: empty, and an error to change."""

    def _fail(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError(
            "The session is unavailable: it is signed with the application's secret key, and none "
            "is set. Give app.secret_key a long random value that nobody else knows; "
            "this prints one: python -c 'import secrets; print(secrets.token_hex())'"
        )

    __setitem__ = __delitem__ = clear = pop = popitem = update = setdefault = _fail
    del _fail


class SessionInterface:
    """Opens and saves sessions. Subclass with `open_session` and `save_session`."""

    null_session_class = NullSession
    pickle_based = False

    def make_null_session(self, app: Flask) -> NullSession:
        """What is used where `open_session` returned None."""
        return self.null_session_class()

    def is_null_session(self, obj: object) -> bool:
        """Whether `obj` is such a stand-in; it is never saved."""
        return isinstance(obj, self.null_session_class)

    def get_cookie_name(self, app: Flask) -> str:
        return app.config["SESSION_COOKIE_NAME"]  # type: ignore[no-any-return]

    def get_cookie_domain(self, app: Flask) -> str | None:
        return app.config["SESSION_COOKIE_DOMAIN"]  # type: ignore[no-any-return]

    def get_cookie_path(self, app: Flask) -> str:
        return app.config["SESSION_COOKIE_PATH"] or app.config["APPLICATION_ROOT"]  # type: ignore[no-any-return]

    def get_cookie_httponly(self, app: Flask) -> bool:
        return app.config["SESSION_COOKIE_HTTPONLY"]  # type: ignore[no-any-return]

    def get_cookie_secure(self, app: Flask) -> bool:
        return app.config["SESSION_COOKIE_SECURE"]  # type: ignore[no-any-return]

    def get_cookie_samesite(self, app: Flask) -> str | None:
        return app.config["SESSION_COOKIE_SAMESITE"]  # type: ignore[no-any-return]

    def get_cookie_partitioned(self, app: Flask) -> bool:
        return app.config["SESSION_COOKIE_PARTITIONED"]  # type: ignore[no-any-return]

    def get_expiration_time(self, app: Flask, session: SessionMixin) -> datetime | None:
        """When the cookie ends, None for when the browser is closed."""
        if session.permanent:
            return datetime.now(UTC) + app.permanent_session_lifetime
        return None

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Whether this answer sets the cookie."""
        refresh: bool = app.config["SESSION_REFRESH_EACH_REQUEST"]
        return session.modified or (session.permanent and refresh)

    def open_session(self, app: Flask, request: Request) -> SessionMixin | None:
        """The session of a request, None where there can be none."""
        raise NotImplementedError

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Keep `session`, after every hook has run."""
        raise NotImplementedError


session_json_serializer = TaggedJSONSerializer()


def _lazy_sha1(string: bytes = b"") -> Any:
    # Looked up when it is used: some Python builds forbid it (FIPS).
    return hashlib.sha1(string)


_SHA1 = Sha1()


def _vary(response: Response) -> None:
    """Say that the answer depends on cookies."""
    # PERF: parsing a set that holds nothing else takes 50 calls.
    said = response.headers.get("Vary")
    if said is None:
        response.headers["Vary"] = "Cookie"
    elif said != "Cookie":
        response.vary.add("Cookie")


class SecureCookieSessionInterface(SessionInterface):
    """The whole session in a signed cookie: clients can read it, but not change it."""

    salt = "cookie-session"
    digest_method = staticmethod(_lazy_sha1)
    key_derivation = "hmac"
    serializer = session_json_serializer
    session_class = SecureCookieSession

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Signs with the current key, reads with the older ones as well; None without a key."""
        if not app.secret_key:
            return None
        method = self.digest_method
        return serializer_for(
            (*(app.config["SECRET_KEY_FALLBACKS"] or ()), app.secret_key),
            self.salt,
            self.serializer,
            self.key_derivation,
            method,
            _SHA1 if method is _lazy_sha1 else None,
        )

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        signer = self.get_signing_serializer(app)
        if signer is None:
            return None
        text = request.cookies.get(self.get_cookie_name(app))
        if not text:
            return self.session_class()
        max_age = int(app.permanent_session_lifetime.total_seconds())
        try:
            return self.session_class(signer.loads(text, max_age=max_age))
        except BadSignature:
            return self.session_class()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        name = self.get_cookie_name(app)
        place: dict[str, Any] = {
            "domain": self.get_cookie_domain(app),
            "path": self.get_cookie_path(app),
            "secure": self.get_cookie_secure(app),
            "partitioned": self.get_cookie_partitioned(app),
            "samesite": self.get_cookie_samesite(app),
            "httponly": self.get_cookie_httponly(app),
        }
        # SAFETY: a cache must not give one user's page to another.
        if session.accessed:
            _vary(response)
        if not session:
            if session.modified:
                response.delete_cookie(name, **place)
                _vary(response)
            return
        if not self.should_set_cookie(app, session):
            return
        signer = self.get_signing_serializer(app)
        assert signer is not None
        expires = self.get_expiration_time(app, session)
        response.set_cookie(name, signer.dumps(dict(session)), expires=expires, **place)
        _vary(response)
