"""What the server's log says once a minute of how it keeps up: nothing, unless it does not."""

from __future__ import annotations

from collections.abc import Iterator

from chat.network.figures import Figures


def unusual(before: Figures, now: Figures) -> Iterator[str]:
    """Yield what should be looked at, of the time between two looks at the figures."""
    refused = now.refused - before.refused
    if refused:
        yield f"{refused} commands were refused: the database did not store them in time"
    if now.held or now.overloads > before.overloads:
        yield (
            "More is said than can be stored, and senders are slowed down: "
            f"{now.waiting} entries wait, {now.held} sessions are held, "
            f"a commit takes {now.commit.p50 * 1000:.0f} ms"
        )
