"""KLINE, DLINE and their contraries: bans from the whole network.

Source: the commands of InspIRCd and Ergo.
"""

from __future__ import annotations

from chat.features import time
from chat.features.feature import Audit, Effects, Feature, Request
from chat.irc.durations import parse_duration
from chat.irc.message import truncate
from chat.irc.standard_replies import StandardReply, fail
from chat.network import bans
from chat.network.events import NetworkBanned, NetworkUnbanned
from chat.network.ids import Timestamp
from chat.network.policy import RefusedError

feature = Feature()


@feature.command("KLINE", privileged=True)
def kline(request: Request) -> Effects:
    """KLINE [duration] mask [reason]: ban from the network (operators); alone, list the bans.

    mask is nick!user@host, a:account or c:certificate; duration is like 1d12h30m.
    """
    return _ban(request)


@feature.command("DLINE", privileged=True)
def dline(request: Request) -> Effects:
    """DLINE [duration] address[/bits] [reason]: ban addresses (operators); alone, list the bans."""
    return _ban(request)


@feature.command("UNKLINE", parameters=1, privileged=True)
def unkline(request: Request) -> Effects:
    """UNKLINE mask: lift a ban from the network (operators)."""
    return _lift(request)


@feature.command("UNDLINE", parameters=1, privileged=True)
def undline(request: Request) -> Effects:
    """UNDLINE address[/bits]: lift a ban of addresses (operators)."""
    return _lift(request)


def _ban(request: Request) -> Effects:
    words = list(request.params)
    if not words:
        yield from _list(request)
        return
    seconds = parse_duration(words[0]) if len(words) > 1 else None
    if seconds is not None:
        del words[0]
    command, mask = request.message.command, bans.canonical(words[0])
    if bans.is_too_wide(mask):
        yield fail(command, "INVALID_MASK", mask, text="This would ban everybody")
        return
    reason = " ".join(words[1:]) or "No reason given"
    reason = truncate(reason, request.settings.limits.kick_length)
    expires = Timestamp(request.now + seconds * 1000) if seconds is not None else None
    until = f" until {time.utc(expires)}" if expires is not None else ""
    yield Audit(f"banned {mask}{until}: {reason!r}")
    yield _note(command, "BANNED", mask, f"Banned{until}: {reason}")
    yield NetworkBanned(request.client.actor, mask, reason, expires)


def _lift(request: Request) -> Effects:
    command, mask = request.message.command, bans.canonical(request.params[0])
    if request.network.fold(mask) not in request.network.bans:
        raise RefusedError(fail(command, "NO_SUCH_BAN", mask, text="There is no such ban"))
    yield Audit(f"lifted the ban of {mask}")
    yield _note(command, "UNBANNED", mask, "The ban is lifted")
    yield NetworkUnbanned(request.client.actor, mask)


def _list(request: Request) -> Effects:
    command = request.message.command
    for ban in request.network.bans.values():
        if ban.expires is None or ban.expires > request.now:
            until = f" until {time.utc(ban.expires)}" if ban.expires is not None else ""
            by = ban.source.partition("!")[0]
            yield _note(command, "BAN", ban.name, f"by {by}{until}: {ban.reason}")
    yield _note(command, "END_OF_BANS", "*", "End of the bans")


def _note(command: str, code: str, mask: str, text: str) -> StandardReply:
    return StandardReply("NOTE", command, code, (mask,), text)
