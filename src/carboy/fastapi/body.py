"""Bodies as FastAPI reads them: JSON where the media type says so, else bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from carboy.core.context import RequestContext
from carboy.core.decode import UNSET, load_json
from carboy.core.signature import Errors


def body_loader(strict: bool) -> Callable[[RequestContext], Any]:
    """A function from the request to its body's value; `strict` wants a JSON media type (A1)."""

    def load_body(request: RequestContext) -> Any:
        body = request.body
        if not body:
            return UNSET
        content_type = request.header(b"content-type")
        # PERF: the usual type by comparison, anything else by parsing.
        if content_type != b"application/json":
            if content_type is None:
                if strict:
                    return body
            elif not _is_json(content_type.decode("latin-1")):
                return body
        try:
            return load_json(body)
        except json.JSONDecodeError as error:
            raise _malformed(error) from error
        except (ValueError, RecursionError) as error:
            from carboy.fastapi.exceptions import HTTPException

            raise HTTPException(400, "There was an error parsing the body") from error

    return load_body


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    main, _, sub = kind.partition("/")
    return main == "application" and (sub == "json" or sub.endswith("+json"))


def _malformed(error: json.JSONDecodeError) -> Exception:
    from carboy.fastapi.exceptions import RequestValidationError

    detail = {
        "type": "json_invalid",
        "loc": ("body", error.pos),
        "msg": "JSON decode error",
        "input": {},
        "ctx": {"error": error.msg},
    }
    return RequestValidationError([detail], body=error.doc)


def invalid_request(request: RequestContext, errors: Errors, body: Any) -> Exception:
    """The exception for input that does not fit."""
    from carboy.fastapi.exceptions import RequestValidationError

    return RequestValidationError(errors, body=None if body is UNSET else body)
