"""What one who does not read costs the others in a large room."""

from __future__ import annotations

import click

from bench.comparing import Column, number, rounds
from bench.generator import Outcome
from bench.report import Report, Table
from bench.scenario import Setting, scenario
from bench.servers import Contestant, contest

_COLUMNS = (
    Column[Outcome]("p50 ms", lambda run: run.latency.p50),
    Column[Outcome]("p99 ms", lambda run: run.latency.p99),
    Column[Outcome]("max ms", lambda run: run.latency.max),
)


@scenario(databases=("sqlite",), rivals=())
@click.option("--clients", default=2000, show_default=True, help="In the room.")
@click.option("--rate", default=4, show_default=True, help="Messages a second.")
@click.option("--seconds", default=3.0, show_default=True, help="How long, each time.")
@click.option("--questions", default=1000, show_default=True, help="NAMES that nobody reads.")
def slow_reader(
    setting: Setting, clients: int, rate: int, seconds: float, questions: int
) -> Report:
    """The latency of the others, and the server's memory, beside one who does not read.

    One of the room asks for its members over and over, 30 kB each, and reads nothing of it.
    The others must have each message as soon as before, and the server must not keep for it
    more than its send queue (``limits.sendq``) and the kernel's buffers.
    """
    faults: list[str] = []
    tables, rows = [], list[list[object]]()
    messages = max(1, int(rate * seconds / 4))
    talk = {"room": "#s", "senders": 4, "rate": rate, "messages": messages, "size": 64}
    with contest(setting.databases) as servers:
        for server in servers:
            server.gather("s", clients, ("#s", clients))

        def alone(server: Contestant) -> Outcome:
            return server.load.checked(faults, "talk", group="s", **talk)

        before = rounds(servers, setting.repetitions, alone)
        tables.append(before.table(f"{clients} clients that read", _COLUMNS))

        def beside(server: Contestant) -> Outcome:
            with server.watched() as most:
                rest = server.memory()
                lines = ["NAMES #s"] * questions
                run = server.load.checked(faults, "talk", group="s", stalled=1, lines=lines, **talk)
                rows.append([server.name, number((most() - rest) / 1024), _fate(server)])
                return run

        # Who did not read is lost, so there is one run.
        during = rounds(servers, 1, beside)
        tables.append(during.table("One of them does not read", _COLUMNS))
    heads = ["server", "most memory above before MiB", "it was"]
    tables.append(Table("The one who does not read", heads, rows))
    return Report(tables, faults=faults)


def _fate(server: Contestant) -> str:
    """Return what the server's log says of it."""
    assert server.network is not None
    log = (server.network.stored.home.directory / "server.log").read_text()
    return "ended" if "its send queue is full" in log else "kept"
