"""What history and search of one cost the others."""

from __future__ import annotations

import click

from bench.comparing import Column, Figure, Runs, rounds
from bench.fill import channel, fill, milliseconds, uid
from bench.generator import Outcome
from bench.networks import Network
from bench.report import Report, Table
from bench.scenario import Setting, scenario
from bench.servers import Contestant, contest
from bench.store import with_store
from chat.store.store import Store

_CAPABILITIES = "batch draft/chathistory message-tags server-time soju.im/search"
_COLUMNS = (
    Column[Outcome]("p50 ms", lambda run: run.latency.p50),
    Column[Outcome]("p99 ms", lambda run: run.latency.p99),
    Column[Outcome]("answers/s", lambda run: run.answers / run.seconds),
    Column[Outcome]("an answer p50 ms", lambda run: run.asked.p50),
)


@scenario(rivals=())
@click.option("--messages", default=100_000, show_default=True, help="In the log.")
@click.option("--clients", default=50, show_default=True, help="In the room that talks.")
@click.option("--rate", default=50, show_default=True, help="Messages a second.")
@click.option("--seconds", default=2.0, show_default=True, help="How long, each time.")
def bystanders(setting: Setting, messages: int, clients: int, rate: int, seconds: float) -> Report:
    """The latency of people who talk, while one asks for history, or searches, without a pause.

    CHATHISTORY: pages of 100 messages, from everywhere in the log.  SEARCH: for what nobody
    said, so that it looks at every message that it may.  The next question comes behind each
    answer.  "More" is what that adds to the latency of the others, in the same round.
    """
    asks = {
        "nobody asks": [],
        "CHATHISTORY": [
            f"CHATHISTORY BEFORE {channel(0)} msgid={uid(number)} 100"
            for number in range(messages // 2, messages, messages // 100)
        ],
        "SEARCH": [f"SEARCH in={channel(0)};text=whatnobodysaid"],
    }
    faults: list[str] = []

    def prepare(name: str, place: Network) -> None:
        async def work(store: Store) -> None:
            await fill(store, messages, milliseconds())

        with_store(place.url, place.stored.home.directory, work)

    with contest(setting.databases, prepare=prepare) as servers:
        for server in servers:
            server.gather("q", 1, (channel(0), 1), capabilities=_CAPABILITIES)
            server.gather("t", clients, ("#t", clients))

        def run(server: Contestant) -> dict[str, Outcome]:
            return {
                what: server.load.checked(
                    faults, "talk", group="t", room="#t", senders=5, size=64, rate=rate,
                    messages=max(1, int(rate * seconds / 5)),
                    asker="q" if lines else "", lines=lines, answered="BATCH -",
                )
                for what, lines in asks.items()
            }  # fmt: skip

        runs = rounds(servers, setting.repetitions, run)
    tables = []
    for what in asks:
        taken = {name: [each[what] for each in rows] for name, rows in runs.taken.items()}
        tables.append(Runs(taken, runs.ours).table(f"Meanwhile: {what}", _COLUMNS))
    rows = [
        [name, what, *(_more(each, what, share) for share in ("p50", "p99"))]
        for name, each in runs.taken.items()
        for what in list(asks)[1:]
    ]
    tables.append(Table("What it adds", ["server", "one asks", "more p50 ms", "more p99 ms"], rows))
    return Report(tables, faults=faults)


def _more(runs: list[dict[str, Outcome]], what: str, share: str) -> Figure:
    def value(outcome: Outcome) -> float:
        return float(getattr(outcome.latency, share))

    return Figure(tuple(value(run[what]) - value(run["nobody asks"]) for run in runs))
