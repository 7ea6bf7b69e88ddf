"""What the server tells of people, wherever they are: who is away, logged in, called what.

Sources: IRCv3 away-notify, account-notify, chghost, setname, whox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from chat.client import presence
from chat.client.events import (
    AccountChanged,
    AwayChanged,
    HostChanged,
    RealnameChanged,
    ServerNotice,
)
from chat.client.registration import Effects
from chat.client.table import Table, account_of, sender_of, time_of
from chat.irc.message import Message

if TYPE_CHECKING:
    from chat.client.state import ClientState

HANDLERS = Table()
_on = HANDLERS.on


@_on("AWAY", 0)
def _away(state: ClientState, message: Message) -> Effects:
    nick, reason = sender_of(message), message.text()
    if state.is_own(nick):
        state.away = bool(reason)
    for member in state.rooms.members(nick):
        member.away = bool(reason)
    yield AwayChanged(nick, bool(reason), state.is_own(nick), reason, time_of(message))


@_on("305")
@_on("306")
def _own_away(state: ClientState, message: Message) -> Effects:
    state.away = is_away = message.command == "306"
    for member in state.rooms.members(state.nick):
        member.away = is_away
    yield AwayChanged(state.nick, is_away, True)


@_on("ACCOUNT")
def _account_is(state: ClientState, message: Message) -> Effects:
    nick, account = sender_of(message), account_of(message.params[0])
    for member in state.rooms.members(nick):
        member.account = account
    yield AccountChanged(nick, account, state.is_own(nick), time_of(message))


@_on("SETNAME")
def _realname(state: ClientState, message: Message) -> Effects:
    yield RealnameChanged(sender_of(message), message.text(), time_of(message))


@_on("CHGHOST", 2)
def _host(state: ClientState, message: Message) -> Effects:
    nick, (user, host) = sender_of(message), message.params[:2]
    if state.is_own(nick):
        state.source = f"{nick}!{user}@{host}"
    yield HostChanged(nick, user, host, time_of(message))


@_on("354", 2)
def _who(state: ClientState, message: Message) -> Effects:
    if message.params[1] != presence.TOKEN:
        yield ServerNotice(" ".join(message.params[1:]))  # somebody asked for it
        return
    for event in state.presence.told(message.params[1:]):
        if state.is_own(event.nick):
            state.away = event.away
        yield evolve(event, own=state.is_own(event.nick))


@_on("315", 2)
def _end_of_who(state: ClientState, message: Message) -> Effects:
    yield from state.presence.ended(message.params[1])
