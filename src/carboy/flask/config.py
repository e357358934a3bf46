"""`app.config`: a dict with ways to fill it from files, objects and the environment.

Only upper-case keys are taken from anywhere. The application reads it anew for every request, so a
change counts from the next one.
"""

from __future__ import annotations

import errno
import json
import os
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Generic, TypeVar, overload

from werkzeug.utils import import_string

T = TypeVar("T")


class ConfigAttribute(Generic[T]):
    """An attribute of the application that is kept in its config."""

    def __init__(self, name: str, get_converter: Callable[[Any], T] | None = None) -> None:
        self.__name__ = name
        self.get_converter = get_converter

    @overload
    def __get__(self, obj: None, owner: type | None = None) -> ConfigAttribute[T]: ...

    @overload
    def __get__(self, obj: Any, owner: type | None = None) -> T: ...

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return self
        value = obj.config[self.__name__]
        return value if self.get_converter is None else self.get_converter(value)

    def __set__(self, obj: Any, value: Any) -> None:
        obj.config[self.__name__] = value


class Config(dict[str, Any]):
    """Settings by name; `root_path` is where relative file names start."""

    def __init__(
        self, root_path: str | os.PathLike[str], defaults: dict[str, Any] | None = None
    ) -> None:
        super().__init__(defaults or {})
        self.root_path = root_path

    def from_envvar(self, variable_name: str, silent: bool = False) -> bool:
        """Load the Python file that an environment variable names."""
        filename = os.environ.get(variable_name)
        if filename:
            return self.from_pyfile(filename, silent=silent)
        if silent:
            return False
        raise RuntimeError(
            f"The environment variable {variable_name!r} is not set. It has to hold the name of a "
            "configuration file."
        )

    def from_prefixed_env(
        self, prefix: str = "FLASK", *, loads: Callable[[str], Any] = json.loads
    ) -> bool:
        """Take every ``PREFIX_NAME`` variable; two underscores reach into nested dicts."""
        start = f"{prefix}_"
        for variable in sorted(os.environ):
            if not variable.startswith(start):
                continue
            value: Any = os.environ[variable]
            try:
                value = loads(value)
            except Exception:
                pass  # COMPAT: what is not JSON stays text.
            *parents, last = variable.removeprefix(start).split("__")
            place: Any = self
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = value
        return True

    def from_pyfile(self, filename: str | os.PathLike[str], silent: bool = False) -> bool:
        """Run a Python file and take its upper-case names."""
        path = Path(self.root_path, filename)
        module = types.ModuleType("config")
        module.__file__ = str(path)
        try:
            source = path.read_bytes()
        except OSError as error:
            return _unreadable(error, silent, errno.ENOENT, errno.EISDIR, errno.ENOTDIR)
        exec(compile(source, str(path), "exec"), module.__dict__)
        self.from_object(module)
        return True

    def from_object(self, obj: object | str) -> None:
        """Take the upper-case attributes of an object, or of what an import string names."""
        source = import_string(obj) if isinstance(obj, str) else obj
        for name in dir(source):
            if name.isupper():
                self[name] = getattr(source, name)

    def from_file(
        self,
        filename: str | os.PathLike[str],
        load: Callable[[IO[Any]], Mapping[str, Any]],
        silent: bool = False,
        text: bool = True,
    ) -> bool:
        """Take what `load` makes of an open file, ``tomllib.load`` with `text` False for one."""
        try:
            with Path(self.root_path, filename).open("r" if text else "rb") as file:
                mapping = load(file)
        except OSError as error:
            return _unreadable(error, silent, errno.ENOENT, errno.EISDIR)
        return self.from_mapping(mapping)

    def from_mapping(self, mapping: Any = None, **kwargs: Any) -> bool:
        """Take the upper-case keys of a mapping (or of pairs) and of the keyword arguments."""
        for name, value in {**dict(mapping or {}), **kwargs}.items():
            if name.isupper():
                self[name] = value
        return True

    def get_namespace(
        self, namespace: str, lowercase: bool = True, trim_namespace: bool = True
    ) -> dict[str, Any]:
        """The settings whose names start with `namespace`."""
        found = {}
        for name, value in self.items():
            if name.startswith(namespace):
                key = name[len(namespace) :] if trim_namespace else name
                found[key.lower() if lowercase else key] = value
        return found

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {dict.__repr__(self)}>"


def _unreadable(error: OSError, silent: bool, *forgiven: int) -> bool:
    if silent and error.errno in forgiven:
        return False
    error.strerror = f"Unable to load configuration file ({error.strerror})"
    raise error
