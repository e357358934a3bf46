"""What servers make of the corpus, ours and others, with the same application behind them.

``python -m attacks.record`` in tests/ prints the table of docs/security.md. Nothing is asserted of
other servers: they are recorded, so that who chooses one knows.
"""

from __future__ import annotations

import sys
from collections import defaultdict

from contract.servers import DIRECT, serving

from .attacking import APP, Attacked, attempt
from .corpus import REFUSED

SERVERS = {
    "`carboy run`": DIRECT,
    "uvicorn, httptools": "uvicorn {app} --port {port} --no-access-log --http httptools",
    "uvicorn, h11": "uvicorn {app} --port {port} --no-access-log --http h11",
    "hypercorn": "hypercorn {app} --bind {bind}",
    "gunicorn, gthread": "gunicorn {app} --bind {bind} --no-control-socket --worker-class gthread",
}
#: Seconds after which a silent server has nothing more to say.
PATIENCE = 0.7


def record(command: str) -> dict[str, tuple[int, int]]:
    """By group: how many of its payloads were refused, and behind how many the canary was run."""
    found: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    words = [word.replace("{app}", APP) for word in command.split()]
    with serving(words) as server:
        attacked = Attacked(server)
        for name, (_, data) in REFUSED.items():
            before = attacked.get("/canaries")
            statuses = attempt(server, [data], PATIENCE).statuses
            run = attacked.get("/canaries") > before
            refused = all(400 <= status < 500 or status == 505 for status in statuses[:1])
            group = name.split()[0] if name[0] in "FL" and name[1].isdigit() else "other"
            good, bad = found[group]
            found[group] = (good + (refused and not run), bad + run)
    return dict(found)


def main() -> None:
    columns = {name: record(command) for name, command in SERVERS.items()}
    sizes: dict[str, int] = defaultdict(int)
    for name in REFUSED:
        sizes[name.split()[0] if name[0] in "FL" and name[1].isdigit() else "other"] += 1
    rows = [["group", "payloads", *columns]]
    for group, size in sizes.items():
        cells = [column.get(group, (0, 0)) for column in columns.values()]
        rows.append([group, str(size), *[f"{good} / {bad}" for good, bad in cells]])
    rows.insert(1, ["---"] + ["---:"] * (len(rows[0]) - 1))
    sys.stdout.writelines(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    main()
