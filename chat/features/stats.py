"""STATS: figures for operators, and for everybody how long the server has been running.

Source: Modern IRC, "STATS message".
"""

from __future__ import annotations

from chat.features.feature import Effects, Feature, ReadFigures, Request
from chat.irc.numerics import (
    RPL_ENDOFSTATS,
    RPL_STATSDEBUG,
    RPL_STATSKLINE,
    RPL_STATSOLINE,
    RPL_STATSUPTIME,
)
from chat.network.figures import Figures
from chat.network.policy import must_be_operator

feature = Feature()


@feature.command("STATS", appends=False)
def stats(request: Request) -> Effects:
    """STATS u|o|k|t: the uptime; for operators, who is an operator, the bans, and the load."""
    query = request.param(0)[:1] or "*"
    if query == "u":
        seconds = (request.now - request.settings.started) // 1000
        days, seconds = divmod(seconds, 86_400)
        clock = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        yield RPL_STATSUPTIME(f"Server Up {days} days {clock}")
    elif query in _PRIVILEGED:
        must_be_operator(request.client)
        yield from _PRIVILEGED[query](request)
    yield RPL_ENDOFSTATS(query)


def _operators(request: Request) -> Effects:
    for client in request.network.clients.values():
        if client.is_operator:
            yield RPL_STATSOLINE("O", client.source, "*", client.account or "*")


def _bans(request: Request) -> Effects:
    for ban in request.network.bans.values():
        if ban.expires is None or ban.expires > request.now:
            yield RPL_STATSKLINE("K", ban.name, "*", "*", ban.reason)


def _load(request: Request) -> Effects:
    """Tell how the log keeps up; the letter and the numeric are those of other servers."""
    load: Figures = yield ReadFigures()
    batch, depth, commit = load.batch, load.depth, load.commit
    yield RPL_STATSDEBUG(
        "t", f"commits {load.batches}, entries {load.entries}, failures {load.failures}"
    )
    yield RPL_STATSDEBUG(
        "t",
        f"commit ms p50 {1000 * commit.p50:.1f}, p99 {1000 * commit.p99:.1f}, "
        f"most {1000 * commit.most:.1f}",
    )
    yield RPL_STATSDEBUG(
        "t", f"batch p50 {batch.p50:.0f}, p99 {batch.p99:.0f}, most {batch.most:.0f}"
    )
    yield RPL_STATSDEBUG(
        "t",
        f"queue {load.waiting} of {load.queue}, p50 {depth.p50:.0f}, p99 {depth.p99:.0f}, "
        f"most {load.most_waiting}",
    )
    yield RPL_STATSDEBUG(
        "t", f"sessions held {load.held}, overloads {load.overloads}, refused {load.refused}"
    )
    for alarm in load.alarms:
        yield RPL_STATSDEBUG("t", f"alarm: {alarm}")


_PRIVILEGED = {"o": _operators, "k": _bans, "t": _load}
