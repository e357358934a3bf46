"""Runs a workload in interleaved rounds, so that noise falls on every entry alike.

All servers of the workload start once and idle while another one is measured. Each
round measures every entry once; the order turns from round to round. An entry that
cannot be installed or started is skipped, one that answers wrongly fails: both keep
their reason.
"""

from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from .entries import EXTRA_ENVIRONMENTS, Entry
from .env import Environment
from .load import LoadError, Sample, measure
from .server import NotStartedError, Server, WrongAnswerError


@dataclass
class Result:
    """Everything known about one entry."""

    entry: Entry
    samples: list[Sample] = field(default_factory=list)
    skipped: str = ""
    failed: str = ""

    @property
    def measured(self) -> bool:
        """Whether there are numbers to show."""
        return bool(self.samples) and not self.failed

    @property
    def per_second(self) -> float:
        """The median throughput."""
        return self.middle("per_second")

    @property
    def spread(self) -> tuple[float, float]:
        """The slowest and the fastest round."""
        rates = [sample.per_second for sample in self.samples]
        return min(rates), max(rates)

    def middle(self, name: str) -> float:
        """Return the median of one number over the rounds."""
        return median(float(getattr(sample, name)) for sample in self.samples)


Environments = dict[str, Environment]


def environment_problem(entry: Entry, environments: Environments) -> str:
    """Say why an entry's packages are missing, or nothing."""
    environment = environments[entry.environment]
    if environment.problem:
        return environment.problem
    if entry.package and entry.package not in environment.versions:
        return f"{entry.package} is not installed"
    return ""


def needed_environments(entries: list[Entry]) -> dict[str, str]:
    """Return the extra environments that these entries need, with their pins."""
    names = {entry.environment for entry in entries} & set(EXTRA_ENVIRONMENTS)
    return {name: EXTRA_ENVIRONMENTS[name] for name in sorted(names)}


def run_workload(
    entries: list[Entry], environments: Environments, rounds: int, seconds: int
) -> list[Result]:
    """Measure the entries round by round."""
    results = [Result(entry) for entry in entries]
    with ExitStack() as stack:
        servers = _start_all(results, environments, stack)
        live = [result for result in results if not (result.skipped or result.failed)]
        for number in range(rounds):
            turn = number * max(1, len(live) // rounds) % max(1, len(live))
            for result in live[turn:] + live[:turn]:
                if not result.failed:
                    _measure(result, servers[result.entry.server_key], seconds, number)
    return results


def _start_all(
    results: list[Result], environments: Environments, stack: ExitStack
) -> dict[tuple[str, str], Server]:
    servers: dict[tuple[str, str], Server] = {}
    for result in results:
        entry = result.entry
        try:
            if problem := environment_problem(entry, environments):
                raise NotStartedError(problem)
            if entry.server_key not in servers:
                server = Server(entry, environments[entry.environment])
                stack.callback(server.stop)
                server.start()
                servers[entry.server_key] = server
            servers[entry.server_key].check(entry)
        except NotStartedError as error:
            result.skipped = str(error)
            print(f"  SKIPPED {entry.key}: {error}", flush=True)
        except WrongAnswerError as error:
            result.failed = str(error)
            print(f"  FAILED  {entry.key}: {error}", flush=True)
    return servers


def _measure(result: Result, server: Server, seconds: int, number: int) -> None:
    try:
        sample = measure(server, result.entry, seconds)
    except (LoadError, WrongAnswerError) as error:
        result.failed = str(error)
        print(f"  FAILED  {result.entry.key}: {error}", flush=True)
        return
    result.samples.append(sample)
    print(
        f"  round {number + 1}  {result.entry.label:32} {sample.per_second:10,.0f} req/s "
        f"{sample.cpu_us_per_request:8.1f} us cpu {sample.rss_mib:7.1f} MiB",
        flush=True,
    )
