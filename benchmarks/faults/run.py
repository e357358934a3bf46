"""`make faults`: every fault on both servers, one table; `--only WORD` for rows with that word."""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.env import BENCHMARKS, main_environment, newest_python

from faults import connections, handlers, restart
from faults.table import Row, as_markdown

GROUPS = {
    "handlers": handlers.rows,
    "connections": connections.rows,
    "restart": restart.rows,
}
RECORD = BENCHMARKS / "results" / "faults.md"


def main() -> int:
    """Run from the command line; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", choices=GROUPS, help="one group; nothing is kept then")
    only = parser.parse_args().only
    environment = main_environment(newest_python())
    if environment.problem:
        sys.exit(f"the environment failed: {environment.problem}")
    # What else the machine has to do shows in the longest times.
    load = os.getloadavg()[0]
    rows: list[Row] = []
    for name, measured in GROUPS.items():
        if only in (None, name):
            print(f"{name} ...", file=sys.stderr, flush=True)
            rows += measured(environment)
    table = as_markdown(rows)
    print(table)
    if only is None:
        versions = environment.versions
        said = ", ".join(f"{name} {versions[name]}" for name in ("fastapi", "uvicorn"))
        on = f"{os.cpu_count()} cores with a load of {load:.1f} before it began"
        RECORD.write_text(f"# Faults\n\n`make faults`, with {said}; {on}.\n\n{table}\n")
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
