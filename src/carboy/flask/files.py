"""Files beside the code of an application or blueprint: static ones and resources."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from carboy.flask.globals import current_app
from carboy.flask.helpers import send_from_directory

if TYPE_CHECKING:
    from carboy.flask.wrappers import Response


class Files:
    """Mixed into what has a root path and perhaps a static folder."""

    root_path: str

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Seconds that clients may keep a file; None to ask each time."""
        value = current_app.config["SEND_FILE_MAX_AGE_DEFAULT"]
        if isinstance(value, timedelta):
            return int(value.total_seconds())
        return value  # type: ignore[no-any-return]

    def send_static_file(self, filename: str) -> Response:
        """A file of the static folder as the answer."""
        folder: str | None = self.static_folder  # type: ignore[attr-defined]
        if folder is None:
            raise RuntimeError("static files need a 'static_folder', and there is none.")
        max_age = self.get_send_file_max_age(filename)
        return send_from_directory(folder, filename, max_age=max_age)

    def open_resource(
        self, resource: str, mode: str = "rb", encoding: str | None = None
    ) -> IO[Any]:
        """A file below the root path, opened for reading."""
        if mode not in {"r", "rt", "rb"}:
            raise ValueError("Resources can only be opened for reading.")
        path = Path(self.root_path, resource)
        return path.open(mode) if mode == "rb" else path.open(mode, encoding=encoding)
