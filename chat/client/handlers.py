"""What each command of the server does to a client's state, and tells.

Sources: Modern IRC, "Client Messages"; IRCv3 server-time, standard-replies,
away-notify, account-notify, account-tag, extended-join, chghost, setname, and the drafts
typing, reply, react, message-redaction, read-marker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from chat.client.events import (
    AccountChanged,
    Answered,
    AwayChanged,
    DeviceInvited,
    Disconnected,
    HostChanged,
    Invited,
    JoinedRoom,
    LeftNetwork,
    LeftRoom,
    ModesChanged,
    Names,
    Reacted,
    ReadUpTo,
    RealnameChanged,
    Redacted,
    Refused,
    Renamed,
    Said,
    ServerNotice,
    TopicIs,
    Typing,
)
from chat.client.registration import Effects, Phase, Step
from chat.client.text import uttered
from chat.irc.message import NAME_TAG, Message

if TYPE_CHECKING:
    from chat.client.state import ClientState

#: Seconds for which somebody types, by what the tag says; "done" is none ("typing", IRCv3).
TYPING = {"active": 6.0, "paused": 30.0}

Handler = Callable[["ClientState", Message], Effects]
#: By command: how many parameters it has at least, and what deals with it.
HANDLERS: dict[str, tuple[int, Handler]] = {}


def _on(command: str, parameters: int = 1) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        HANDLERS[command] = (parameters, handler)
        return handler

    return register


def said(state: ClientState, message: Message, sender: str) -> Iterator[Said]:
    """Yield what a PRIVMSG or NOTICE of ``sender`` says: nothing for most of CTCP."""
    words = uttered(message)
    if words is None:
        return
    manner, text = words
    target = message.params[0]
    own = state.is_own(sender)
    room = _room(state, target, sender)
    account = _account(message.tags.get("account", ""))
    if account is not None:
        for member in state.rooms.members(sender):
            member.account = account
    name = message.tags.get(NAME_TAG) or message.tags.get("label", "") if own else ""
    msgid = message.tags.get("msgid", "")
    yield Said(
        room,
        sender,
        text,
        manner,
        own,
        time_of(message),
        name,
        msgid,
        reply_to=_reply_to(message),
        account=account,
    )


def _room(state: ClientState, target: str, sender: str) -> str:
    """Return the channel, or with whom it is, of what ``sender`` sent to ``target``."""
    room = state.rooms.isupport.without_status(target)
    is_ours = state.rooms.isupport.is_channel(room) or state.is_own(sender)
    return room if is_ours else sender


def _reply_to(message: Message) -> str:
    return message.tags.get("+reply") or message.tags.get("+draft/reply", "")


def _account(word: str) -> str | None:
    return None if word in ("", "*", "0") else word


def _sender(message: Message) -> str:
    return (message.source or "").partition("!")[0]


def time_of(message: Message) -> datetime | None:
    """Return the server-time of a message."""
    return _moment(message.tags.get("time", ""))


def _moment(word: str) -> datetime | None:
    """Return a time with its zone; ``None`` for what is none, or beyond all reason."""
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None and 1970 <= moment.year < 9999 else None


@_on("PING", 0)
def _ping(state: ClientState, message: Message) -> Effects:
    yield Message("PONG", message.params[-1:])


@_on("PONG")
def _pong(state: ClientState, message: Message) -> Effects:
    yield Answered(message.text())


@_on("005", 2)
def _isupport(state: ClientState, message: Message) -> Effects:
    state.rooms.isupport = state.rooms.isupport.updated(message.params[1:-1])
    return iter(())


@_on("PRIVMSG", 2)
@_on("NOTICE", 2)
def _message(state: ClientState, message: Message) -> Effects:
    sender = _sender(message)
    from_server = "!" not in (message.source or "") and ("." in sender or not sender)
    if message.command == "NOTICE" and (state.phase is not Phase.ONLINE or from_server):
        yield ServerNotice(message.text())
    else:
        yield from said(state, message, sender)


@_on("TAGMSG")
def _tags(state: ClientState, message: Message) -> Effects:
    tags, sender = message.tags, _sender(message)
    room, own = _room(state, message.params[0], sender), state.is_own(sender)
    if "+typing" in tags and not own:
        yield Typing(room, sender, TYPING.get(tags["+typing"], 0.0))
    about = _reply_to(message)
    for tag, removed in (("+draft/react", False), ("+draft/unreact", True)):
        if about and tags.get(tag):
            yield Reacted(room, sender, tags[tag], about, removed, own, time_of(message))


@_on("REDACT", 2)
def _redact(state: ClientState, message: Message) -> Effects:
    target, msgid = message.params[:2]
    by = _sender(message)
    reason = message.params[2] if len(message.params) > 2 else ""
    yield Redacted(_room(state, target, by), by, msgid, reason, time_of(message))


@_on("MARKREAD", 2)
def _read(state: ClientState, message: Message) -> Effects:
    yield ReadUpTo(message.params[0], _moment(message.params[1].removeprefix("timestamp=")))


@_on("AWAY", 0)
def _away(state: ClientState, message: Message) -> Effects:
    nick, reason = _sender(message), message.text()
    for member in state.rooms.members(nick):
        member.away = bool(reason)
    yield AwayChanged(nick, bool(reason), state.is_own(nick), reason, time_of(message))


@_on("305")
@_on("306")
def _own_away(state: ClientState, message: Message) -> Effects:
    is_away = message.command == "306"
    for member in state.rooms.members(state.nick):
        member.away = is_away
    yield AwayChanged(state.nick, is_away, True)


@_on("ACCOUNT")
def _account_is(state: ClientState, message: Message) -> Effects:
    nick, account = _sender(message), _account(message.params[0])
    for member in state.rooms.members(nick):
        member.account = account
    yield AccountChanged(nick, account, state.is_own(nick), time_of(message))


@_on("SETNAME")
def _realname(state: ClientState, message: Message) -> Effects:
    yield RealnameChanged(_sender(message), message.text(), time_of(message))


@_on("CHGHOST", 2)
def _host(state: ClientState, message: Message) -> Effects:
    nick, (user, host) = _sender(message), message.params[:2]
    if state.is_own(nick):
        state.source = f"{nick}!{user}@{host}"
    yield HostChanged(nick, user, host, time_of(message))


@_on("JOIN")
def _join(state: ClientState, message: Message) -> Effects:
    name, nick = message.params[0], _sender(message)
    own = state.is_own(nick)
    if own:
        state.source = message.source or ""
        state.enter(name)
    # extended-join: the account, and the realname, follow.
    account = _account(message.params[1]) if len(message.params) > 2 else None
    state.rooms.add(name, nick, account)
    yield JoinedRoom(name, nick, own, time_of(message))
    if own:
        yield from state.history.joined(name)


@_on("PART")
def _part(state: ClientState, message: Message) -> Effects:
    name, nick = message.params[0], _sender(message)
    reason = message.params[1] if len(message.params) > 1 else ""
    yield _leave(state, LeftRoom(name, nick, state.is_own(nick), reason, None, time_of(message)))


@_on("KICK", 2)
def _kick(state: ClientState, message: Message) -> Effects:
    name, nick = message.params[:2]
    reason = message.params[2] if len(message.params) > 2 else ""
    by = _sender(message)
    yield _leave(state, LeftRoom(name, nick, state.is_own(nick), reason, by, time_of(message)))


def _leave(state: ClientState, event: LeftRoom) -> LeftRoom:
    if event.own:
        state.leave(event.room)
    else:
        state.rooms.remove(event.room, event.nick)
    return event


@_on("QUIT", 0)
def _quit(state: ClientState, message: Message) -> Effects:
    nick = _sender(message)
    rooms = state.rooms.remove_everywhere(nick)
    yield LeftNetwork(nick, rooms, message.text(), time_of(message))


@_on("NICK")
def _nick(state: ClientState, message: Message) -> Effects:
    old, new = _sender(message), message.params[0]
    own = state.is_own(old)
    state.rooms.rename(old, new)
    if own:
        state.registration.nick = new
        state.source = new + state.source[len(old) :] if state.source else ""
    yield Renamed(old, new, own, time_of(message))


@_on("TOPIC", 2)
def _topic(state: ClientState, message: Message) -> Effects:
    name, topic = message.params[:2]
    yield _set_topic(state, TopicIs(name, topic, _sender(message), time_of(message)))


@_on("332", 3)
def _topic_is(state: ClientState, message: Message) -> Effects:
    yield _set_topic(state, TopicIs(message.params[1], message.params[2]))


@_on("331", 2)
def _no_topic(state: ClientState, message: Message) -> Effects:
    yield _set_topic(state, TopicIs(message.params[1], ""))


def _set_topic(state: ClientState, event: TopicIs) -> TopicIs:
    room = state.rooms.get(event.room)
    if room is not None:
        room.topic = event.topic
    return event


@_on("353", 4)
def _names(state: ClientState, message: Message) -> Effects:
    state.rooms.listing(message.params[2]).extend(message.text().split())
    return iter(())


@_on("366", 2)
def _end_of_names(state: ClientState, message: Message) -> Effects:
    yield Names(message.params[1], state.rooms.listed(message.params[1]))


@_on("MODE", 2)
def _mode(state: ClientState, message: Message) -> Effects:
    target, *words = message.params
    room = state.rooms.get(target)
    if room is not None:
        room.change_modes(words, state.rooms.isupport)
    yield ModesChanged(target, _sender(message), " ".join(words), time_of(message))


@_on("INVITE", 2)
def _invite(state: ClientState, message: Message) -> Effects:
    yield Invited(message.params[1], message.params[0], _sender(message))


@_on("ERROR", 0)
def _error(state: ClientState, message: Message) -> Effects:
    state.registration.advance(Step.LOST)
    yield Disconnected(message.text())


@_on("FAIL", 3)
def _fail(state: ClientState, message: Message) -> Effects:
    if message.params[0] == "CHATHISTORY" and state.history.is_asking:
        return  # it goes on without what the server does not have
    label = message.tags.get("label", "")
    yield Refused(message.params[1], message.params[2:-1], message.text(), label)


@_on("WARN", 3)
@_on("NOTE", 3)
def _note(state: ClientState, message: Message) -> Effects:
    if message.params[1] == "INVITED" and len(message.params) == 5:
        yield DeviceInvited(*message.params[2:])
        return
    yield ServerNotice(message.text())
