"""SEARCH: look for messages in what was said before.

Source: soju, doc/ext/search.md.
"""

from __future__ import annotations

from chat.features import playback, server_time
from chat.features.feature import Effects, Feature, Request, SearchHistory
from chat.irc.message import parse_tags
from chat.irc.standard_replies import StandardReply, fail
from chat.network.errors import UnavailableError
from chat.network.history import Place
from chat.network.ids import Timestamp
from chat.network.policy import RefusedError
from chat.network.retention import of_network
from chat.network.search import Found, Search

feature = Feature()
feature.capability(
    "soju.im/search", "https://codeberg.org/emersion/soju/src/branch/master/doc/ext/search.md"
)

_ATTRIBUTES = frozenset({"in", "from", "after", "before", "text", "limit"})
#: The reference of the batch: there is one at a time.
_BATCH = "search"


@feature.command("SEARCH", parameters=1, appends=False, cost=10)
def search(request: Request) -> Effects:
    """SEARCH attribute=value[;attribute=value]: look for messages in what was said before.

    text: what is in it; from: who said it; in: the channel or person; after, before:
    moments like 2026-01-31T12:00:00.000Z; limit: how many.
    """
    wanted = _parse(request)
    try:
        found: Found = yield SearchHistory(wanted)
    except UnavailableError:
        raise RefusedError(
            fail("SEARCH", "INTERNAL_ERROR", text="The database does not answer: try again later")
        ) from None
    shown = playback.show(request, found.entries)
    from_end = not wanted.is_forward
    fitting = playback.fitting(request, shown, from_end=from_end)
    lines = (line for one in fitting for line in one)
    yield from playback.batch(request, _BATCH, ("soju.im/search",), lines, {})
    if len(fitting) < len(shown):
        edge = -len(fitting) if from_end else len(fitting) - 1
        yield _incomplete(found.entries[edge].time, wanted)
    elif found.moment is not None:
        yield _incomplete(found.moment, wanted)


def _incomplete(moment: Timestamp, wanted: Search) -> StandardReply:
    """Return the reply that tells that there may be more, and how to find it."""
    attribute = "after" if wanted.is_forward else "before"
    shown = server_time.iso8601(moment)
    text = f"Only a part was searched: go on with {attribute}={shown}"
    return StandardReply("WARN", "SEARCH", "INCOMPLETE", (shown,), text)


def _parse(request: Request) -> Search:
    found = parse_tags(" ".join(request.params))
    for name, value in found.items():
        if name not in _ATTRIBUTES or not value:
            wanted = ", ".join(sorted(_ATTRIBUTES))
            raise _invalid(name, f"Wanted a value for each of any of {wanted}")
    client, history, limits = request.client, request.settings.history, request.settings.limits
    everywhere = "in" not in found
    if everywhere:
        places: list[Place] = [*playback.rooms(request)]
    else:
        try:
            place = playback.place_of(request, found["in"])
        except LookupError as error:
            raise _invalid("in", str(error.args[0])) from None
        places = [] if place is None else [place]
    return Search(
        tuple(places),
        min(_limit(found.get("limit", str(limits.history))), limits.history),
        limits.search,
        client.account if everywhere else None,
        of_network(history).since(request.now),
        found.get("text", ""),
        found.get("from", ""),
        _moment("after", found.get("after")),
        _moment("before", found.get("before")),
    )


def _limit(word: str) -> int:
    if not word.isascii() or not word.isdigit() or int(word) < 1:
        raise _invalid("limit", "The limit is a whole number above 0")
    return int(word)


def _moment(name: str, word: str | None) -> Timestamp | None:
    if word is None:
        return None
    try:
        return server_time.parse_time(word)
    except ValueError as error:
        raise _invalid(name, str(error)) from None


def _invalid(name: str, text: str) -> RefusedError:
    shown = name if name and " " not in name and name[0] != ":" else "*"
    return RefusedError(fail("SEARCH", "INVALID_PARAMS", shown, text=text))
