"""Which names of a project are objects and classes of a library's.

`db` is `flask_sqlalchemy.db` wherever it was imported from, because somewhere stands `db =
SQLAlchemy()`; `Book` is `flask_sqlalchemy.Model`, because it derives from `db.Model`. So tables can
be keyed by what an expression means, whatever the project calls it. Nothing is imported: a name
that is made in another way is not known.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field

import libcst as cst

from carboy.migrate.convert.found import Found
from carboy.migrate.convert.project import Project, Source
from carboy.migrate.convert.text import walk

#: Class of an object -> what its name is called.
_OBJECTS = {
    "flask_sqlalchemy.SQLAlchemy": "flask_sqlalchemy.db",
    "flask_login.LoginManager": "flask_login.manager",
    "flask_login.login_manager.LoginManager": "flask_login.manager",
    "flask_wtf.CSRFProtect": "flask_wtf.csrf",
    "flask_wtf.csrf.CSRFProtect": "flask_wtf.csrf",
    "flask_restx.Namespace": "flask_restx.namespace",
    "flask_restx.Api": "flask_restx.api",
}
#: Base of a class -> what the class is called.
_CLASSES = {
    "flask_sqlalchemy.db.Model": "flask_sqlalchemy.Model",
    "flask_sqlalchemy.Model": "flask_sqlalchemy.Model",
    "flask_login.UserMixin": "flask_login.User",
    "flask_login.mixins.UserMixin": "flask_login.User",
    "flask_wtf.FlaskForm": "flask_wtf.Form",
    "flask_wtf.form.FlaskForm": "flask_wtf.Form",
    "flask_wtf.Form": "flask_wtf.Form",
    "marshmallow.Schema": "marshmallow.Schema",
    "flask_restx.Resource": "flask_restx.Resource",
}


@dataclass
class Objects:
    """What was found in one project."""

    project: Project
    _known: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def canonical(self, meaning: str) -> str:
        """`flask_sqlalchemy.db.session` for `shop.extensions.db.session`; else `meaning` itself."""
        parts = meaning.split(".")
        for length in range(len(parts) - 1, 0, -1):
            place = self.project.owner(".".join(parts[: length + 1]))
            if place is None:
                continue
            known = self.kind(*place)
            if known is not None:
                return ".".join([known, *parts[length + 1 :]])
        return meaning

    def kind(self, source: Source, name: str) -> str | None:
        """What `name`, defined in `source`, is called."""
        key = (source.name, name)
        if key not in self._known:
            self._known[key] = None  # whoever derives from itself is nothing
            self._known[key] = self._find(source, name)
        return self._known[key]

    def class_of(self, source: Source, name: str) -> cst.ClassDef | None:
        """The class called `name` at the top of `source`."""
        for node in source.tree.body:
            if isinstance(node, cst.ClassDef) and node.name.value == name:
                return node
        return None

    def classes(self, kind: str) -> list[tuple[Source, cst.ClassDef]]:
        """Every class that is called `kind`, in the order of the files."""
        return [
            (source, node)
            for source in self.project.sources.values()
            for node in source.tree.body
            if isinstance(node, cst.ClassDef) and kind in self.kinds(source, node)
        ]

    def kinds(self, source: Source, node: cst.ClassDef) -> list[str]:
        """Everything that a class is called: it may be a model and a user."""
        found = []
        for base in node.bases:
            meaning = source.meaning(base.value)
            known = None if meaning is None else _CLASSES.get(self.canonical(meaning))
            if known is not None:
                found.append(known)
        return found

    def _find(self, source: Source, name: str) -> str | None:
        node = self.class_of(source, name)
        if node is not None:
            kinds = self.kinds(source, node)
            return (
                "flask_sqlalchemy.Model"
                if "flask_sqlalchemy.Model" in kinds
                else next(iter(kinds), None)
            )
        value = assigned(source, name)
        if not isinstance(value, cst.Call):
            return None
        meaning = source.meaning(value.func)
        return None if meaning is None else _OBJECTS.get(meaning)


def assigned(source: Source, name: str) -> cst.BaseExpression | None:
    """The value that `name` is given at the top of a module, the only one."""
    found: list[cst.BaseExpression] = []
    for line in source.tree.body:
        if not isinstance(line, cst.SimpleStatementLine):
            continue
        for node in line.body:
            if isinstance(node, cst.Assign):
                targets = [one.target for one in node.targets]
            elif isinstance(node, cst.AnnAssign) and node.value is not None:
                targets = [node.target]
            else:
                continue
            if any(isinstance(one, cst.Name) and one.value == name for one in targets):
                assert node.value is not None
                found.append(node.value)
    return found[0] if len(found) == 1 else None


_SEEN: weakref.WeakKeyDictionary[Found, Objects] = weakref.WeakKeyDictionary()


def objects_of(found: Found) -> Objects:
    """The Objects of what was found in a project, looked for once."""
    known = _SEEN.get(found)
    if known is None:
        known = _SEEN[found] = Objects(found.project)
    return known


def mentions(node: cst.CSTNode, name: str) -> bool:
    """Whether a name stands anywhere in `node`."""
    return any(isinstance(one, cst.Name) and one.value == name for one in walk(node))
