"""What the full-screen console shows, without a screen: the networks, and where one is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from chat.client.events import ClientEvent
from chat.client.seals import Protection
from chat.console.lines import Line
from chat.console.model.buffer import Buffer
from chat.console.model.network import Network, Person

Size = tuple[int, int]


class Model:
    """The networks, of which one is the current one, with its current room.

    Which room that is, the network's view says, which a command may change: after
    anything that may have done so, `look` goes there.
    """

    def __init__(self, networks: Iterable[Network]) -> None:
        self.networks = list(networks)
        self.network = self.networks[0]
        self._shown = self._previous = self.network.here()
        #: Whether somebody looks, as far as the terminal tells.
        self.is_focused = True

    # What happens.

    def hear(self, network: Network, event: ClientEvent, now: datetime) -> None:
        """Take note of an event of a network, which its view has heard already."""
        network.hear(event, now, self._shown if self.is_focused else None)
        self.look()

    def show(self, lines: Iterable[Line]) -> None:
        """Add lines of the program's own to the current room."""
        self.look()
        for line in lines:
            self._shown.note(line)

    def typed(self) -> None:
        """Take note that a line was entered."""
        self.network.typed()

    def focus(self, *, is_focused: bool) -> None:
        """Take note of whether somebody looks."""
        self.is_focused = is_focused
        if is_focused:
            self._shown.seen()

    # Where we are.

    def look(self) -> None:
        """Go where the view is by now: a command, or the server, may have changed it."""
        buffer = self.network.here()
        if buffer is self._shown:
            return
        left, self._shown = self._shown, buffer
        left.scrollback.new_from = left.scrollback.chosen = None
        if left in self.buffers():
            if left.name is None or len(left.scrollback):
                self._previous = left
            else:  # nothing was ever said there: a room that did not let us in, for example
                self._network_of(left).drop(left.name)
        if self._previous is buffer:
            self._previous = self.network.server
        buffer.seen()
        buffer.scrollback.to_end()

    @property
    def shown(self) -> Buffer:
        """The current room."""
        return self._shown

    def buffers(self) -> list[Buffer]:
        """Return all rooms, by network, in the order of the list."""
        return [buffer for network in self.networks for buffer in network.buffers()]

    def go(self, buffer: Buffer) -> None:
        """Make it the current room, if it is still there."""
        if buffer not in self.buffers():
            return
        self.network = self._network_of(buffer)
        self.network.view.go(buffer.name)
        self.look()

    def go_to(self, number: int) -> None:
        """Make the room with that number in the list, from 1, the current one, if there is one."""
        buffers = self.buffers()
        if 0 < number <= len(buffers):
            self.go(buffers[number - 1])

    def step(self, by: int) -> None:
        """Go on in the list, and around its ends."""
        buffers = self.buffers()
        self.go(buffers[(buffers.index(self._shown) + by) % len(buffers)])

    def back(self) -> None:
        """Return to the room before this one."""
        self.go(self._previous if self._previous in self.buffers() else self.network.server)

    def next_active(self) -> None:
        """Go where somebody speaks to us, or else where something is unread."""
        waiting = [buffer for buffer in self.buffers() if buffer.unread and not buffer.is_muted]
        if waiting:
            self.go(max(waiting, key=lambda buffer: bool(buffer.mentions)))

    def find(self, letters: str) -> list[Buffer]:
        """Return the rooms whose names have these letters in this order, the closest first."""
        pattern = re.compile(".*?".join(map(re.escape, letters.casefold())))
        found = []
        for buffer in self.buffers():
            match = pattern.search(buffer.title.casefold())
            if match is not None:
                found.append((match.end() - match.start(), match.start(), buffer))
        return [buffer for _, _, buffer in sorted(found, key=lambda row: row[:2])]

    # What is looked at in it.

    def first_unread(self, size: Size) -> None:
        """Go to the first message that was new, or else to the newest."""
        scrollback = self._shown.scrollback
        if scrollback.new_from is not None:
            scrollback.reveal(scrollback.new_from, *size)
        else:
            scrollback.to_end()

    def newest(self) -> None:
        """Go to the newest message, with none chosen."""
        self._shown.newest()

    def select(self, by: int, size: Size) -> None:
        """Choose the message before (-1) or behind (1) the chosen one; behind the last is none."""
        scrollback = self._shown.scrollback
        numbers = [number for number, _ in scrollback.messages()]
        at = numbers.index(scrollback.chosen) if scrollback.chosen in numbers else -1
        at = min(at - by, len(numbers) - 1)
        scrollback.chosen = numbers[at] if at >= 0 else None
        if scrollback.chosen is not None:
            scrollback.reveal(scrollback.chosen, *size)

    def reveal(self, number: int, size: Size) -> None:
        """Choose a message of the current room, and have it seen."""
        self._shown.scrollback.chosen = number
        self._shown.scrollback.reveal(number, *size)

    # What stands around the scrollback.

    @property
    def topic(self) -> str:
        """The current room's topic, safe to print."""
        return self.network.topic(self._shown)

    @property
    def protection(self) -> Protection:
        """How what is said in the current room would go out."""
        return self.network.protection(self._shown)

    def members(self) -> list[Person]:
        """Return who is in the current room, the highest ranks first."""
        return self.network.members(self._shown)

    def _network_of(self, buffer: Buffer) -> Network:
        return next(network for network in self.networks if buffer in network.buffers())
