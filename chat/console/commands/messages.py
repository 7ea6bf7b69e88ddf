"""Commands that say something, and those about what was said.

Sources: https://ircv3.net/specs/client-tags/reply, https://ircv3.net/specs/client-tags/react,
https://ircv3.net/specs/extensions/message-redaction, and for SEARCH soju, doc/ext/search.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from chat.client.events import Manner, Said
from chat.console import emojis
from chat.console.commands.actions import Close, Go, Retry, Search, Send
from chat.console.commands.command import (
    Actions,
    CommandError,
    Here,
    Subject,
    UsageError,
    Words,
    parted,
)
from chat.irc.message import Message, format_tags

MESSAGES = Subject("Messages")

_REPLY = "+reply"
#: An emoji by its name, as Slack and GitHub write it.
_NAMED = re.compile(r":[^\s:]+:")
#: Has the server look, and not the console.
_ON_SERVER = "-server"


@MESSAGES.command("/msg NICK_OR_ROOM TEXT", "say something to somebody", "m", least=2)
def _msg(here: Here, rest: str) -> Actions:
    target, text = parted(rest)
    return here.say(Manner.MESSAGE, target, text)


@MESSAGES.command("/notice NICK_OR_ROOM TEXT", "say something that no program answers", least=2)
def _notice(here: Here, rest: str) -> Actions:
    target, text = parted(rest)
    return here.say(Manner.NOTICE, target, text)


@MESSAGES.command("/me TEXT", "say what you do", least=1, example="/me waves")
def _me(here: Here, rest: str) -> Actions:
    return here.say(Manner.ACTION, here.current(), rest)


@MESSAGES.command("/query NICK_OR_ROOM [TEXT]", "say what follows to somebody", "q", least=1)
def _query(here: Here, rest: str) -> Actions:
    target, text = parted(rest)
    yield Go(target)
    yield from here.say(Manner.MESSAGE, target, text)


@MESSAGES.command("/close", "end the conversation with somebody")
def _close(here: Here, rest: str) -> Actions:
    room = here.current()
    if here.isupport.is_channel(room) and not here.was_removed(room):
        raise CommandError(f"{room} is a room: /part leaves it")
    yield Close(room)


@MESSAGES.command("/reply TEXT", "answer the selected message, or the latest", least=1)
def _reply(here: Here, rest: str) -> Actions:
    said = _theirs(here)
    tags = _tags(here, {_REPLY: _msgid(said)})
    for each in here.say(Manner.MESSAGE, said.room, rest):
        yield Send(each.message.tagged(tags))


@MESSAGES.command(
    "/react EMOJI",
    "react to the selected message, or the latest",
    least=1,
    words=(Words.EMOJI,),
    example="/react :tada:",
)
def _react(here: Here, rest: str) -> Actions:
    return _reaction(here, rest, "+draft/react")


@MESSAGES.command("/unreact EMOJI", "take back your reaction to it", least=1, words=(Words.EMOJI,))
def _unreact(here: Here, rest: str) -> Actions:
    return _reaction(here, rest, "+draft/unreact")


@MESSAGES.command("/redact [REASON]", "take back the selected message, or your latest")
def _redact(here: Here, rest: str) -> Actions:
    said = here.chosen or here.latest_own
    if said is None:
        raise CommandError("There is no message of yours here: select the one to take back")
    yield Send(Message("REDACT", (said.room, _msgid(said), *((rest,) if rest else ()))))


@MESSAGES.command("/retry", "send again what failed here")
def _retry(here: Here, rest: str) -> Actions:
    room = here.current()
    if not here.failed:
        raise CommandError(f"Nothing failed to be sent to {room}: there is nothing to send again")
    yield Retry(room)


@MESSAGES.command(
    f"/search [{_ON_SERVER}] WORDS",
    "find messages in what is kept here, or on the server",
    least=1,
    words=((_ON_SERVER,),),
    example=f"/search {_ON_SERVER} launch window",
)
def _search(here: Here, rest: str) -> Actions:
    first, words = parted(rest)
    if first != _ON_SERVER:
        yield Search(rest, everywhere=False)
        return
    if not words:
        raise UsageError
    yield Search(words, everywhere=True)
    yield Send(Message("SEARCH", (format_tags({"text": words}),)))


def _theirs(here: Here) -> Said:
    said = here.chosen or here.latest
    if said is None:
        raise CommandError("Nobody has said anything here yet: select the message that you mean")
    return said


def _msgid(said: Said) -> str:
    if not said.msgid:
        raise CommandError("That message has no id from the server: nothing can refer to it")
    return said.msgid


def _reaction(here: Here, rest: str, tag: str) -> Actions:
    said = _theirs(here)
    tags = _tags(here, {_REPLY: _msgid(said), tag: _emoji(rest)})
    yield Send(Message("TAGMSG", (said.room,), tags=tags))


def _emoji(word: str) -> str:
    if _NAMED.fullmatch(word) is None:
        return word
    found = emojis.named(word)
    if found is None:
        raise CommandError(f"There is no emoji {word}: Tab completes the names")
    return found


def _tags(here: Here, tags: Mapping[str, str]) -> Mapping[str, str]:
    """Return the tags, unless the server takes one off (message-tags, "RPL_ISUPPORT Tokens")."""
    denied = here.isupport.tokens.get("CLIENTTAGDENY", "").split(",")
    for tag in tags:
        name = tag.removeprefix("+")
        if name in denied or ("*" in denied and f"-{name}" not in denied):
            raise CommandError(f"This server passes no {tag} on: say it in words")
    return tags
