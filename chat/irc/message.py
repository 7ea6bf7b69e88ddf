"""One IRC message and its two directions: bytes to values, values to bytes.

Sources: Modern IRC, "Message Format"; IRCv3 message-tags.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from attrs import evolve, field, frozen

#: Bytes of a line without its tags, CR LF included (Modern IRC, "Message Format").
MAX_BODY = 512
#: Bytes of the tags that a client may send, ``@`` and the space included
#: (message-tags, "Size limit").
MAX_CLIENT_TAGS = 4096
#: Bytes of all tags of a message, ``@`` and the space included (message-tags, "Size limit").
MAX_TAGS = 8191
#: Parameters of one message; what follows belongs to the last one (RFC 1459, 2.3).
MAX_PARAMETERS = 15
#: The client-only tag by which a message that is sent again is known (docs/extensions.md).
NAME_TAG = "+securechat/id"

_NO_TAGS: Mapping[str, str] = MappingProxyType({})
_ESCAPES = {";": r"\:", " ": r"\s", "\\": "\\\\", "\r": r"\r", "\n": r"\n"}
_ESCAPE_TABLE = str.maketrans(_ESCAPES)
_ESCAPED = re.compile(r"[; \\\r\n]")
_UNESCAPES = {":": ";", "s": " ", "\\": "\\", "r": "\r", "n": "\n"}
_FORBIDDEN = str.maketrans("", "", "\r\n\0")


class MalformedLineError(ValueError):
    """A line that the grammar does not allow; the text says why."""


class LineTooLongError(MalformedLineError):
    """A body of more than 512 bytes, or more tags than their limit."""


class NotUtf8Error(MalformedLineError):
    """A line that is not UTF-8 (IRCv3 utf8-only).

    ``command`` is the command's name as far as it could be read, else ``*``.
    """

    def __init__(self, command: str) -> None:
        super().__init__("Your message is not UTF-8 and was not accepted")
        self.command = command


@frozen
class Message:
    """One IRC message: ``@tags :source COMMAND params``.

    A tag without a value has the value ``""``.  ``params`` hold no CR, LF or
    NUL; only the last one may be empty, hold spaces or begin with a colon.
    """

    command: str
    params: tuple[str, ...] = ()
    source: str | None = None
    tags: Mapping[str, str] = field(default=_NO_TAGS, hash=False)

    def tagged(self, tags: Mapping[str, str]) -> Message:
        """Return the message with ``tags`` added to those it has."""
        if not tags:
            return self
        return Message(self.command, self.params, self.source, {**self.tags, **tags})

    def text(self) -> str:
        """Return the last parameter, or ``""`` where there is none."""
        return self.params[-1] if self.params else ""


def first_word(text: str) -> str:
    """Return the first word of ``text``, ``*`` where there is none: what a reply can show of it."""
    words = text.split(maxsplit=1)
    return words[0] if words else "*"


def parse(line: bytes, *, errors: str = "strict", tag_limit: int = MAX_TAGS) -> Message:
    """Return the message in ``line``, which comes without its line ending.

    ``errors`` is the decoder's: a server is strict (utf8-only), a client that
    talks to other servers says ``replace``.  Raises `MalformedLineError` or one
    of its kinds.  The command is upper case in the result.
    """
    tags: Mapping[str, str] = _NO_TAGS
    start = 0
    if line[:1] == b"@":
        start = line.find(b" ") + 1
        if not start:
            raise MalformedLineError("The line has tags and no command")
        if start > tag_limit:
            raise LineTooLongError("The tags are too long")
    if len(line) - start > MAX_BODY - 2:
        raise LineTooLongError("The line is too long")
    try:
        text = line.decode("utf-8", errors)
    except UnicodeDecodeError:
        raise NotUtf8Error(_command_of(line[start:])) from None
    if _ends_line(text):
        raise MalformedLineError("The line holds a control character that ends lines")
    if start:
        raw, _, text = text.partition(" ")
        tags = parse_tags(raw[1:])
        text = text.lstrip(" ")
    source = None
    if text[:1] == ":":
        source, _, text = text[1:].partition(" ")
    head, colon, trailing = (" " + text).partition(" :")
    words = [word for word in head.split(" ") if word]
    if not words:
        raise MalformedLineError("The line has no command")
    params = words[1:]
    if len(params) >= MAX_PARAMETERS:
        params = params[: MAX_PARAMETERS - 1]
        params.append(_behind(text, MAX_PARAMETERS).removeprefix(":"))
    elif colon:
        params.append(trailing)
    return Message(words[0].upper(), tuple(params), source, tags)


def serialize(message: Message) -> bytes:
    """Return the line of ``message``, without a line ending and not shortened."""
    for param in message.params[:-1]:
        if not _may_be_middle(param):
            raise MalformedLineError(f"A middle parameter cannot be {param!r}")
    line = _body(message)
    if message.tags:
        line = f"@{format_tags(message.tags)} {line}"
    return line.encode()


def serialize_limited(message: Message) -> bytes:
    """Return the line of ``message`` with CR LF, its body cut to 512 bytes.

    The cut falls between two characters, never inside one (utf8-only), and where it
    falls does not depend on whether the text has a space in it.  A middle parameter
    that the grammar does not allow, since it repeats what somebody sent, becomes ``*``.
    """
    *middle, last = message.params or ("",)
    if not all(map(_may_be_middle, middle)):
        fitting = (word if _may_be_middle(word) else "*" for word in middle)
        message = evolve(message, params=(*fitting, last))
    body = _body(message).encode()
    if len(body) > MAX_BODY - 2:
        body = truncated(_body(message, is_marked=True).encode(), MAX_BODY - 2)
    if message.tags:
        return b"@%b %b\r\n" % (format_tags(message.tags).encode(), body)
    return body + b"\r\n"


def size_at_most(message: Message) -> int:
    """Return a number of bytes that `serialize_limited` does not exceed, ten times as fast."""
    # A character is at most four bytes, and an escaped one two characters, of one byte each.
    characters = sum([len(key) + len(value) + 2 for key, value in message.tags.items()])
    return MAX_BODY + 4 * (characters + 2)


def truncated(text: bytes, limit: int) -> bytes:
    """Return at most ``limit`` bytes of UTF-8 ``text``, cut between characters."""
    if len(text) <= limit:
        return text
    while limit and text[limit] & 0xC0 == 0x80:
        limit -= 1
    return text[:limit]


def truncate(text: str, limit: int) -> str:
    """Return ``text`` cut so that its UTF-8 has at most ``limit`` bytes."""
    return truncated(text.encode(), limit).decode()


def _body(message: Message, *, is_marked: bool = False) -> str:
    """Return the line without tags; the last parameter has a colon at need, or if ``is_marked``."""
    words = [message.command] if message.source is None else [":" + message.source, message.command]
    if message.params:
        *middle, last = message.params
        words += middle
        is_marked = is_marked or not last or last[0] == ":" or " " in last
        words.append(":" + last if is_marked else last)
    line = " ".join(words)
    return line.translate(_FORBIDDEN) if _ends_line(line) else line


def _ends_line(text: str) -> bool:
    """Return whether a character is in ``text`` that no line holds."""
    return "\r" in text or "\n" in text or "\0" in text


def _may_be_middle(word: str) -> bool:
    return bool(word) and word[0] != ":" and " " not in word


def _behind(text: str, words: int) -> str:
    """Return what follows the first ``words`` words of ``text``."""
    for _ in range(words):
        text = text.lstrip(" ").partition(" ")[2]
    return text.lstrip(" ")


def _command_of(body: bytes) -> str:
    words = body.split()
    if words and words[0].startswith(b":"):
        del words[0]
    return words[0].decode().upper() if words and words[0].isalnum() else "*"


def parse_tags(raw: str) -> dict[str, str]:
    """Return the tags of ``key=value;key=value``, without escapes."""
    tags = {}
    for item in raw.split(";"):
        key, _, value = item.partition("=")
        if key:
            tags[key] = _unescape(value) if "\\" in value else value
    return tags


def _unescape(value: str) -> str:
    characters = iter(value)
    unescaped = []
    for character in characters:
        if character == "\\":
            escaped = next(characters, "")
            unescaped.append(_UNESCAPES.get(escaped, escaped))
        else:
            unescaped.append(character)
    return "".join(unescaped)


def format_tags(tags: Mapping[str, str]) -> str:
    """Return ``key=value;key=value``, with escapes."""
    return ";".join([f"{key}={_escape(value)}" if value else key for key, value in tags.items()])


def _escape(value: str) -> str:
    # To look is five times faster, and few values have something to escape.
    return value.translate(_ESCAPE_TABLE) if _ESCAPED.search(value) else value
