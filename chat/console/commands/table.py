"""The table of commands, and what a typed line does by it."""

from __future__ import annotations

import re
from difflib import get_close_matches

from chat.client.events import Manner
from chat.console.commands.actions import Send, Show
from chat.console.commands.command import Actions, CommandError, Here, UsageError, Words
from chat.console.commands.encryption import ENCRYPTION
from chat.console.commands.messages import MESSAGES
from chat.console.commands.moderation import MODERATION
from chat.console.commands.people import PEOPLE
from chat.console.commands.program import PROGRAM
from chat.console.commands.rooms import ROOMS
from chat.irc.message import Message

_COMMAND = re.compile(r"/(\S*)\s*(.*)", re.DOTALL)
#: Commands that an error proposes for one that does not exist.
_PROPOSED = 3


@PROGRAM.command(
    "/help [COMMAND]",
    "show this, or the help of a command",
    words=(Words.COMMANDS,),
    example="/help react",
)
def _help(here: Here, rest: str) -> Actions:
    name = rest.removeprefix("/").lower()
    if not name:
        yield from _all()
    elif name in NAMES:
        command = NAMES[name]
        yield Show(f"{command.usage}: {command.help}")
        if command.example:
            yield Show(f"for example: {command.example}")
        if command.aliases:
            yield Show(f"also: {' '.join(f'/{alias}' for alias in command.aliases)}")
    else:
        # The server knows more commands, which /raw sends; their help is its own.
        yield Send(Message("HELP", (name.split()[0],)))


def _all() -> Actions:
    width = max(len(command.usage) for command in COMMANDS.values())
    for subject in SUBJECTS:
        yield Show(f"{subject.title}:")
        for command in subject.commands:
            yield Show(f"{command.usage:<{width}}  {command.help}")
    yield Show(f"{'text':<{width}}  say it in the current room; // begins text with a slash")


#: In the order in which /help shows them.
SUBJECTS = (ROOMS, MESSAGES, ENCRYPTION, PEOPLE, MODERATION, PROGRAM)
#: By name, in that order.
COMMANDS = {command.name: command for subject in SUBJECTS for command in subject.commands}
#: By each name that they have.
NAMES = {
    name: command for command in COMMANDS.values() for name in (command.name, *command.aliases)
}


def interpret(here: Here, text: str) -> Actions:
    """Return what a typed line does; raises `CommandError`, before anything, when it is wrong.

    A line that begins with ``/`` is a command and never text; ``//`` at the
    beginning says text that begins with one slash.
    """
    if not text.strip():
        return iter(())
    if not text.startswith("/") or text.startswith("//"):
        return here.say(Manner.MESSAGE, here.current(), text.removeprefix("/"))
    found = _COMMAND.match(text)
    name, rest = found.groups() if found is not None else ("", "")
    command = NAMES.get(name.lower())
    if command is None:
        raise CommandError(_unknown(name))
    rest = rest.strip()
    if len(rest.split()) < command.least:
        raise CommandError(f"Usage: {command.usage}")
    try:
        return iter(list(command.run(here, rest)))
    except UsageError:
        raise CommandError(f"Usage: {command.usage}") from None


def entries(text: str) -> list[str]:
    """Return what was entered at once, as what is interpreted one by one.

    Several lines are one message, or what one command says; with another command first,
    or with a command in each line, every line is by itself.
    """
    if not text.startswith("/") or text.startswith("//"):
        return [text]
    first, *others = text.splitlines()
    command = NAMES.get(first.split()[0].removeprefix("/").lower())
    says = command is not None and command.usage.endswith((" TEXT", " [TEXT]"))
    if says and not any(line.startswith("/") for line in others):
        return [text]
    return [first, *others]


def _unknown(name: str) -> str:
    near = get_close_matches(name.lower(), COMMANDS, _PROPOSED)
    proposal = f", but {' '.join(f'/{each}' for each in near)}" if near else ""
    return f"There is no command /{name}{proposal}: /help lists them, // sends the text"
