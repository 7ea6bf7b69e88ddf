"""Commands about people: who they are, who we are to them, and our devices."""

from __future__ import annotations

from chat.console.commands.actions import Ignore, Send
from chat.console.commands.command import Actions, CommandError, Here, Subject, UsageError, parted
from chat.irc.message import Message

PEOPLE = Subject("People and devices")

#: What others are told of who gives no reason.
_AWAY = "Away"
#: Words that the reason of REVOKE may begin with (`chat.features.revoke`).
_REASONS = (
    "key-compromise",
    "affiliation-changed",
    "superseded",
    "cessation",
    "privilege-withdrawn",
)


@PEOPLE.command("/whois [NICK]", "show what is known of somebody", "wi")
def _whois(here: Here, rest: str) -> Actions:
    nick = rest.split()[0] if rest else here.current()
    if here.isupport.is_channel(nick):
        raise CommandError(f"{nick} is a room: name somebody")
    yield Send(Message("WHOIS", (nick,)))


@PEOPLE.command("/who [NICK_OR_ROOM]", "show who is there, one a line", "w")
def _who(here: Here, rest: str) -> Actions:
    yield Send(Message("WHO", (rest.split()[0] if rest else here.current(),)))


@PEOPLE.command("/nick NAME", "change your nickname", least=1)
def _nick(here: Here, rest: str) -> Actions:
    yield Send(Message("NICK", (rest.split()[0],)))


@PEOPLE.command("/away [REASON]", "tell others that you are not there", example="/away back at two")
def _away(here: Here, rest: str) -> Actions:
    yield Send(Message("AWAY", (rest or _AWAY,)))


@PEOPLE.command("/back", "tell others that you are there again")
def _back(here: Here, rest: str) -> Actions:
    yield Send(Message("AWAY"))


@PEOPLE.command("/ignore [NICK]", "show no more what somebody says, or list whom", "ig")
def _ignore(here: Here, rest: str) -> Actions:
    nick = rest.split()[0] if rest else None
    yield Ignore(nick, True, here.account_of(nick) if nick is not None else None)


@PEOPLE.command("/unignore NICK", "show again what somebody says", least=1)
def _unignore(here: Here, rest: str) -> Actions:
    nick = rest.split()[0]
    yield Ignore(nick, False, here.account_of(nick))


@PEOPLE.command("/devices [ACCOUNT]", "show your devices; for operators, anybody's")
def _devices(here: Here, rest: str) -> Actions:
    yield Send(Message("DEVICES", tuple(rest.split()[:1])))


@PEOPLE.command(
    "/device add|remove NAME",
    "bring a device in with a code, or remove one",
    least=2,
    words=(("add", "remove"),),
    example="/device add phone",
)
def _device(here: Here, rest: str) -> Actions:
    word, *others = rest.split()
    # What a person calls adding a device is inviting it for the server.
    verb = {"add": "INVITE", "remove": "REMOVE"}.get(word.lower())
    if verb is None:
        raise UsageError
    yield Send(Message("DEVICES", (verb, *others[:2])))


@PEOPLE.command(
    "/revoke ACCOUNT[/DEVICE] [REASON]",
    "have nobody get in with these certificates (operators)",
    least=1,
    words=((), _REASONS),
    example="/revoke bob/phone key-compromise left in a taxi",
)
def _revoke(here: Here, rest: str) -> Actions:
    name, reason = parted(rest)
    yield Send(Message("REVOKE", (name, reason) if reason else (name,)))
