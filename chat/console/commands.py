"""The slash commands: one table, which /help and completion read too."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import frozen

from chat.client.events import Manner
from chat.client.isupport import Isupport
from chat.client.text import Multiline, compose
from chat.irc.message import LineTooLongError, MalformedLineError, Message, parse


class CommandError(Exception):
    """What was typed cannot be done; the text says why, and what to type."""


@frozen
class Here:
    """Where something is typed: the current room (or nickname), if any, and the server's rules."""

    room: str | None
    isupport: Isupport
    #: Bytes of our ``nick!user@host``.
    source_length: int
    several: Multiline | None = None


@frozen
class Send:
    """A message for the server."""

    message: Message


@frozen
class Go:
    """Make a room or a nickname the current one."""

    room: str


@frozen
class Close:
    """Forget the conversation with a person."""

    nick: str


@frozen
class Show:
    """A line for the person at the keyboard."""

    text: str


@frozen
class Leave:
    """Quit, with a farewell."""

    farewell: str


Action = Send | Go | Close | Show | Leave
Actions = Iterator[Action]


@frozen
class Command:
    """One row of the table; ``least`` is how many words it needs."""

    name: str
    usage: str
    help: str
    run: Callable[[Here, str], Actions]
    least: int = 0
    #: What its first word can be, where that is known.
    words: tuple[str, ...] = ()


def interpret(here: Here, text: str) -> Actions:
    """Yield what a typed line does; raises `CommandError`, before anything, when it is wrong.

    A line that begins with ``/`` is a command and never text; ``//`` at the
    beginning says text that begins with one slash.
    """
    if not text.strip():
        return iter(())
    if not text.startswith("/") or text.startswith("//"):
        return _say(here, Manner.MESSAGE, text.removeprefix("/"))
    name, _, rest = text[1:].partition(" ")
    command = COMMANDS.get(name.lower())
    if command is None:
        raise CommandError(f"There is no command /{name}: /help lists them, // sends the text")
    rest = rest.strip()
    if len(rest.split()) < command.least:
        raise CommandError(f"Usage: {command.usage}")
    return command.run(here, rest)


def _say(here: Here, manner: Manner, text: str) -> Actions:
    return _say_to(here, manner, _current(here), text)


def _say_to(here: Here, manner: Manner, target: str, text: str) -> Actions:
    return map(Send, compose(manner, target, text, here.source_length, here.several))


def _current(here: Here) -> str:
    if here.room is None:
        raise CommandError("You are in no room: /join #room, or /query NICK")
    return here.room


def _room_and_rest(here: Here, rest: str) -> tuple[str, str]:
    """Part an optional room from what follows it; without one it is the current room."""
    first, _, others = rest.partition(" ")
    if here.isupport.is_channel(first):
        return first, others.strip()
    room = _current(here)
    if not here.isupport.is_channel(room):
        raise CommandError(f"{room} is not a room: name one")
    return room, rest


def _join(here: Here, rest: str) -> Actions:
    names, *key = rest.split()
    rooms = [name if here.isupport.is_channel(name) else f"#{name}" for name in names.split(",")]
    yield Send(Message("JOIN", (",".join(rooms), *key[:1])))
    yield Go(rooms[-1])


def _part(here: Here, rest: str) -> Actions:
    room, reason = _room_and_rest(here, rest)
    yield Send(Message("PART", (room, reason) if reason else (room,)))


def _msg(here: Here, rest: str) -> Actions:
    target, _, text = rest.partition(" ")
    yield from _say_to(here, Manner.MESSAGE, target, text.strip())


def _query(here: Here, rest: str) -> Actions:
    target, _, text = rest.partition(" ")
    yield Go(target)
    yield from _say_to(here, Manner.MESSAGE, target, text.strip())


def _close(here: Here, rest: str) -> Actions:
    room = _current(here)
    if here.isupport.is_channel(room):
        raise CommandError(f"{room} is a room: /part leaves it")
    yield Close(room)


def _me(here: Here, rest: str) -> Actions:
    return _say(here, Manner.ACTION, rest)


def _nick(here: Here, rest: str) -> Actions:
    yield Send(Message("NICK", (rest.split()[0],)))


def _topic(here: Here, rest: str) -> Actions:
    room, topic = _room_and_rest(here, rest)
    yield Send(Message("TOPIC", (room, topic) if topic else (room,)))


def _names(here: Here, rest: str) -> Actions:
    yield Send(Message("NAMES", (_room_and_rest(here, rest)[0],)))


def _list(here: Here, rest: str) -> Actions:
    yield Send(Message("LIST", tuple(rest.split()[:1])))


def _who(here: Here, rest: str) -> Actions:
    yield Send(Message("WHO", (rest.split()[0] if rest else _current(here),)))


def _whois(here: Here, rest: str) -> Actions:
    yield Send(Message("WHOIS", (rest.split()[0],)))


def _devices(here: Here, rest: str) -> Actions:
    yield Send(Message("DEVICES", tuple(rest.split()[:1])))


def _device(here: Here, rest: str) -> Actions:
    word, *others = rest.split()
    # What a person calls adding a device is inviting it for the server.
    verb = {"add": "INVITE", "remove": "REMOVE"}.get(word.lower())
    if verb is None:
        raise CommandError(f"Usage: {COMMANDS['device'].usage}")
    yield Send(Message("DEVICES", (verb, *others[:2])))


def _raw(here: Here, rest: str) -> Actions:
    try:
        yield Send(parse(rest.encode()))
    except LineTooLongError as error:
        raise CommandError(f"{error}: an IRC line has 510 bytes") from error
    except MalformedLineError as error:
        raise CommandError(f"{error}: /raw COMMAND parameters :text") from error


def _quit(here: Here, rest: str) -> Actions:
    yield Leave(rest)


def _help(here: Here, rest: str) -> Actions:
    name = rest.removeprefix("/").lower()
    if name and name not in COMMANDS:
        # The server knows more commands, which /raw sends; their help is its own.
        yield Send(Message("HELP", (name.split()[0],)))
        return
    for command in [COMMANDS[name]] if name else COMMANDS.values():
        yield Show(f"{command.usage:<28} {command.help}")
    if not name:
        yield Show(f"{'text':<28} say it in the current room; // begins text with a slash")


#: By name, in the order in which /help shows them.
COMMANDS = {
    command.name: command
    for command in (
        Command(
            "join", "/join ROOM[,ROOM] [KEY]", "enter a room and make it the current one", _join, 1
        ),
        Command("part", "/part [ROOM] [REASON]", "leave a room", _part),
        Command("msg", "/msg NICK_OR_ROOM TEXT", "say something to somebody", _msg, 2),
        Command("query", "/query NICK_OR_ROOM [TEXT]", "say what follows to somebody", _query, 1),
        Command("close", "/close", "end the conversation with somebody", _close),
        Command("me", "/me TEXT", "say what you do", _me, 1),
        Command("nick", "/nick NAME", "change your nickname", _nick, 1),
        Command("topic", "/topic [ROOM] [TEXT]", "show or set a room's topic", _topic),
        Command("names", "/names [ROOM]", "show who is in a room", _names),
        Command("list", "/list [ROOM]", "show the rooms there are", _list),
        Command("who", "/who [NICK_OR_ROOM]", "show who is there, one a line", _who),
        Command("whois", "/whois NICK", "show what is known of somebody", _whois, 1),
        Command("devices", "/devices [ACCOUNT]", "show your devices", _devices),
        Command(
            "device",
            "/device add|remove NAME",
            "bring a device in with a code, or remove one",
            _device,
            2,
            ("add", "remove"),
        ),
        Command("raw", "/raw LINE", "send a line of IRC as it is", _raw, 1),
        Command("quit", "/quit [REASON]", "leave", _quit),
        Command(
            "help",
            "/help [COMMAND]",
            "show this, or the help of a command",
            _help,
        ),
    )
}
