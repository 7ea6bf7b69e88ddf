"""Numerics that only tell something, as events: a table, and no state.

Source: Modern IRC, "Numerics".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from chat.client.events import (
    ClientEvent,
    Refused,
    RoomListed,
    ServerNotice,
    WhoisLine,
    WhoLine,
)
from chat.irc.message import Message

#: Numerics without anything that a user needs: ends of lists, headings of them, and
#: what LUSERS tells everybody who connects.
SILENT = frozenset(
    {"002", "003", "004", "251", "252", "253", "254", "255", "265", "266", "315", "318", "321"}
    | {"329", "333", "365", "369", "376", "422"}
)


def answer(message: Message) -> ClientEvent | None:
    """Return what a numeric tells, or ``None`` when that is nothing.

    Its first parameter is our nickname; 400 to 599, 691 and 696 are refusals.
    """
    params = message.params[1:]
    if message.command in SILENT or not params:
        return None
    row = _ANSWERS.get(message.command)
    if row is not None and len(params) >= row[0]:
        return row[1](params)
    if "400" <= message.command <= "599" or message.command in ("691", "696"):
        return Refused(message.command, params[:-1], params[-1], message.tags.get("label", ""))
    return ServerNotice(" ".join(params))


def _whois(form: str) -> Callable[[tuple[str, ...]], ClientEvent]:
    """Return what makes a `WhoisLine` of ``form``, whose fields are parameters."""
    return lambda params: WhoisLine(params[0], form.format(*params))


def _who(params: tuple[str, ...]) -> ClientEvent:
    room, user, host, _server, nick, flags, trailing = params[:7]
    _hops, _, realname = trailing.partition(" ")
    return WhoLine(nick, f"({user}@{host}) {flags} {room}: {realname}")


def _ban(params: tuple[str, ...]) -> ClientEvent:
    room, mask, *others = params
    by = others[0].partition("!")[0] if others else ""
    seconds = others[1] if len(others) > 1 and others[1].isdecimal() else ""
    when = f" on {datetime.fromtimestamp(int(seconds), UTC):%Y-%m-%d}" if seconds else ""
    return ServerNotice(f"{room} bans {mask}{f', set by {by}{when}' if by else ''}")


#: By numeric: how many parameters it has at least, and what it tells.
_ANSWERS: Mapping[str, tuple[int, Callable[[tuple[str, ...]], ClientEvent]]] = {
    "276": (2, _whois("{1}")),
    "301": (2, _whois("is away: {1}")),
    "307": (2, _whois("{1}")),
    "311": (5, _whois("({1}@{2}): {4}")),
    "312": (3, _whois("is on {1} ({2})")),
    "313": (2, _whois("{1}")),
    "317": (3, _whois("has been idle for {1} s")),
    "319": (2, _whois("is in {1}")),
    "322": (3, lambda params: RoomListed(params[0], params[1], params[2])),
    "330": (3, _whois("{2} {1}")),
    "335": (2, _whois("{1}")),
    "338": (3, _whois("{2} {1}")),
    "352": (7, _who),
    "378": (2, _whois("{1}")),
    "379": (2, _whois("{1}")),
    "671": (2, _whois("{1}")),
    "323": (1, lambda params: ServerNotice("these are all the rooms that there are")),
    "367": (2, _ban),
    "368": (1, lambda params: ServerNotice(f"these are all the bans of {params[0]}")),
}
