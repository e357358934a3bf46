"""What Flask does and typed routes do not, for code that was converted: parameters, body, answers.

Written by `carboy migrate convert` wherever the plain way would answer differently; each piece may
be replaced by it once nobody needs the difference. Depends on Starlette and pydantic only, so that
`--target fastapi` can put this very file into a project. Werkzeug, where it is installed, is asked
for the words of its pages; nothing else of it is needed.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import json
import re
from base64 import b64decode
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from html import escape
from http import HTTPStatus
from io import BytesIO
from shutil import copyfileobj
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote, unquote, urlencode
from uuid import UUID

from anyio import from_thread
from pydantic import AfterValidator, BeforeValidator
from starlette.datastructures import FormData, MutableHeaders, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response as _Response
from starlette.responses import StreamingResponse as _Streaming

Value = TypeVar("Value")

# Parameters --------------------------------------------------------------------------------------


def lenient(convert: Callable[[str], Any], default: Any = None) -> BeforeValidator:
    """Flask's `type=`: what can't be converted is `default`, not an error.

    page: Annotated[int, Query(), lenient(int, 1)] = 1
    """

    def check(value: Any) -> Any:
        try:
            return convert(value) if isinstance(value, str) else value
        except (ValueError, TypeError):
            return default

    return BeforeValidator(check)


def lenient_list(convert: Callable[[str], Any]) -> BeforeValidator:
    """The same for `getlist(type=)`: values that can't be converted are left out."""

    def check(values: Any) -> Any:
        found = []
        for value in values:
            try:
                found.append(convert(value))
            except (ValueError, TypeError):
                continue
        return found

    return BeforeValidator(check)


def _or_404(accept: Callable[[Any], bool]) -> AfterValidator:
    def check(value: Any) -> Any:
        if not accept(value):
            raise HTTPException(404)
        return value

    return AfterValidator(check)


def one_of(*values: str) -> AfterValidator:
    """`<any(...)>`: 404 for any other value."""
    return _or_404(values.__contains__)


def length(*, minlength: int = 1, maxlength: int | None = None, length: int | None = None) -> Any:
    """`<string(minlength=, maxlength=, length=)>`."""
    if length is not None:
        return _or_404(lambda value: len(value) == length)
    return _or_404(lambda value: len(value) >= minlength and len(value) <= (maxlength or 1 << 30))


def between(*, min: int | None = None, max: int | None = None) -> AfterValidator:
    """`<int(min=, max=)>`."""
    low, high = (min, max)
    return _or_404(lambda value: (low is None or value >= low) and (high is None or value <= high))


#: `<path:name>`: never empty, and not beginning with a slash.
path = _or_404(lambda value: bool(value) and not value.startswith("/"))


def _fraction(value: Any) -> float:
    if re.fullmatch(r"\d+\.\d+", str(value)) is None:
        raise HTTPException(404)
    return float(value)


#: `<float:name>`: a point is needed.
fraction = BeforeValidator(_fraction)


def in_path(name: str, default: Any = None) -> Callable[[Request], Any]:
    """A dependency: a variable that only some of a route's paths have."""

    def value(request: Request) -> Any:
        found = request.path_params.get(name, default)
        if found == "":
            raise HTTPException(404)
        return found

    return value


class Missing(HTTPException, KeyError):
    """400 for what was not sent. It is a KeyError too, which the code around may catch."""


def given(value: Value | None) -> Value:
    """`value`, that was sent; 400 where it was not, as for Flask's `request.args["name"]`."""
    if value is None:
        raise Missing(400)
    return value


def abort(status: int, description: str | None = None) -> NoReturn:
    """`abort` as a part of an expression; as a statement it is `raise HTTPException(...)`."""
    raise HTTPException(status, description)


class MultiDict(Mapping[str, Any]):
    """Several values a key, the first of them by default; a missing key is answered with 400."""

    def __init__(self, pairs: Iterable[tuple[str, Any]] = ()) -> None:
        self._lists: dict[str, list[Any]] = {}
        for key, value in pairs:
            self._lists.setdefault(key, []).append(value)

    def __getitem__(self, key: str) -> Any:
        if key not in self._lists:
            raise Missing(400)
        return self._lists[key][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._lists)

    def __len__(self) -> int:
        return len(self._lists)

    def __contains__(self, key: object) -> bool:
        return key in self._lists

    def get(self, key: str, default: Any = None, type: Callable[[Any], Any] | None = None) -> Any:
        """The first value, or `default` where there is none or `type` refuses it."""
        if key not in self._lists:
            return default
        try:
            return self._lists[key][0] if type is None else type(self._lists[key][0])
        except (ValueError, TypeError):
            return default

    def getlist(self, key: str, type: Callable[[Any], Any] | None = None) -> list[Any]:
        """All values; those that `type` refuses are left out."""
        found = self._lists.get(key, [])
        if type is None:
            return list(found)
        tried = [MultiDict([("", one)]).get("", _MISSING, type) for one in found]
        return [one for one in tried if one is not _MISSING]

    def items(self, multi: bool = False) -> Any:
        """Pairs: the first value of each key, or with `multi` every one."""
        if not multi:
            return [(key, values[0]) for key, values in self._lists.items()]
        return [(key, value) for key, values in self._lists.items() for value in values]

    def lists(self) -> list[tuple[str, list[Any]]]:
        """Every key with all its values."""
        return [(key, list(values)) for key, values in self._lists.items()]

    def to_dict(self, flat: bool = True) -> dict[str, Any]:
        """A plain dict, of first values or of lists."""
        return dict(self.items()) if flat else dict(self.lists())


_MISSING: Any = object()


class Upload:
    """An uploaded file, read and saved without waiting."""

    def __init__(self, name: str, file: UploadFile) -> None:
        self.name, self.filename = name, file.filename
        self.stream: Any = file.file
        if not getattr(file.file, "_rolled", True):
            # Short ones are in memory anyway, and need nobody to close them.
            self.stream = BytesIO(file.file.read())
            file.file.close()
        self.headers, self.content_type = file.headers, file.content_type
        self.mimetype = (file.content_type or "").partition(";")[0].strip().lower()
        self.read, self.seek, self.close = (
            self.stream.read,
            self.stream.seek,
            self.stream.close,
        )

    def __bool__(self) -> bool:
        return bool(self.filename)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.stream)

    def save(self, target: Any, buffer_size: int = 16384) -> None:
        """Write it to a path or an open file."""
        if hasattr(target, "write"):
            copyfileobj(self.stream, target, buffer_size)
            return
        with open(target, "wb") as opened:  # noqa: PTH123
            copyfileobj(self.stream, opened, buffer_size)


# What is read before the view runs ---------------------------------------------------------------


def _now(request: Request, call: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
    """The result of something asynchronous, in the thread of a `def` view.

    Not by an `async def` dependency: then the view would run in another thread than what goes
    before it, and connections of SQLite, for one, can't change theirs.
    """
    # On a WSGI server the thread is the server's own.
    wait = request.scope.get("extensions", {}).get("carboy.wait")
    return from_thread.run(call) if wait is None else wait(call())


def args(request: Request) -> MultiDict:
    """`request.args`."""
    return MultiDict(request.query_params.multi_items())


def _whole(provider: Callable[[Request], Any]) -> Callable[[Request], Any]:
    """Have Carboy read the body before the view's thread is entered."""
    provider.wants_body = True  # type: ignore[attr-defined]
    return provider


async def _form(request: Request) -> FormData:
    return await request.form()


def _sent(request: Request) -> tuple[MultiDict, MultiDict]:
    """Fields and files of a form, taken apart once."""
    known: tuple[MultiDict, MultiDict] | None = request.scope.get("kept.form")
    if known is None:
        items = _now(request, functools.partial(_form, request)).multi_items()
        fields = MultiDict((key, value) for key, value in items if isinstance(value, str))
        uploads = ((key, value) for key, value in items if isinstance(value, UploadFile))
        files = MultiDict((key, Upload(key, value)) for key, value in uploads)
        known = request.scope["kept.form"] = fields, files
    return known


@_whole
def form(request: Request) -> MultiDict:
    """`request.form`: fields without files."""
    return _sent(request)[0]


@_whole
def files(request: Request) -> MultiDict:
    """`request.files`."""
    return _sent(request)[1]


_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def _body(request: Request) -> bytes:
    """The body; a form that was taken apart has left nothing of it, as in Flask."""
    is_taken = mimetype(request) in _FORMS and "kept.form" in request.scope
    if is_taken and not hasattr(request, "_body"):
        return b""
    return _now(request, request.body)


@_whole
def raw_data(request: Request) -> bytes:
    """`request.get_data()`: the body."""
    return _body(request)


@_whole
def data(request: Request) -> bytes:
    """`request.data`: the body, unless it is a form."""
    if mimetype(request) in _FORMS:
        return b""
    return _body(request)


def mimetype(request: Request) -> str:
    """`request.mimetype`."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def is_json(request: Request) -> bool:
    """`request.is_json`."""
    kind = mimetype(request)
    return kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )


@dataclasses.dataclass(frozen=True)
class Authorization:
    """`request.authorization`: its `type`, and parameters (a user name and a password) or a token.

    Parameters are attributes and items; one that was not sent is None.
    """

    type: str
    parameters: dict[str, str] = dataclasses.field(default_factory=dict)
    token: str | None = None

    def __getattr__(self, name: str) -> str | None:
        return self.parameters.get(name)

    def __getitem__(self, name: str) -> str | None:
        return self.parameters.get(name)

    def __contains__(self, name: object) -> bool:
        return name in self.parameters

    def get(self, name: str, default: str | None = None) -> str | None:
        """A parameter, or `default`."""
        return self.parameters.get(name, default)


def authorization(request: Request) -> Authorization | None:
    """`request.authorization`: None without the header, and where it can't be read."""
    kind, _, rest = request.headers.get("authorization", "").partition(" ")
    kind, rest = kind.lower(), rest.strip()
    if not kind:
        return None
    if kind == "basic":
        try:
            name, _, password = b64decode(rest, validate=True).decode().partition(":")
        except ValueError:
            return None
        return Authorization(kind, {"username": name, "password": password})
    if "=" in rest.rstrip("="):
        return Authorization(kind, dict(_pairs(rest)))
    return Authorization(kind, token=rest)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """`a=1, b="2, 3"` in pairs."""
    for one in re.finditer(r'\s*([^=,\s]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^,]*)\s*', text):
        name, value = one.groups()
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        yield name, value.strip()


def host(request: Request) -> str:
    """`request.host`."""
    return request.url.netloc


def host_url(request: Request) -> str:
    """`request.host_url`."""
    return f"{request.url.scheme}://{request.url.netloc}/"


def full_path(request: Request) -> str:
    """`request.full_path`: with a question mark in any case."""
    return f"{request.scope['path']}?{request.url.query}"


def base_url(request: Request) -> str:
    """`request.base_url`: letters of all languages as they are, spaces and marks quoted."""
    path = re.sub(r"[\x00-\x20\x7f?#]", lambda found: quote(found[0]), request.scope["path"])
    return f"{request.url.scheme}://{request.url.netloc}{path}"


def url(request: Request) -> str:
    """`request.url`: the same, with the query."""
    query = _QUOTED.sub(_unquoted, request.scope["query_string"].decode("latin-1"))
    return f"{base_url(request)}?{query}" if query else base_url(request)


#: What Flask shows of a query as it is meant: all but white space and what divides a query.
_QUOTED = re.compile(r"(?:%(?!20|23|25|26|2B|3D|7F|[01])[0-9A-F]{2})+", re.IGNORECASE)


def _unquoted(found: re.Match[str]) -> str:
    try:
        return unquote(found[0], errors="strict")
    except UnicodeDecodeError:
        return found[0]


@_whole
def json_body(request: Request) -> Any:
    """`request.get_json()`: 415 for another content type, 400 for what is no JSON."""
    if not is_json(request):
        raise HTTPException(415, _words_of_415())
    return _parsed(_body(request), silent=False)


@_whole
def json_body_silent(request: Request) -> Any:
    """`request.get_json(silent=True)`: None for anything else."""
    return _parsed(_body(request), silent=True) if is_json(request) else None


@_whole
def json_body_force(request: Request) -> Any:
    """`request.get_json(force=True)`: whatever the content type."""
    return _parsed(_body(request), silent=False)


@_whole
def json_body_force_silent(request: Request) -> Any:
    """`request.get_json(force=True, silent=True)`."""
    return _parsed(_body(request), silent=True)


#: What `get_json` below gives: `get_json(force=False, silent=False)`.
GetJSON = Callable[..., Any]


@_whole
def get_json(request: Request) -> GetJSON:
    """`request.get_json` itself, where a body that is no JSON has to be an error in the middle of
    a view: after a check, in a branch, within `try`. The value is read once.
    """
    body = _body(request)
    known: list[Any] = []

    def read(force: bool = False, silent: bool = False) -> Any:
        if not known:
            if not force and not is_json(request):
                if silent:
                    return None
                raise HTTPException(415, _words_of_415())
            known.append(_parsed(body, silent))
        return known[0]

    return read


def _parsed(body: bytes, silent: bool) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        if silent:
            return None
        raise HTTPException(400) from None


def _words_of_415() -> str:
    try:
        from werkzeug.exceptions import UnsupportedMediaType
        from werkzeug.wrappers import Request as Asked
    except ImportError:
        return "The body has to be JSON, and its Content-Type has to say so"
    try:
        Asked({}).on_json_loading_failed(None)
    except UnsupportedMediaType as error:
        return error.description or ""
    return ""


# Answers -----------------------------------------------------------------------------------------


class Headers(MutableHeaders):
    """Starlette's, with Werkzeug's names for what it can do; `keys()` is as headers are written."""

    def add(self, key: str, value: Any, **options: Any) -> None:
        """One more of that name."""
        extra = "".join(f"; {name.replace('_', '-')}={one}" for name, one in options.items())
        self.append(key, f"{value}{extra}")

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, str(value))

    def set(self, key: str, value: Any) -> None:
        """In place of what is there."""
        self[key] = value

    def get_all(self, key: str) -> list[str]:
        """Every value of that name."""
        return self.getlist(key)

    def keys(self) -> list[str]:  # type: ignore[override]
        """Names with capitals, one for each field."""
        return [key.title() for key in self]

    def items(self) -> list[tuple[str, str]]:  # type: ignore[override]
        """(name, value) of each field."""
        return [(key.title(), value) for key, value in super().items()]


class _Dressed:
    """What Flask's responses have: `data`, `content_type`, `status`, cookies with its defaults."""

    body: Any
    background: Any
    status_code: int
    default_mimetype = "text/html"
    _fields: list[tuple[bytes, bytes]]

    def _dress(self, status: Any, headers: Any, mimetype: str | None, kind: str | None) -> None:
        pairs = headers.items() if hasattr(headers, "items") else (headers or ())
        self._fields = [(str(k).lower().encode(), str(v).encode("latin-1")) for k, v in pairs]
        self.background = None
        self.status_code = _status(status)
        if kind is None and mimetype is None and "content-type" in self.headers:
            return
        self.content_type = kind or _with_charset(mimetype or self.default_mimetype)

    @property
    def raw_headers(self) -> Any:
        """What is sent. 204 has no length, 304 nothing that describes a body."""
        if self.status_code == 204 or self.status_code < 200:
            self._drop(b"content-length")
        elif self.status_code == 304:
            self._drop(b"content-length", b"content-type", b"content-encoding", b"content-language")
        return self._fields

    @raw_headers.setter
    def raw_headers(self, fields: Any) -> None:
        self._fields = fields

    def _drop(self, *names: bytes) -> None:
        self._fields[:] = [one for one in self._fields if one[0] not in names]

    @property
    def headers(self) -> Headers:
        return Headers(raw=self.raw_headers)

    @headers.setter
    def headers(self, values: Any) -> None:
        del self.raw_headers[:]
        for key, value in values.items():
            self.headers.append(key, str(value))

    @property
    def content_type(self) -> str | None:
        return self.headers.get("content-type")

    @content_type.setter
    def content_type(self, value: str) -> None:
        self.headers["content-type"] = value

    @property
    def mimetype(self) -> str:
        return (self.content_type or "").partition(";")[0].strip().lower()

    @mimetype.setter
    def mimetype(self, value: str) -> None:
        self.content_type = _with_charset(value)

    @property
    def status(self) -> int:
        return self.status_code

    @status.setter
    def status(self, value: Any) -> None:
        self.status_code = _status(value)

    def set_cookie(
        self,
        key: str,
        value: str = "",
        max_age: timedelta | int | None = None,
        expires: Any = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: str | None = None,
        partitioned: bool = False,
    ) -> None:
        """With Flask's defaults: no SameSite unless it is said."""
        if isinstance(max_age, timedelta):
            max_age = int(max_age.total_seconds())
        if isinstance(expires, int | float):
            expires = datetime.fromtimestamp(expires, UTC)
        if max_age is not None and expires is None:
            expires = _now_in_utc() + timedelta(seconds=max_age)
        # SAFETY: only the value can be written so that it ends nowhere else.
        if _NO_ATTRIBUTE.search(f"{key}{domain or ''}{samesite or ''}{expires or ''}"):
            raise ValueError(
                f"a cookie {key!r} whose name or attributes have ; or control characters"
            )
        parts = [f"{key}={_cookie_value(value)}"]
        parts += [f"Domain={domain.lstrip('.')}"] if domain else []
        if expires is not None:
            parts.append(f"Expires={expires if isinstance(expires, str) else http_date(expires)}")
        parts += [f"Max-Age={max_age}"] if max_age is not None else []
        parts += ["Secure"] if secure or partitioned else []
        parts += ["HttpOnly"] if httponly else []
        parts += [f"Path={quote(path, safe=_IN_PATH)}"] if path is not None else []
        parts += [f"SameSite={samesite.title()}"] if samesite else []
        parts += ["Partitioned"] if partitioned else []
        self.headers.append("set-cookie", "; ".join(parts))

    def delete_cookie(
        self,
        key: str,
        path: str | None = "/",
        domain: str | None = None,
        *more: Any,
        **options: Any,
    ) -> None:
        """A cookie that is over."""
        self.set_cookie(key, "", 0, 0, path, domain, *more, **options)


def _now_in_utc() -> datetime:
    return datetime.now(UTC)


_IN_PATH = "%!$&'()*+,/:=@"
_NO_ATTRIBUTE = re.compile(r"[;\x00-\x1f\x7f]")
_COOKIE_PLAIN = re.compile(r"[\w!#$%&'()*+./:<=>?@\[\]^`{|}~-]*", re.ASCII)


def _cookie_value(value: str) -> str:
    if _COOKIE_PLAIN.fullmatch(value):
        return value
    written = [
        f"\\{chr(one)}"
        if one in b'"\\'
        else chr(one)
        if 32 <= one < 127 and one not in b",;"
        else f"\\{one:03o}"
        for one in value.encode()
    ]
    return f'"{"".join(written)}"'


def _with_charset(mimetype: str) -> str:
    is_text = mimetype.startswith("text/") or mimetype in (
        "application/xml",
        "application/javascript",
    )
    return f"{mimetype}; charset=utf-8" if is_text or mimetype.endswith("+xml") else mimetype


def _status(value: Any) -> int:
    return 200 if value is None else int(str(value)[:3]) if isinstance(value, str) else int(value)


class Response(_Dressed, _Response):
    """Flask's Response: HTML unless it is said, and `data` may be set.

    An iterator as `response` is sent piece by piece.
    """

    def __new__(cls, response: Any = None, *args: Any, **named: Any) -> Any:
        if isinstance(response, Iterator):
            return _Stream(cls.default_mimetype, response, *args, **named)
        return super().__new__(cls)

    def __init__(
        self,
        response: Any = None,
        status: Any = None,
        headers: Any = None,
        mimetype: str | None = None,
        content_type: str | None = None,
        direct_passthrough: bool = False,
    ) -> None:
        self._dress(status, headers, mimetype, content_type)
        has_length = "content-length" in self.headers
        body = _joined(response)
        if has_length and not body:
            self.body = body
        else:
            self.data = body

    @property
    def data(self) -> bytes:
        """The body."""
        return bytes(self.body)

    @data.setter
    def data(self, value: str | bytes) -> None:
        self.body = value.encode() if isinstance(value, str) else bytes(value)
        self.headers["content-length"] = str(len(self.body))

    def get_data(self, as_text: bool = False) -> Any:
        """The body."""
        return self.body.decode() if as_text else self.body

    def set_data(self, value: str | bytes) -> None:
        """Another body."""
        self.data = value

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)

    get_json = lambda self, **options: self.json  # noqa: E731


class _Stream(_Dressed, _Streaming):
    """Flask's Response whose body comes from an iterator."""

    def __init__(
        self,
        default_mimetype: str,
        response: Iterator[Any],
        status: Any = None,
        headers: Any = None,
        mimetype: str | None = None,
        content_type: str | None = None,
        direct_passthrough: bool = False,
    ) -> None:
        _Streaming.__init__(self, response)
        self.default_mimetype = default_mimetype
        self._dress(status, headers, mimetype, content_type)


def _joined(response: Any) -> bytes:
    if response is None or isinstance(response, bytes | bytearray):
        return bytes(response or b"")
    if isinstance(response, str):
        return response.encode()
    return b"".join(one.encode() if isinstance(one, str) else bytes(one) for one in response)


class PlainResponse(Response):
    """Werkzeug's own Response: plain text unless it is said."""

    default_mimetype = "text/plain"


class JSON(Response):
    """JSON as Flask writes it: keys sorted, dates as in HTTP, Decimals and UUIDs as text."""

    def __init__(self, content: Any, status_code: int = 200, headers: Any = None) -> None:
        text = json.dumps(content, default=_for_json, sort_keys=True, separators=(",", ":"))
        super().__init__(f"{text}\n", status_code, headers, content_type="application/json")


def _for_json(value: Any) -> Any:
    if isinstance(value, date):
        return http_date(value)
    if isinstance(value, Decimal | UUID):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if hasattr(value, "__html__"):
        return str(value.__html__())
    raise TypeError(f"JSON has no {type(value).__name__}")


def http_date(value: date) -> str:
    """As in `Sun, 06 Nov 1994 08:49:37 GMT`; times without a zone are UTC's."""
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return format_datetime(value, usegmt=True)


def jsonify(*values: Any, **named: Any) -> Response:
    """Flask's: one value, several as a list, or named ones as an object."""
    if values and named:
        raise TypeError("jsonify() takes positional or named arguments, not both")
    return JSON(named if named or not values else values[0] if len(values) == 1 else list(values))


def redirect(location: str, code: int = 302, Response: Any = None) -> Any:  # noqa: N803
    """Flask's, with the page that it sends along."""
    target = quote(location, safe="!#$%&'()*+,/:;=?@[]~")
    try:
        from werkzeug.urls import iri_to_uri
        from werkzeug.utils import redirect as page

        made = page(location, code)
        # SAFETY: a tab would be left out, and "/<tab>/host" lead to another one.
        quoted = re.sub(r"[\x00-\x20\x7f]", lambda found: quote(found[0]), made.headers["Location"])
        body, target = made.get_data(), iri_to_uri(quoted)
    except ImportError:
        shown = escape(target)
        body = f'<!doctype html>\n<title>Elsewhere</title>\n<a href="{shown}">{shown}</a>'.encode()
    return _OWN(body, code, {"location": target})


#: The class, where a parameter has its name.
_OWN = Response


def make_response(*values: Any) -> Any:
    """Flask's: what a view may return, as a response that can be changed."""
    if not values:
        return Response()
    return answered(values[0] if len(values) == 1 else values)


def answered(value: Any) -> Any:
    """A response for whatever a Flask view may return: text, dict, tuple, Werkzeug's response."""
    status: Any = None
    headers: Any = None
    if isinstance(value, tuple) and not isinstance(value, _Response):
        value, *more = value
        if len(more) == 2:
            status, headers = more
        elif isinstance(more[0], dict | list | tuple) or hasattr(more[0], "items"):
            headers = more[0]
        else:
            status = more[0]
    if value is None:
        raise TypeError("the view returned None: it has to return an answer")
    response = _response(value)
    if status is not None:
        response.status_code = _status(status)
    for key, one in headers.items() if hasattr(headers, "items") else headers or ():
        response.headers[key] = str(one)
    return response


def _response(value: Any) -> Any:
    if isinstance(value, _Response):
        return value
    if isinstance(value, dict | list):
        return JSON(value)
    if hasattr(value, "get_wsgi_headers"):
        return _from_werkzeug(value)
    return Response(value)


def _from_werkzeug(value: Any) -> Any:
    fields = list(value.get_wsgi_headers({"wsgi.url_scheme": "http", "HTTP_HOST": "localhost"}))
    if value.is_sequence:
        made = Response(value.get_data(), value.status_code, content_type="text/html")
    else:
        made = Response(_closing(value), value.status_code)
    made._fields[:] = [(k.lower().encode(), v.encode("latin-1")) for k, v in fields]
    return made


def _closing(response: Any) -> Iterator[bytes]:
    try:
        yield from response.iter_encoded()
    finally:
        response.close()


def answers(view: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator: whatever `view` returns, as `answered` has it."""
    if inspect.iscoroutinefunction(view):

        @functools.wraps(view)
        async def answer_async(*positional: Any, **named: Any) -> Any:
            return answered(await view(*positional, **named))

        return answer_async

    @functools.wraps(view)
    def answer(*positional: Any, **named: Any) -> Any:
        return answered(view(*positional, **named))

    return answer


# An application outside Carboy --------------------------------------------------------------------


def url_for(request: Request, name: str, /, **values: Any) -> str:
    """Flask's: the path of a route, quoted; what it has no variable for goes into the query.

    `_external=True` puts scheme and host in front, `_anchor=` a fragment behind.
    """
    from starlette.routing import NoMatchFound

    if name == "static" and "filename" in values:
        values["path"] = values.pop("filename")
    fragment, is_whole = values.pop("_anchor", None), values.pop("_external", False)
    within = {key: _typed(value) for key, value in values.items() if value is not None}
    query: dict[str, Any] = {}
    while True:
        try:
            found = str(request.app.url_path_for(name, **within))
            break
        except NoMatchFound:
            named = _variables(request.app.routes, name)
            extra = next((key for key in within if key not in named), None)
            if extra is None:
                raise
            query[extra] = within.pop(extra)
    base = host_url(request)[:-1] if is_whole else ""
    # SAFETY: two slashes in front would name a host.
    found = f"/{quote(found, safe=_IN_URL).lstrip('/')}"
    path = f"{base}{request.scope.get('root_path', '').rstrip('/')}{found}"
    text = urlencode(sorted(query.items()), doseq=True)
    return path + (f"?{text}" if text else "") + (f"#{quote(str(fragment))}" if fragment else "")


_IN_URL = "!$&'()*+,/:;=@~"


def _typed(value: Any) -> Any:
    return value if isinstance(value, int | float | str | UUID | list | tuple) else str(value)


def _variables(routes: Any, name: str) -> set[str]:
    found = {"path"} if name == "static" else set()
    for route in _flat(routes):
        if getattr(route, "name", None) == name:
            found.update(getattr(route, "param_convertors", ()))
    return found


def _flat(routes: Any) -> Iterator[Any]:
    """Routes with those of included routers, which newer FastAPIs keep apart."""
    for route in routes:
        inner = getattr(route, "effective_candidates", None)
        if inner is None:
            yield route
        else:
            yield from _flat(inner())


def _fitting(routes: Any, scope: Any, path: str | None = None) -> Iterator[Any]:
    """The routes whose path is that of the request (or `path`); no variable begins with a slash."""
    asked = scope["path"].removeprefix(scope.get("root_path", "")) if path is None else path
    for route in _flat(routes):
        shape = getattr(route, "path_regex", None)
        found = None if shape is None else shape.match(asked)
        if found and not any(one and one.startswith("/") for one in found.groupdict().values()):
            yield route


def described(error: Any) -> str:
    """An error's `description` in Flask: what `abort` was given, or what is said of the status."""
    status, told = error.status_code, error.detail
    if told != _PHRASES.get(status):
        return str(told)
    try:
        from werkzeug.exceptions import default_exceptions
    except ImportError:
        return str(told)
    return str(getattr(default_exceptions.get(status), "description", None) or told)


def templates(folder: Any) -> Any:
    """Starlette's Jinja2Templates, as Flask's: what is escaped, `tojson`, paths from `url_for`."""
    from jinja2 import pass_context, select_autoescape
    from starlette.templating import Jinja2Templates

    @pass_context
    def to(context: Any, name: str, /, **values: Any) -> str:
        return url_for(context["request"], name, **values)

    found = Jinja2Templates(folder)
    found.env.globals["url_for"] = to
    found.env.autoescape = select_autoescape(("html", "htm", "xml", "xhtml", "svg"))
    found.env.policies["json.dumps_kwargs"] = {"sort_keys": True, "default": _for_json}
    return found


def habits(app: Any) -> None:
    """Have a FastAPI application answer as Flask's where no view speaks.

    Errors are pages, HEAD is answered wherever GET is, OPTIONS with what is allowed, and `/users`
    and `//users/` lead to `/users/` where that is a route, never back. With HEAD, views see GET.
    """
    app.router.redirect_slashes = False
    app.add_exception_handler(HTTPException, error_page)
    app.add_exception_handler(500, error_page)
    app.add_middleware(_Habits, owner=app)


async def error_page(request: Request, error: Any) -> Response:
    """Flask's page for an error."""
    status, description, headers = 500, None, {}
    # SAFETY: errors of databases and clients have details and statuses, too.
    if isinstance(error, HTTPException):
        status, headers = error.status_code, dict(error.headers or {})
        description = None if error.detail == _PHRASES.get(status) else error.detail
    if status == 405:
        headers = {"Allow": ", ".join(sorted(_allowed(request.app.routes, request.scope)))}
    return Response(_words(status, description), status, headers)


_PHRASES = {one.value: one.phrase for one in HTTPStatus}


def _words(status: int, description: str | None) -> str:
    try:
        from werkzeug.exceptions import default_exceptions
    except ImportError:
        title = f"{status} {_PHRASES.get(status, '')}".strip()
        text = "" if description is None else f"\n<p>{escape(str(description))}</p>"
        return f"<!doctype html>\n<title>{title}</title>\n<h1>{title}</h1>{text}"
    if status not in default_exceptions:
        return escape(str(description or ""))
    return str(default_exceptions[status](description=description).get_body())


def _allowed(routes: Any, scope: Any) -> set[str]:
    """The methods of every route that the path fits."""
    found: set[str] = set()
    for route in _fitting(routes, scope):
        # What is mounted are files.
        found.update(getattr(route, "methods", None) or {"GET"})
    if "GET" in found:
        found.add("HEAD")
    return found | {"OPTIONS"} if found else found


class _Habits:
    """See `habits`."""

    def __init__(self, app: Any, owner: Any) -> None:
        self.app, self.owner = app, owner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        answer = self._answer(scope) if scope["type"] == "http" else None
        if answer is not None:
            await answer(scope, receive, send)
        elif scope["type"] == "http" and scope["method"] == "HEAD" and not self._has_head(scope):
            await self.app({**scope, "method": "GET"}, receive, _without_body(send))
        else:
            await self.app(scope, receive, send)

    def _has_head(self, scope: Any) -> bool:
        """Whether a route takes HEAD itself."""
        fitting = _fitting(self.owner.routes, scope)
        return any("HEAD" in (getattr(one, "methods", None) or ()) for one in fitting)

    def _answer(self, scope: Any) -> Any:
        """What is answered before any route is asked; None for nothing."""
        fitting = list(_fitting(self.owner.routes, scope))
        if scope["method"] == "OPTIONS" and fitting:
            if any("OPTIONS" in (getattr(one, "methods", None) or ()) for one in fitting):
                return None
            return Response("", 200, {"Allow": ", ".join(sorted(_allowed(fitting, scope)))})
        if fitting:
            return None
        root = scope.get("root_path", "")
        path = re.sub("/{2,}", "/", scope["path"].removeprefix(root))
        for wanted in (path, f"{path}/"):
            if any(_fitting(self.owner.routes, scope, wanted)):
                moved = Request(scope).url.replace(path=quote(f"{root}{wanted}", safe=_IN_URL))
                return redirect(str(moved), 308)
        return None


def _without_body(send: Any) -> Any:
    async def sent(message: Any) -> None:
        is_body = message["type"] == "http.response.body"
        await send({**message, "body": b""} if is_body else message)

    return sent
