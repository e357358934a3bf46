"""Where an application's files are: the same folders, for every way to lay out its code.

Both packages are asked in processes of their own, since it depends on what was imported from where.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ASK = """
app = {package}.Flask({arguments})
print(app.name, app.root_path, app.instance_path, app.config.root_path, sep="|")
"""
LAYOUTS = {
    "single.py": "import single",
    "pack/__init__.py": "import pack",
    "pack/web.py": "import pack.web",
    "pack/deep/web.py": "import pack.deep.web",
    "space/part/web.py": "import space.part.web",
    "lib/python3/site-packages/installed/__init__.py": "import installed",
    "site-packages/installed.py": "import installed",
}


@pytest.mark.parametrize(
    "arguments", ["__name__", "__name__.split('.')[0]", "'absent', root_path='/srv'"]
)
@pytest.mark.parametrize("layout", [*LAYOUTS, "script.py"])
def test_folders_are_found_alike(tmp_path: Path, layout: str, arguments: str) -> None:
    found = []
    for package in ("flask", "carboy.flask"):
        folder = tmp_path / "code"
        file = folder / layout
        file.parent.mkdir(parents=True, exist_ok=True)
        if layout.startswith("pack/"):
            (folder / "pack" / "__init__.py").touch()
        file.write_text(f"import {package}\n" + ASK.format(package=package, arguments=arguments))
        run = [str(file)] if layout == "script.py" else ["-c", LAYOUTS[layout]]
        paths = [folder, folder / "lib/python3/site-packages", folder / "site-packages"]
        done = subprocess.run(
            [sys.executable, "-B", *run],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={"PYTHONPATH": ":".join(map(str, [*paths, *filter(None, sys.path)]))},
        )
        found.append(done.stdout or done.stderr.splitlines()[-1].partition(":")[0])
    assert found[1] == found[0]
