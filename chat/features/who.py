"""WHO: list the members of a channel, or the people that a mask matches, with WHOX.

Sources: Modern IRC, "WHO message"; https://ircv3.net/specs/extensions/whox
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import frozen

from chat.features.feature import Effects, Feature, Request
from chat.irc.mask import matches
from chat.irc.names import looks_like_channel
from chat.irc.numerics import RPL_ENDOFWHO, RPL_WHOREPLY, RPL_WHOSPCRPL, Reply
from chat.network import modes
from chat.network.entities import Channel, Client
from chat.network.policy import can_see, can_see_channel, can_see_member
from chat.network.settings import Settings

feature = Feature()


@frozen
class _Row:
    """One person of the answer, and the channel by which it is told."""

    request: Request
    client: Client
    channel: Channel | None
    token: str = "0"  # noqa: S105

    def flags(self) -> str:
        """Return here or gone, operator, bot, and ranks."""
        show = modes.highest
        if "multi-prefix" in self.request.session.capabilities:
            show = modes.prefixes
        flags = "G" if self.client.away is not None else "H"
        if self.client.is_operator:
            flags += "*"
        if modes.USER_BOT in self.client.modes:
            flags += modes.USER_BOT
        return flags + (show(self.channel.members[self.client]) if self.channel else "")

    def idle(self) -> str:
        """Return the seconds since the last message."""
        return str(max(0, self.request.now - self.client.active) // 1000)


#: The fields of WHOX, in the order in which they are answered.
_FIELDS: dict[str, Callable[[_Row], str]] = {
    "t": lambda row: row.token,
    "c": lambda row: row.channel.name if row.channel is not None else "*",
    "u": lambda row: row.client.username,
    # "255.255.255.255 if the server refuses to disclose it"
    "i": lambda row: row.client.host if row.client is row.request.client else "255.255.255.255",
    "h": lambda row: row.client.host,
    "s": lambda row: row.request.settings.server,
    "n": lambda row: row.client.nick,
    "f": _Row.flags,
    "d": lambda row: "0",
    "l": _Row.idle,
    "a": lambda row: row.client.account or "0",
    "o": lambda row: "n/a",
    "r": lambda row: row.client.realname,
}


@feature.command("WHO", parameters=1, appends=False, cost=3)
def who(request: Request) -> Effects:
    """WHO #channel|mask [o][%fields[,token]]: list people, with o only operators."""
    mask = request.params[0]
    flags, percent, wanted = request.param(1).partition("%")
    fields, _, token = wanted.partition(",")
    for client, channel in _found(request, mask):
        if "o" in flags and not client.is_operator:
            continue
        row = _Row(request, client, channel, token or "0")
        yield _extended(row, fields) if percent else _plain(row)
    yield RPL_ENDOFWHO(mask)


def _found(request: Request, mask: str) -> list[tuple[Client, Channel | None]]:
    viewer = request.client
    if looks_like_channel(mask):
        channel = request.network.channel(mask)
        if channel is None or not can_see_channel(viewer, channel):
            return []
        return [
            (member, channel)
            for member in channel.members
            if can_see_member(viewer, member, channel)
        ]
    exact = request.network.client(mask)
    if exact is not None:
        return [(exact, _common_channel(viewer, exact))]
    return [
        (client, _common_channel(viewer, client))
        for client in request.network.clients.values()
        if can_see(viewer, client) and _matches(request, mask, client)
    ]


def _matches(request: Request, mask: str, client: Client) -> bool:
    texts = (client.nick, client.username, client.host, client.realname, client.source)
    return any(matches(mask, text, request.network.fold) for text in texts)


def _common_channel(viewer: Client, client: Client) -> Channel | None:
    common = viewer.channels.keys() & client.channels.keys()
    return client.channels[min(common)] if common else None


def _plain(row: _Row) -> Reply:
    words = (_FIELDS[field](row) for field in "cuhsnf")
    return RPL_WHOREPLY(*words, f"0 {row.client.realname}")


def _extended(row: _Row, fields: str) -> Reply:
    return RPL_WHOSPCRPL(*(value(row) for field, value in _FIELDS.items() if field in fields))


@feature.isupport
def tokens(settings: Settings) -> Mapping[str, str]:
    """Return that WHOX is there."""
    return {"WHOX": ""}
