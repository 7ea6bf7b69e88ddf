"""REPLAY: what a device missed, for clients that cannot ask for it with CHATHISTORY.

Ours: no specification has it.  The session's machine gives the command itself, behind the
welcome.  Clients without server-time are sent nothing: they could not tell what was said
then from what is said now, and a bot would answer it.
"""

from __future__ import annotations

from attrs import evolve

from chat.features import playback
from chat.features.feature import Effects, Feature, ReadHistory, Request, Update
from chat.network.history import MESSAGES, Page, Recent, Room
from chat.network.ids import Timestamp

feature = Feature()

#: Rooms and conversations of which one replay tells.
_PLACES = 200
#: The reference of the batch: there is one at a time.
_BATCH = "replay"


@feature.command("REPLAY", cost=0)
def replay(request: Request) -> Effects:
    """REPLAY: be sent what this device missed, once; it happens by itself when you connect."""
    session = request.session
    missed = session.missed
    if missed is None:
        return
    yield Update(evolve(session, missed=None))
    if "server-time" not in session.capabilities or "draft/chathistory" in session.capabilities:
        return
    since, until = Timestamp(int(missed.after or 0)), Timestamp(request.now + 1)
    found: list[Recent] = yield playback.targets(request, since, until, _PLACES)
    for recent in found:
        try:
            place = playback.place_of(request, recent.name)
        except LookupError:
            # It was kicked out while the database looked.
            continue
        if place is None:
            continue
        page: Page | None = yield ReadHistory(place, missed, MESSAGES)
        if page is not None and page.entries:
            shown = playback.show(request, page.entries)
            fitting = playback.fitting(request, shown, from_end=True, pages=len(found))
            name = place.name if isinstance(place, Room) else recent.name
            lines = (line for one in fitting for line in one)
            yield from playback.batch(request, _BATCH, ("chathistory", name), lines, {})
