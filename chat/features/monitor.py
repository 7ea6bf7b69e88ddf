"""MONITOR: be told when people come and go.

Sources: https://ircv3.net/specs/extensions/monitor,
https://ircv3.net/specs/extensions/extended-monitor
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from chat.features.feature import Effects, Feature, Lines, Request, Viewer
from chat.irc.names import is_nickname
from chat.irc.numerics import (
    ERR_MONLISTFULL,
    RPL_ENDOFMONLIST,
    RPL_MONLIST,
    RPL_MONOFFLINE,
    RPL_MONONLINE,
    Numeric,
)
from chat.network.changes import MonitoredOffline, MonitoredOnline
from chat.network.events import MonitorChanged
from chat.network.settings import Settings

feature = Feature()

#: Bytes of targets in one line.
_LINE = 380


@feature.command("MONITOR", parameters=1, cost=2)
def monitor(request: Request) -> Effects:
    """MONITOR + nick[,nick] | - nick[,nick] | C | L | S: be told when people come and go."""
    session, network = request.session.id, request.network
    mine = network.watchers.names(session)
    names = [name for name in request.param(1).split(",") if name]
    match request.params[0].upper():
        case "+":
            yield from _add(request, mine, names)
        case "-":
            yield MonitorChanged(session, removed=tuple(names))
        case "C":
            yield MonitorChanged(session, removed=tuple(mine.values()))
        case "L":
            yield from _lines(RPL_MONLIST, mine.values())
            yield RPL_ENDOFMONLIST()
        case "S":
            yield from _status(request, mine.values())


def _add(request: Request, mine: Mapping[str, str], names: list[str]) -> Effects:
    fold, limit = request.network.fold, request.settings.limits.monitors
    fresh = {fold(name): name for name in names if fold(name) not in mine}
    room = limit - len(mine)
    taken = list(fresh.values())[:room]
    refused = list(fresh.values())[room:]
    yield from _status(request, [name for name in names if name not in refused])
    if refused:
        yield ERR_MONLISTFULL(str(limit), ",".join(refused))
    longest = request.settings.limits.nick_length
    wanted = tuple(name for name in taken if is_nickname(name, longest, utf8=True))
    if wanted:
        yield MonitorChanged(request.session.id, added=wanted)


def _status(request: Request, names: Iterable[str]) -> Effects:
    online, offline = [], []
    for name in names:
        client = request.network.client(name)
        if client is not None:
            online.append(client.source)
        else:
            offline.append(name)
    yield from _lines(RPL_MONONLINE, online)
    yield from _lines(RPL_MONOFFLINE, offline)


def _lines(numeric: Numeric, targets: Iterable[str]) -> Effects:
    line = ""
    for target in targets:
        if line and len(line) + len(target) > _LINE:
            yield numeric(line)
            line = ""
        line = f"{line},{target}" if line else target
    if line:
        yield numeric(line)


@feature.renders(MonitoredOnline)
def show_online(viewer: Viewer, fact: MonitoredOnline) -> Lines:
    """Tell that somebody came."""
    yield RPL_MONONLINE(fact.source)


@feature.renders(MonitoredOffline)
def show_offline(viewer: Viewer, fact: MonitoredOffline) -> Lines:
    """Tell that somebody went."""
    yield RPL_MONOFFLINE(fact.nick)


@feature.isupport
def tokens(settings: Settings) -> Mapping[str, str]:
    """Return how many one session may watch."""
    return {"MONITOR": str(settings.limits.monitors)}
