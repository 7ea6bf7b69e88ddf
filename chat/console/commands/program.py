"""Commands about the console itself, and the connection."""

from __future__ import annotations

from chat.console.commands.actions import Clear, Connect, Disconnect, Leave, Send, Set
from chat.console.commands.command import Actions, CommandError, Here, Subject, Words, parted
from chat.irc.message import LineTooLongError, MalformedLineError, parse

PROGRAM = Subject("The console")


@PROGRAM.command(
    "/set [NAME [VALUE]]",
    "show the settings, or one, or change it",
    words=(Words.SETTINGS, Words.VALUES),
    example="/set notify desktop",
)
def _set(here: Here, rest: str) -> Actions:
    name, value = parted(rest)
    yield Set(name or None, value or None)


@PROGRAM.command("/clear", "empty what is shown of the current room", "c", "cl")
def _clear(here: Here, rest: str) -> Actions:
    yield Clear(here.room)


@PROGRAM.command("/connect", "connect now, without waiting for the next attempt")
def _connect(here: Here, rest: str) -> Actions:
    yield Connect()


@PROGRAM.command("/disconnect", "end the connection, and stay in the console")
def _disconnect(here: Here, rest: str) -> Actions:
    yield Disconnect()


@PROGRAM.command(
    "/raw LINE", "send a line of IRC as it is", "quote", least=1, example="/raw WHOWAS bob"
)
def _raw(here: Here, rest: str) -> Actions:
    try:
        yield Send(parse(rest.encode()))
    except LineTooLongError as error:
        raise CommandError(f"{error}: an IRC line has 510 bytes") from error
    except MalformedLineError as error:
        raise CommandError(f"{error}: /raw COMMAND parameters :text") from error


@PROGRAM.command("/quit [REASON]", "leave", "bye", "exit")
def _quit(here: Here, rest: str) -> Actions:
    yield Leave(rest)
