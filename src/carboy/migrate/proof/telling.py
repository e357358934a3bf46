"""A report as text for people: what differs, one line a view, what was not compared."""

from __future__ import annotations

from collections.abc import Iterator

from carboy.migrate.report import VerifyReport

#: Differences of one view that are written out.
MOST = 5


def told(report: VerifyReport) -> Iterator[str]:
    """The lines."""
    yield f"old: {report.old_on or 'the record'}"
    yield f"new: {report.new_on}"
    yield ""
    for endpoint, proof in sorted(report.views.items()):
        for one in proof.differences[:MOST]:
            yield f"{endpoint}: {one.method} {one.path}"
            yield f"    {one.what}"
            yield f"      old  {one.old}"
            yield f"      new  {one.new}"
        if len(proof.differences) > MOST:
            yield f"    … and {len(proof.differences) - MOST} more of {endpoint}"
    if report.differences:
        yield ""
    yield from _table(report)
    yield ""
    for note in report.notes:
        yield f"note: {note}"
    yield summary(report)


def _table(report: VerifyReport) -> Iterator[str]:
    rows = [("view", "requests", "differences")]
    for endpoint, proof in sorted(report.views.items()):
        outcome = str(len(proof.differences) or "equal")
        if proof.failed:
            outcome += f" ({proof.failed} with 5xx from both)"
        rows.append((endpoint, str(proof.requests), outcome))
    rows += [(endpoint, "-", "not asked") for endpoint in report.unseen]
    width = max(len(row[0]) for row in rows)
    for name, requests, found in rows:
        yield f"{name:<{width}}  {requests:>8}  {found}"


def summary(report: VerifyReport) -> str:
    """One line."""
    views = [name for name in report.views if not name.startswith("(")]
    equal = sum(report.views[name].is_proof for name in views)
    return (
        f"{report.exchanges} requests compared, {len(report.differences)} differences; "
        f"{equal} of {len(views) + len(report.unseen)} views were asked and are equal"
    )
