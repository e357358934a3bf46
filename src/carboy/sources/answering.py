"""What calls of Flask's answering functions give, as Answers."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import replace

from carboy.sources.facts import Answer
from carboy.sources.values import Value, json_type, literal, status_of, text_of

#: Functions whose text goes out as HTML, by the last part of their name.
_TEXTS = frozenset(
    {
        "render_template",
        "render_template_string",
        "stream_template",
        "stream_template_string",
        "url_for",
        "escape",
        "Markup",
        "str",
        "format",
        "join",
        "dumps",
        "strip",
        "decode",
        "render",
        "replace",
        "lower",
        "upper",
        "title",
    }
)
#: Statuses whose answers have no body.
_BODILESS = (204, 304)
#: The status of an answer whose status is computed.
COMPUTED = 0


def unknown(node: ast.AST) -> Answer:
    """An answer of which nothing can be seen."""
    return Answer("unknown", getattr(node, "lineno", 0))


def given_status(node: ast.expr | None) -> int | None:
    """The status that an expression says; COMPUTED where it can't be seen, None without one."""
    return None if node is None else status_of(node) or COMPUTED


def with_status(answers: Sequence[Answer], status: int | None) -> tuple[Answer, ...]:
    """The same answers, with a status that was given beside them."""
    if status is None:
        return tuple(answers)
    kind = "empty" if status in _BODILESS else None
    return tuple(
        replace(one, status=status, kind=one.kind if one.kind == "json" else kind or one.kind)
        for one in answers
    )


def with_headers(answers: Sequence[Answer], headers: ast.expr | None) -> tuple[Answer, ...]:
    """The same answers, with the content type that a literal of headers says."""
    if not isinstance(headers, ast.Dict):
        return tuple(answers)
    for key, value in zip(headers.keys, headers.values, strict=True):
        if (text_of(key) or "").lower() == "content-type" and (said := text_of(value)):
            return tuple(of_media(one, said) for one in answers)
    return tuple(answers)


def changed(answers: Sequence[Answer], name: str, given: ast.expr) -> tuple[Answer, ...]:
    """The answers of a response after ``response.name = given``; "headers" never comes here."""
    if name == "status_code" or name == "status":
        return with_status(answers, given_status(given))
    if name in ("content_type", "mimetype"):
        said = text_of(given)
        if said is None:
            return tuple(replace(one, kind="unknown") for one in answers)
        return tuple(of_media(one, said) for one in answers)
    if name == "data":
        return tuple(_filled(one) for one in answers)
    return tuple(answers)


def _filled(answer: Answer) -> Answer:
    filled = replace(answer, kind="html")
    return filled if answer.media_type is None else of_media(filled, answer.media_type)


def of_media(answer: Answer, content_type: str) -> Answer:
    """The answer with this content type."""
    media = content_type.partition(";")[0].strip().lower()
    kind = answer.kind
    if kind not in ("stream", "file", "empty"):
        kind = "json" if media.endswith("json") else "html" if media == "text/html" else "text"
    return replace(answer, kind=kind, media_type=media)


def tuple_answers(node: ast.Tuple, body: Value) -> tuple[Answer, ...]:
    """Of ``return body, status, headers`` (each but the body may be missing)."""
    answers: tuple[Answer, ...] = body.answers or (unknown(node),)
    rest = node.elts[1:]
    headers = rest[-1] if rest and isinstance(rest[-1], ast.Dict | ast.List) else None
    status = rest[0] if rest and rest[0] is not headers else None
    if text_of(node.elts[0]) == "":
        answers = (Answer("empty", node.lineno),)
    return with_headers(with_status(answers, given_status(status)), headers)


def _keyword(node: ast.Call, *names: str) -> ast.expr | None:
    return next((one.value for one in node.keywords if one.arg in names), None)


def _jsonify(node: ast.Call, values: list[Value]) -> tuple[Answer, ...]:
    if any(isinstance(one, ast.Starred) for one in node.args):
        return (Answer("json", node.lineno),)
    if len(node.args) == 1 and not node.keywords:
        given = [one for one in values[0].answers if one.kind == "json"] if values else []
        if given:
            return tuple(replace(one, line=node.lineno) for one in given)
        return (Answer("json", node.lineno),)
    if node.args:
        return (Answer("json", node.lineno, is_list=True),)
    keys = tuple((one.arg, json_type(one.value)) for one in node.keywords if one.arg)
    return (Answer("json", node.lineno, keys=keys),)


def _redirect(node: ast.Call, values: list[Value]) -> tuple[Answer, ...]:
    code = _keyword(node, "code") or (node.args[1] if len(node.args) > 1 else None)
    return (Answer("redirect", node.lineno, 302 if code is None else given_status(code)),)


def _file(node: ast.Call, values: list[Value]) -> tuple[Answer, ...]:
    media = text_of(_keyword(node, "mimetype"))
    if media is None:
        name = text_of(node.args[0]) if node.args else None
        media = None if name is None else _media_of(name)
    return (Answer("file", node.lineno, media_type=media),)


def _media_of(name: str) -> str | None:
    import mimetypes

    return mimetypes.guess_type(name)[0]


def _made(node: ast.Call, values: list[Value]) -> tuple[Answer, ...]:
    """make_response: a body, or body and status and headers, or a tuple of them."""
    if not node.args:
        return (Answer("empty", node.lineno),)
    answers = values[0].answers or (unknown(node),)
    if len(node.args) == 1:
        return answers
    return tuple_answers(ast.Tuple(elts=node.args, lineno=node.lineno, ctx=ast.Load()), values[0])


def _response(node: ast.Call, values: list[Value]) -> tuple[Answer, ...]:
    """Response(body, status, headers, mimetype, content_type)."""
    positional = list(node.args) + [None] * 5
    body = values[0] if node.args else Value()
    status = _keyword(node, "status") or positional[1]
    media = text_of(_keyword(node, "mimetype", "content_type") or positional[3] or positional[4])
    answers = body.answers or (Answer("html", node.lineno),)
    if not node.args and _keyword(node, "response") is None:
        answers = (Answer("empty", node.lineno),)
    elif node.args and isinstance(node.args[0], ast.GeneratorExp):
        answers = (Answer("stream", node.lineno),)
    headers = _keyword(node, "headers") or positional[2]
    answers = with_headers(with_status(answers, given_status(status)), headers)
    if media is not None:
        return tuple(of_media(one, media) for one in answers)
    if headers is not None and not isinstance(headers, ast.Dict):
        # The content type may be among them.
        return tuple(replace(one, kind="unknown") for one in answers)
    # A dict or list would be no body here: what is given is text.
    return tuple(replace(one, kind="html") if one.kind == "json" else one for one in answers)


def _dict(node: ast.Call, values: list[Value]) -> tuple[Answer, ...]:
    keys = tuple((one.arg, json_type(one.value)) for one in node.keywords if one.arg)
    return (Answer("json", node.lineno, keys=keys),)


def _dumps(node: ast.Call, values: list[Value]) -> tuple[Answer, ...]:
    """Text; the keys are kept for the Response that says it is JSON."""
    given = next(iter(values[0].answers), None) if values else None
    keys = () if given is None else given.keys
    is_list = given is not None and given.is_list
    return (Answer("html", node.lineno, keys=keys, is_list=is_list),)


_MAKERS: dict[str, Callable[[ast.Call, list[Value]], tuple[Answer, ...]]] = {
    "flask.jsonify": _jsonify,
    "flask.redirect": _redirect,
    "werkzeug.utils.redirect": _redirect,
    "flask.send_file": _file,
    "flask.send_from_directory": _file,
    "flask.make_response": _made,
    "flask.Flask().make_response": _made,
    "flask.current_app.make_response": _made,
    "flask.Response": _response,
    "flask.current_app.response_class": _response,
    "flask.Flask().response_class": _response,
    "werkzeug.Response": _response,
    "werkzeug.wrappers.Response": _response,
    "json.dumps": _dumps,
    "flask.json.dumps": _dumps,
    "dict": _dict,
}


def answers_of_call(name: str, node: ast.Call, values: list[Value]) -> tuple[Answer, ...]:
    """What a call of `name` gives, if a view returned it; `values` are its arguments'."""
    if (make := _MAKERS.get(name)) is not None:
        return make(node, values)
    if name == "flask.stream_with_context":
        return (Answer("stream", node.lineno),)
    if name.rpartition(".")[2] in _TEXTS:
        return (Answer("html", node.lineno),)
    return ()


def raised_by(name: str, node: ast.Call, statuses: dict[str, int]) -> int | None:
    """The status that a call aborts with, or that the exception it makes stands for."""
    last = name.rpartition(".")[2]
    if last == "abort":
        return status_of(node.args[0]) if node.args else None
    if last in ("first_or_404", "get_or_404", "one_or_404"):
        return 404
    if name.startswith("werkzeug.exceptions."):
        return statuses.get(last)
    if last == "HTTPException":
        code = _keyword(node, "status_code", "code") or (node.args[0] if node.args else None)
        found = literal(code)
        return found if isinstance(found, int) else status_of(code)
    return None
