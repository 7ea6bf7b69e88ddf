"""CHATHISTORY: read what was said before.

Source: https://ircv3.net/specs/extensions/chathistory
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from chat.features import playback, server_time
from chat.features.feature import Effects, Feature, ReadHistory, Request
from chat.irc.message import Message, first_word
from chat.irc.standard_replies import fail
from chat.network.history import (
    MESSAGES,
    PLAYBACK,
    Around,
    Page,
    Recent,
    Reference,
    Room,
    Span,
)
from chat.network.ids import EventId, Timestamp
from chat.network.policy import RefusedError
from chat.network.settings import Settings

feature = Feature()
feature.capability("draft/chathistory", "https://ircv3.net/specs/extensions/chathistory")
feature.capability("draft/event-playback", "https://ircv3.net/specs/extensions/chathistory")

#: The reference of the batch: there is one at a time.
_BATCH = "history"
#: What a guest sees of conversations.
_NOTHING = Page((), is_end=True, from_end=True)


@feature.command("CHATHISTORY", parameters=1, appends=False, cost=3)
def chathistory(request: Request) -> Effects:
    """CHATHISTORY subcommand target reference [reference] limit: read what was said before.

    LATEST, BEFORE, AFTER, AROUND and BETWEEN read the messages of a channel or
    with a person; a reference is msgid=ID, timestamp=TIME or, for LATEST, *.
    TARGETS timestamp timestamp limit lists where messages are.
    """
    subcommand = request.params[0].upper()
    if subcommand == "TARGETS":
        yield from _targets(request)
        return
    parse = _PARTS.get(subcommand)
    wanted = 5 if subcommand == "BETWEEN" else 4
    if parse is None or len(request.params) != wanted:
        raise _refused(request, "INVALID_PARAMS", text="See HELP CHATHISTORY for the parameters")
    target = request.params[1]
    try:
        place = playback.place_of(request, target)
    except LookupError as error:
        raise _refused(request, "INVALID_TARGET", target, text=str(error.args[0])) from None
    references = [_reference(request, word) for word in request.params[2:-1]]
    part = parse(references, _limit(request))
    if part is None:
        raise _refused(request, "INVALID_PARAMS", text="A * is for LATEST only")
    has_playback = "draft/event-playback" in request.session.capabilities
    page: Page | None = _NOTHING
    if place is not None:
        page = yield ReadHistory(place, part, PLAYBACK if has_playback else MESSAGES)
    if page is None:
        text = "There is no such message any more: ask by timestamp="
        raise _refused(request, "MESSAGE_ERROR", target, text=text)
    shown = playback.show(request, page.entries)
    fitting = playback.fitting(request, shown, from_end=page.from_end)
    is_end = page.is_end and len(fitting) == len(shown)
    name = place.name if isinstance(place, Room) else target
    lines = (line for one in fitting for line in one)
    yield from _batch(request, ("chathistory", name), lines, is_end=is_end)


def _targets(request: Request) -> Effects:
    if len(request.params) != 4:
        raise _refused(request, "INVALID_PARAMS", text="Wanted: TARGETS timestamp timestamp limit")
    moments = [_reference(request, word) for word in request.params[1:3]]
    if not all(isinstance(moment, int) for moment in moments):
        raise _refused(request, "INVALID_PARAMS", text="TARGETS wants two timestamps")
    after, before = sorted(Timestamp(int(moment or 0)) for moment in moments)
    limit = _limit(request)
    # One more than wanted tells whether there is more.
    found: list[Recent] = yield playback.targets(request, after, before, limit + 1)
    lines = (
        Message("CHATHISTORY", ("TARGETS", recent.name, server_time.iso8601(recent.time)))
        for recent in found[:limit]
    )
    kind = ("draft/chathistory-targets",)
    yield from _batch(request, kind, lines, is_end=len(found) <= limit)


def _batch(
    request: Request, kind: tuple[str, ...], lines: Iterable[Message], *, is_end: bool
) -> Effects:
    knows_tags = not request.session.capabilities.isdisjoint({"message-tags", "draft/chathistory"})
    tags = {"draft/chathistory-end": ""} if is_end and knows_tags else {}
    return playback.batch(request, _BATCH, kind, lines, tags)


def _reference(request: Request, word: str) -> Reference | None:
    kind, _, value = word.partition("=")
    if word == "*":
        return None
    if kind == "msgid" and value:
        return EventId(value)
    if kind == "timestamp":
        try:
            return server_time.parse_time(value)
        except ValueError as error:
            raise _refused(request, "INVALID_PARAMS", word, text=str(error)) from None
    raise _refused(
        request, "INVALID_MSGREFTYPE", first_word(word), text="Wanted msgid= or timestamp="
    )


def _limit(request: Request) -> int:
    word = request.params[-1]
    if not word.isascii() or not word.isdigit() or int(word) < 1:
        raise _refused(request, "INVALID_PARAMS", text="The limit is a whole number above 0")
    return min(int(word), request.settings.limits.history)


def _refused(request: Request, code: str, *context: str, text: str) -> RefusedError:
    subcommand = first_word(request.params[0]).upper()
    return RefusedError(fail("CHATHISTORY", code, subcommand, *context, text=text))


def _between(references: list[Reference | None], limit: int) -> Span | None:
    first, second = references
    if first is None or second is None:
        return None
    if isinstance(first, int) and isinstance(second, int):
        backwards = first > second
        older, newer = sorted((first, second))
        return Span(limit, Timestamp(older), Timestamp(newer), backwards)
    return Span(limit, first, second)


def _only(
    make: Callable[[Reference, int], Span | Around],
) -> Callable[[list[Reference | None], int], Span | Around | None]:
    def parse(references: list[Reference | None], limit: int) -> Span | Around | None:
        return make(references[0], limit) if references[0] is not None else None

    return parse


_PARTS: Mapping[str, Callable[[list[Reference | None], int], Span | Around | None]] = {
    "LATEST": lambda references, limit: Span(limit, after=references[0], from_end=True),
    "BEFORE": _only(lambda reference, limit: Span(limit, before=reference, from_end=True)),
    "AFTER": _only(lambda reference, limit: Span(limit, after=reference)),
    "AROUND": _only(lambda reference, limit: Around(limit, reference)),
    "BETWEEN": _between,
}


@feature.isupport
def tokens(settings: Settings) -> Mapping[str, str]:
    """Return the limit of one answer, and the kinds of reference."""
    return {"CHATHISTORY": str(settings.limits.history), "MSGREFTYPES": "msgid,timestamp"}
