"""draft/multiline: messages of several lines, and of lines that are longer than one.

A line with the tag ``batch`` comes here whatever its command is
(`chat.session.machine`); the message is sent when its batch ends.
Source: https://ircv3.net/specs/extensions/multiline
"""

from __future__ import annotations

from attrs import evolve

from chat.features import messages
from chat.features.feature import Effects, Feature, Request, Update
from chat.irc.message import Message
from chat.irc.standard_replies import fail
from chat.network.events import TextLine
from chat.network.policy import RefusedError
from chat.network.session import OpenBatch

CAPABILITY = "draft/multiline"
_CONCAT = "draft/multiline-concat"

feature = Feature()
feature.capability(
    CAPABILITY,
    "https://ircv3.net/specs/extensions/multiline",
    lambda settings, session: (
        f"max-bytes={settings.limits.multiline_bytes},max-lines={settings.limits.multiline_lines}"
    ),
)


@feature.command("BATCH")
def batch(request: Request) -> Effects:
    """BATCH +reference draft/multiline target, and -reference: a message of several lines."""
    open_batch = request.session.batch
    try:
        if request.message.command != "BATCH":
            yield from _add(request, open_batch)
        elif request.param(0).startswith("+"):
            yield from _open(request, open_batch)
        elif open_batch is None or request.param(0) != f"-{open_batch.reference}":
            raise _refused("MULTILINE_INVALID", text="No such batch is open")
        else:
            yield from _close(request, open_batch)
    except RefusedError as refusal:
        if open_batch is not None and not open_batch.is_refused:
            yield Update(evolve(request.session, batch=evolve(open_batch, is_refused=True)))
        yield refusal.reply


def _open(request: Request, open_batch: OpenBatch | None) -> Effects:
    reference, kind, target = request.params[0][1:], request.param(1), request.param(2)
    if open_batch is not None:
        raise _refused("MULTILINE_INVALID", text="Another batch is open")
    if not reference or kind != CAPABILITY or not target:
        raise _refused("MULTILINE_INVALID", text=f"Wanted BATCH +reference {CAPABILITY} target")
    tags = request.message.tags
    begun = OpenBatch(reference, target, tags, tags.get("label"))
    yield Update(evolve(request.session, batch=begun))


def _add(request: Request, open_batch: OpenBatch | None) -> Effects:
    message, limits, fold = request.message, request.settings.limits, request.network.fold
    if open_batch is None or message.tags["batch"] != open_batch.reference:
        raise _refused("MULTILINE_INVALID", text="No such batch is open")
    if open_batch.is_refused:
        return
    expected = (open_batch.command,) if open_batch.command else ("PRIVMSG", "NOTICE")
    if message.command not in expected or len(message.params) != 2:
        raise _refused("MULTILINE_INVALID", text="A batch has PRIVMSG lines, or NOTICE lines")
    target, text = message.params
    if fold(target) != fold(open_batch.target):
        raise _refused("MULTILINE_INVALID_TARGET", open_batch.target, target, text="One target")
    continues = _CONCAT in message.tags
    if continues and (not text or not open_batch.lines):
        raise _refused("MULTILINE_INVALID", text="There is nothing to continue")
    lines = (*open_batch.lines, TextLine(text, continues))
    if len(lines) > limits.multiline_lines:
        limit = str(limits.multiline_lines)
        raise _refused("MULTILINE_MAX_LINES", limit, text="Too many lines")
    if len(_joined(lines).encode()) > limits.multiline_bytes:
        raise _refused("MULTILINE_MAX_BYTES", str(limits.multiline_bytes), text="Too long")
    grown = evolve(open_batch, command=message.command, lines=lines)
    yield Update(evolve(request.session, batch=grown))


def _close(request: Request, open_batch: OpenBatch) -> Effects:
    yield Update(evolve(request.session, batch=None))
    if open_batch.is_refused:
        return
    text = _joined(open_batch.lines)
    if not text.strip("\n") or open_batch.command is None:
        yield _refused("MULTILINE_INVALID", text="The message is empty").reply
        return
    params = (open_batch.target, text)
    whole = evolve(request, message=Message(open_batch.command, params, tags=open_batch.tags))
    for effect in messages.send(whole, open_batch.target, text, open_batch.lines):
        # A NOTICE is not answered with an error.
        if open_batch.command == "PRIVMSG" or messages.is_for_notice(effect):
            yield effect


def _joined(lines: tuple[TextLine, ...]) -> str:
    """Return the combined message value."""
    text = ""
    for index, line in enumerate(lines):
        text += line.text if line.continues or index == 0 else f"\n{line.text}"
    return text


def _refused(code: str, *context: str, text: str) -> RefusedError:
    shown = (word if word and " " not in word else "*" for word in context)
    return RefusedError(fail("BATCH", code, *shown, text=text))
