"""Decorators and signature of a typed view.

`@bp.route("/<int:id>", methods=["POST"])` becomes `@router.post("/{id:int}", name="bp.view")`, and
the function's parameters are those of the path, then what the steps have asked for. A parameter
that is in some of the rules only, or has a default in one, is taken from the path by a dependency,
since it would be read from the query otherwise.
"""

from __future__ import annotations

import libcst as cst

from carboy.migrate.convert.draft import Draft, names_in
from carboy.migrate.convert.found import VERBS, Rule
from carboy.migrate.convert.rules import Path, convert_rule
from carboy.migrate.convert.text import code

WIDTH = 88


def read_rules(draft: Draft) -> None:
    """Say what the paths are and what type each of their variables has."""
    paths = []
    for rule in draft.view.rules:
        if rule.problem or rule.path is None:
            draft.keep(rule.problem or "the rule is no literal text")
            continue
        is_prefix = not rule.path and bool(draft.view.owner.full_prefix)
        if not rule.path.startswith("/") and not is_prefix:
            draft.keep(f"the rule {rule.path!r} does not start with a slash")
        path = convert_rule(rule.path)
        paths.append((rule, path))
        for reason in path.reasons:
            draft.keep(reason)
        for note in path.notes:
            draft.note(note)
        draft.path_types.update(path.annotations)
    draft.paths = paths
    if draft.view.owner.reason:
        draft.keep(draft.view.owner.reason)
    _check_parameters(draft, all(not path.reasons for _, path in paths))
    _note_differences(draft)


def _note_differences(draft: Draft) -> None:
    """What Flask's routing does, and nobody's here."""
    for rule, _ in draft.paths:
        others = [path for _, path in draft.paths if set(rule.defaults) & set(path.annotations)]
        if rule.defaults and others:
            draft.note(f"with its default, {others[0].text} is answered; Flask redirected it")
    owner = draft.view.owner
    is_checked = any("kept." in one for one in draft.path_types.values())
    if is_checked and owner.blueprint and f"{owner.name}.errorhandler(" in owner.source.text:
        draft.note("where its path's values do not fit, the blueprint's handler of 404 answers too")


def _check_parameters(draft: Draft, are_known: bool) -> None:
    params = draft.view.function.params
    if isinstance(params.star_arg, cst.Param) or params.star_kwarg is not None:
        draft.keep("it takes *args or **kwargs")
    own = _own(draft)
    missing = [name for name in draft.path_types if name not in own]
    if missing and not draft.reasons:
        draft.keep(f"its function has no parameter for {', '.join(missing)} of the rule")
    for name, param in own.items():
        given = any(name in rule.defaults for rule in draft.view.rules)
        if are_known and name not in draft.path_types and param.default is None and not given:
            draft.keep(f"nothing gives a value to its parameter {name}")


def _own(draft: Draft) -> dict[str, cst.Param]:
    params = draft.view.function.params
    every = [*params.posonly_params, *params.params, *params.kwonly_params]
    if draft.view.cls is not None:
        del every[:1]  # self
    return {one.name.value: one for one in every}


def dress(draft: Draft) -> None:
    """Write decorators and signature of the typed view."""
    first, constants = _signature(draft)
    decorators = _decorators(draft)
    function = draft.function.with_changes(
        decorators=decorators, params=first.params, **_spaces(first)
    )
    function = function.with_changes(returns=_returns(draft))
    if constants:
        function = _with_constants(function, constants)
    draft.function = function


def _signature(draft: Draft) -> tuple[cst.FunctionDef, list[str]]:
    """An empty function with the parameters, and constants that were parameters with a default."""
    required: list[str] = []
    optional: list[str] = []
    constants: list[str] = []
    for name, param in _own(draft).items():
        default = code(param.default) if param.default is not None else None
        everywhere = all(name in path.annotations for _, path in draft.paths)
        if everywhere and not any(name in rule.defaults for rule, _ in draft.paths):
            annotation = draft.path_types[name]
            if default == "None":
                annotation += " | None"
            for need in sorted({one for _, path in draft.paths for one in path.needs}):
                _import_path_need(draft, need, annotation)
            if "kept." in annotation:
                annotation = annotation.replace("kept.", draft.kept(""))
            text = f"{name}: {annotation}"
            (required if default is None else optional).append(
                text if default is None else f"{text} = {default}"
            )
        elif name in draft.path_types or any(name in rule.defaults for rule, _ in draft.paths):
            required.append(f"{name}: {_from_path(draft, name, default)}")
        elif name in names_in(draft.function.body):
            constants.append(f"{name} = {default}")
    for name, one in draft.parameters.items():
        text = f"{name}: {one.annotation}"
        (required if one.default is None else optional).append(
            text if one.default is None else f"{text} = {one.default}"
        )
    first = ["self"] if draft.view.cls is not None else []
    return _header(draft, [*first, *required, *optional]), constants


def _import_path_need(draft: Draft, need: tuple[str, str], annotation: str) -> None:
    module, name = need
    if name in annotation.replace("[", " ").replace(".", " ").split() or f"{name}[" in annotation:
        if need == ("carboy", "kept"):
            draft.kept("path")
        else:
            draft.need(module, name)


def _from_path(draft: Draft, name: str, default: str | None) -> str:
    """`Annotated[int | None, Depends(kept.in_path("id", None))]`."""
    said = {repr(rule.defaults[name]) for rule, _ in draft.paths if name in rule.defaults}
    if len(said) > 1 or (said and default is not None):
        draft.keep(f"its rules have several defaults for {name}")
    fallback = said.pop() if said else (default or "None")
    typed = {"int": "int", "str": "str"}.get(draft.path_types.get(name, "str"))
    if typed is None and draft.path_types.get(name, "").startswith("Annotated[str, kept.path"):
        typed = "str"
    elif typed is None:
        draft.keep(f"{name} is in some of its rules only, with a converter that needs checking")
        typed = "str"
    if fallback == "None":
        typed += " | None"
    draft.note(f"{name} is not in all of its rules: it is read from the path by a dependency")
    annotated, depends = draft.need("typing", "Annotated"), draft.typed("Depends")
    fallback = fallback.replace("'", '"')
    return f'{annotated}[{typed}, {depends}({draft.kept("in_path")}("{name}", {fallback}))]'


def _header(draft: Draft, parameters: list[str]) -> cst.FunctionDef:
    """`def name(parameters): ...`, on one line where that is not too long."""
    name, prefix = draft.view.name, "async def" if draft.function.asynchronous else "def"
    line = f"{prefix} {name}({', '.join(parameters)}):"
    if len(line) + draft.indent > WIDTH and parameters:
        inner = "".join(f"    {one},\n" for one in parameters)
        line = f"{prefix} {name}(\n{inner}):"
    made = cst.parse_statement(f"{line}\n    pass\n")
    return cst.ensure_type(made, cst.FunctionDef)


def _spaces(header: cst.FunctionDef) -> dict[str, cst.CSTNode]:
    return {"whitespace_before_params": header.whitespace_before_params}


def _returns(draft: Draft) -> cst.Annotation | None:
    """The return annotation, if it says what FastAPI may rely on."""
    returns = draft.function.returns
    if returns is None:
        return None
    text = code(returns.annotation)
    return returns if text == "str" and "response_class" in draft.options else None


def _with_constants(function: cst.FunctionDef, constants: list[str]) -> cst.FunctionDef:
    """The body with assignments at its top, below the docstring."""
    body = cst.ensure_type(function.body, cst.IndentedBlock)
    lines = [cst.parse_statement(text + "\n") for text in constants]
    at = 1 if function.get_docstring() is not None else 0
    return function.with_changes(
        body=body.with_changes(body=[*body.body[:at], *lines, *body.body[at:]])
    )


def _decorators(draft: Draft) -> list[cst.Decorator]:
    written: list[cst.Decorator] = []
    rules = {id(rule.decorator): (rule, path) for rule, path in draft.paths if rule.decorator}
    if draft.view.cls is not None:
        kept = list(draft.view.function.decorators)
        kept = [one for one in kept if one not in draft.dropped_decorators]
        return [*_marks(draft), *draft.class_decorators, *kept]
    if not rules:
        written.extend(_parsed(f"@{one}") for one in draft.decorators)
    last = [one for one in draft.view.function.decorators if id(one) in rules][-1:]
    for decorator in draft.view.function.decorators:
        known = rules.get(id(decorator))
        if known is None:
            if decorator not in draft.dropped_decorators:
                written.append(decorator)
            continue
        new = _parsed(f"@{route_text(draft, *known)}")
        written.append(
            new.with_changes(
                leading_lines=decorator.leading_lines,
                trailing_whitespace=decorator.trailing_whitespace,
            )
        )
        if decorator in last:
            written.extend(_parsed(f"@{one}") for one in draft.decorators)
    return written


def _parsed(text: str) -> cst.Decorator:
    made = cst.parse_statement(f"{text}\ndef f():\n    pass\n")
    return cst.ensure_type(made, cst.FunctionDef).decorators[0]


def _marks(draft: Draft) -> list[cst.Decorator]:
    """`@view.get("", status_code=201)` for a method whose route has options of its own."""
    if not draft.options:
        return [_parsed(f"@{one}") for one in draft.decorators]
    options = "".join(f", {name}={value}" for name, value in draft.options.items())
    mark = f'@{draft.typed("view")}.{draft.view.name}(""{options})'
    return [_parsed(mark), *(_parsed(f"@{one}") for one in draft.decorators)]


def route_text(draft: Draft, rule: Rule, path: Path) -> str:
    """`router.get("/x", name=...)`, over several lines where one is too long."""
    methods = list(rule.methods or ["GET"])
    if "GET" in methods and "HEAD" in methods:
        methods.remove("HEAD")  # App (and kept.habits) answers HEAD for every GET, as Flask does
    options: dict[str, str] = {}
    verb = methods[0].lower() if len(methods) == 1 else "api_route"
    if verb not in VERBS:
        verb = "api_route"
        options["methods"] = "[" + ", ".join(f'"{one}"' for one in methods) + "]"
    called = rule.endpoint or draft.view.name
    blueprint = draft.view.owner.blueprint
    endpoint = f"{blueprint}.{called}" if blueprint else called
    if endpoint != draft.view.name:
        options["name"] = f'"{endpoint}"'
    options.update(draft.options)
    parts = [f'"{path.text}"', *(f"{name}={value}" for name, value in options.items())]
    line = f"{rule.router}.{verb}({', '.join(parts)})"
    if len(line) + draft.indent < WIDTH or rule.decorator is None:
        return line
    inner = "".join(f"    {one},\n" for one in parts)
    return f"{rule.router}.{verb}(\n{inner})"
