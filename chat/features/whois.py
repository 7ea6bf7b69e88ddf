"""WHOIS: all about one person.

Source: Modern IRC, "WHOIS message".
"""

from __future__ import annotations

from chat.features import metadata
from chat.features.feature import Effects, Feature, Request
from chat.irc.numerics import (
    ERR_NONICKNAMEGIVEN,
    ERR_NOSUCHNICK,
    ERR_NOSUCHSERVER,
    RPL_AWAY,
    RPL_ENDOFWHOIS,
    RPL_WHOISACCOUNT,
    RPL_WHOISBOT,
    RPL_WHOISCERTFP,
    RPL_WHOISCHANNELS,
    RPL_WHOISHOST,
    RPL_WHOISIDLE,
    RPL_WHOISMODES,
    RPL_WHOISOPERATOR,
    RPL_WHOISSECURE,
    RPL_WHOISSERVER,
    RPL_WHOISUSER,
)
from chat.network import devices, modes
from chat.network.entities import Client
from chat.network.policy import can_see_channel

feature = Feature()

#: Bytes of channels in one line.
_LINE = 380


@feature.command("WHOIS", appends=False, cost=2)
def whois(request: Request) -> Effects:
    """WHOIS nickname: see who somebody is."""
    server = request.params[0] if request.param(1) else ""
    nick = (request.param(1) or request.param(0)).partition(",")[0]
    if not nick:
        yield ERR_NONICKNAMEGIVEN()
        return
    client = request.network.client(nick)
    names = {"", request.settings.server, *((client.nick,) if client is not None else ())}
    if request.network.fold(server) not in map(request.network.fold, names):
        yield ERR_NOSUCHSERVER(server)
        return
    if client is None:
        yield ERR_NOSUCHNICK(nick)
    else:
        yield from _describe(request, client)
    yield RPL_ENDOFWHOIS(client.nick if client is not None else nick)


def _describe(request: Request, client: Client) -> Effects:
    nick, settings, asker = client.nick, request.settings, request.client
    yield RPL_WHOISUSER(nick, client.username, client.host, "*", client.realname)
    line = ""
    for channel in client.channels.values():
        if not can_see_channel(asker, channel):
            continue
        word = modes.highest(channel.members[client]) + channel.name
        if len(line.encode()) + len(word.encode()) > _LINE:
            yield RPL_WHOISCHANNELS(nick, line)
            line = ""
        line = f"{line} {word}".strip()
    if line:
        yield RPL_WHOISCHANNELS(nick, line)
    yield RPL_WHOISSERVER(nick, settings.server, settings.network)
    if client.is_operator:
        yield RPL_WHOISOPERATOR(nick)
    if client.account is not None:
        yield RPL_WHOISACCOUNT(nick, client.account)
    if client is asker or asker.is_operator:
        names = _device_names(request, client)
        known = f", devices {' '.join(names)}" if names else ""
        yield RPL_WHOISHOST(nick, f"is connecting from {client.host}{known}")
        yield RPL_WHOISMODES(nick, f"is using modes +{''.join(sorted(client.modes))}")
    if client is asker:
        for fingerprint in sorted({each.fingerprint for each in client.sessions.values()}):
            if fingerprint:
                yield RPL_WHOISCERTFP(nick, f"has client certificate fingerprint {fingerprint}")
    yield RPL_WHOISSECURE(nick)
    if modes.USER_BOT in client.modes:
        yield RPL_WHOISBOT(nick)
    yield from metadata.whois(request, client)
    if client.away is not None:
        yield RPL_AWAY(nick, client.away)
    idle = max(0, request.now - client.active) // 1000
    yield RPL_WHOISIDLE(nick, str(idle), str(client.signon // 1000))


def _device_names(request: Request, client: Client) -> list[str]:
    if client.account is None:
        return []
    names = {
        devices.name_of(request.network, client.account, certificate)
        for certificate in client.sessions.values()
    }
    return sorted(filter(None, names))
