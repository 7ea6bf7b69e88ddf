"""SEARCH in the log's table: a walk over each place's messages, in pages.

There is no index of words, which every commit would pay for.  A page is a call of its
own to the database, and one session's page follows another's, so that neither the
reactor nor other readers wait for a long search.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import define, frozen
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from chat.network.events import Entry
from chat.network.history import MESSAGES, Conversation, Place
from chat.network.ids import Timestamp
from chat.network.search import Found, Search
from chat.store.codec import escaped
from chat.store.database import Cursor, Database
from chat.store.event_table import COLUMNS, decode_rows
from chat.store.history import END, first_from, last_until, partners, rows_of
from chat.store.interfaces import ISearcher

#: Messages of the first page of a place, and of its later ones.
FIRST_PAGE = 125
_PAGE = 1000
#: Seconds after which a search ends with what it has.
_PATIENCE = 5.0


@define
class _Walk:
    """A place with the sequences between which it has not been looked at.

    The next message that is to be looked at, or the last that was, is of ``moment``.
    """

    place: Place
    lower: int
    upper: int
    moment: Timestamp
    size: int
    is_over: bool = False


@frozen
class _Looked:
    """What a page held: how many were looked at, the last of them, and what matched."""

    count: int
    last: int
    moment: Timestamp
    entries: list[Entry]


@implementer(ISearcher)
class Searcher:
    """Searches for all sessions, a page for one after a page for another."""

    def __init__(
        self, database: Database, clock: IReactorTime, *, first_page: int = FIRST_PAGE
    ) -> None:
        self._database = database
        self._clock = clock
        self._first_page = first_page
        self._turn = DeferredLock()

    def search(self, search: Search) -> Deferred[Found]:
        """Return what matches; fails with `UnavailableError`."""
        return Deferred.fromCoroutine(self._search(search))

    async def _search(self, search: Search) -> Found:
        end = self._clock.seconds() + _PATIENCE
        walks = await self._database.run_read(_begin, search, self._first_page)
        found: list[Entry] = []
        left = search.rows
        while True:
            walks = [walk for walk in walks if not walk.is_over]
            # Before the least advanced walk's edge, nothing is missing anywhere.
            walk = _least_advanced(walks, search) if walks else None
            settled = [entry for entry in found if walk is None or _is_passed(entry, walk, search)]
            is_enough = len(settled) >= search.limit
            if walk is None or is_enough or left <= 0 or self._clock.seconds() >= end:
                break
            limit = min(walk.size, left)
            looked: _Looked = await self._turn.run(
                self._database.run_read, _look, walk, limit, search
            )
            found += looked.entries
            left -= looked.count
            _advance(walk, looked, limit, search)
        settled.sort(key=_position)
        wanted = settled[: search.limit] if search.is_forward else settled[-search.limit :]
        return Found(tuple(wanted), None if walk is None or is_enough else walk.moment)


def _least_advanced(walks: Sequence[_Walk], search: Search) -> _Walk:
    if search.is_forward:
        return min(walks, key=lambda walk: walk.lower)
    return max(walks, key=lambda walk: walk.upper)


def _is_passed(entry: Entry, walk: _Walk, search: Search) -> bool:
    position = _position(entry)
    return position <= walk.lower if search.is_forward else position >= walk.upper


def _position(entry: Entry) -> int:
    return entry.sequence or 0


def _advance(walk: _Walk, looked: _Looked, limit: int, search: Search) -> None:
    walk.is_over = looked.count < limit and len(looked.entries) < search.limit
    if looked.count:
        walk.moment = looked.moment
        if search.is_forward:
            walk.lower = looked.last
        else:
            walk.upper = looked.last
    walk.size = min(2 * walk.size, _PAGE)


def _begin(cursor: Cursor, search: Search, size: int) -> list[_Walk]:
    lower, upper = 0, END
    if search.after is not None:
        lower = last_until(cursor, Timestamp(search.after - 1), MESSAGES)
    if search.before is not None:
        upper = first_from(cursor, Timestamp(search.before + 1), MESSAGES)
    places = list(search.places)
    if search.account is not None:
        places += [
            Conversation(search.account, other, search.since)
            for other in partners(cursor, search.account)
        ]
    walks = []
    for place in places:
        floor = last_until(cursor, Timestamp(place.since - 1), MESSAGES) if place.since else 0
        bottom = max(lower, floor)
        first = _rows(cursor, place, bottom, upper, 1, is_forward=search.is_forward)
        for sequence, _, time, *_ in first:
            # A place where nothing was said for long is not looked at before its turn.
            walk = _Walk(place, bottom, upper, Timestamp(time), size)
            if search.is_forward:
                walk.lower = int(sequence) - 1
            else:
                walk.upper = int(sequence) + 1
            walks.append(walk)
    return walks


def _rows(
    cursor: Cursor, place: Place, lower: int, upper: int, limit: int, *, is_forward: bool
) -> list[tuple[Any, ...]]:
    rows_here, values = rows_of(cursor, place)
    cursor.execute(
        f"SELECT {COLUMNS} FROM {rows_here} AND layer = ? "  # noqa: S608
        "AND sequence > ? AND sequence < ? "
        f"ORDER BY sequence {'ASC' if is_forward else 'DESC'} LIMIT ?",
        (*values, *MESSAGES, lower, upper, limit),
    )
    return cursor.fetchall()


def _look(cursor: Cursor, walk: _Walk, limit: int, search: Search) -> _Looked:
    """Look at the next ``limit`` messages of a place, or fewer when enough of them match."""
    rows = _rows(cursor, walk.place, walk.lower, walk.upper, limit, is_forward=search.is_forward)
    text, sender = escaped(search.text.casefold()), escaped(search.sender.casefold())
    entries: list[Entry] = []
    count = 0
    for count, row in enumerate(rows, start=1):  # noqa: B007
        if _may_match(row[4], text, sender):
            entries += [entry for entry in decode_rows([row]) if search.matches(entry.event)]
            if len(entries) == search.limit:
                break
    last, moment = (rows[count - 1][0], rows[count - 1][2]) if count else (0, 0)
    return _Looked(count, int(last), Timestamp(moment), entries)


def _may_match(payload: bytes, text: str, sender: str) -> bool:
    """Return whether it is worth to decode a payload: a hundred times faster than doing it.

    Quotes inside of a JSON string have a backslash, so that the marks around the field
    ``text`` cannot be in it; the sender stands before it.
    """
    folded = payload.decode("utf-8", "surrogatepass").casefold()
    begin = folded.find('"text":"')
    end = folded.find('","', begin)
    is_text = folded.find(text, begin + 8, end if end > 0 else len(folded)) > 0
    return is_text and folded.find(sender, 0, begin) >= 0
