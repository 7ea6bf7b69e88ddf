"""How long a start takes, by how much there is."""

from __future__ import annotations

import time

import click
from attrs import frozen

from bench.comparing import Column, rounds
from bench.fill import fill_accounts, fill_rooms
from bench.networks import Network
from bench.report import Report
from bench.scenario import Setting, scenario
from bench.servers import Contestant, contest
from bench.store import with_store
from chat.store.store import Store


@frozen
class _Start:
    """Seconds from the process's beginning until it takes connections, and its memory."""

    seconds: float
    mebibytes: float


@scenario(rivals=())
@click.option("--rooms", default=10_000, show_default=True, help="Permanent ones, with topics.")
@click.option("--accounts", default=50_000, show_default=True, help="Accounts with passwords.")
def startup(setting: Setting, rooms: int, accounts: int) -> Report:
    """Seconds until a server that was killed takes connections again.

    A start reads the last checkpoint, and the log behind it.  The least is what Python and
    the imports take, with nothing stored.
    """
    tables = []
    for count, people in ((0, 0), (rooms, accounts)):

        def prepare(name: str, place: Network, count: int = count, people: int = people) -> None:
            async def work(store: Store) -> None:
                await fill_accounts(store, people)
                await fill_rooms(store, count)

            with_store(place.url, place.stored.home.directory, work)

        def run(server: Contestant) -> _Start:
            begun = time.perf_counter()
            server.restart()
            return _Start(time.perf_counter() - begun, server.memory() / 1024)

        with contest(setting.databases, prepare=prepare) as servers:
            runs = rounds(servers, setting.repetitions, run)
        columns = (
            Column[_Start]("start s", lambda start: start.seconds),
            Column[_Start]("memory MiB", lambda start: start.mebibytes),
        )
        tables.append(runs.table(f"{count:,} rooms and {people:,} accounts", columns))
    return Report(tables)
