"""What stands around the input: each panel draws a part of the `Model`, line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from chat.client.seals import Protection
from chat.console.model.buffer import Buffer
from chat.console.model.model import Model
from chat.console.screen.looks import nick_style, segments
from chat.console.wrapping import Row, clip, columns
from chat.irc.formatting import strip_formatting

# Textual's filter for NO_COLOR wants a style everywhere.
_PLAIN = Style()
_BOLD = Style(bold=True)
_DIM = Style(dim=True)
_UNDERLINE = Style(underline=True)
_REVERSE = Style(reverse=True)
_ALERT = Style(reverse=True, bold=True)
#: Rows for one click of a mouse wheel.
_WHEEL = 3

Drawn = Iterable[Segment]


class Panel(Widget, can_focus=False):
    """Some rows that are drawn anew when `redraw` finds other ones, or the size is another."""

    class Moved(Message):
        """A mouse or a key went somewhere else in the model."""

    def __init__(self, model: Model, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.model = model
        self._strips: list[Strip] = []

    def rows(self, width: int, height: int) -> list[Drawn]:
        """Return at most ``height`` rows."""
        raise NotImplementedError

    def strips(self, width: int, height: int) -> list[Strip]:
        """Return the rows as they are drawn."""
        return [_strip(row, width) for row in self.rows(width, height)]

    def redraw(self) -> None:
        """Draw what the model has by now, if it is not what is drawn."""
        width, height = self.size
        if not self.display or not width:
            return
        strips = self.strips(width, height)
        if strips != self._strips:
            self._strips = strips
            self.refresh()

    def on_resize(self) -> None:
        """Fit the rows to the new size (Textual calls this)."""
        self._strips = []
        self.redraw()

    def render_line(self, y: int) -> Strip:
        """Return one row (Textual calls this)."""
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, _PLAIN)


class RoomList(Panel):
    """The rooms, by number, with what is unread: ``!`` where somebody speaks to us."""

    def rows(self, width: int, height: int) -> list[Drawn]:
        """Return the part of the list around the current room."""
        buffers = self._seen(height)
        first = self.model.buffers().index(buffers[0]) + 1
        return [
            self._row(number, buffer, width - 1) for number, buffer in enumerate(buffers, first)
        ]

    def _seen(self, height: int) -> list[Buffer]:
        buffers = self.model.buffers()
        start = max(0, buffers.index(self.model.shown) + 1 - height)
        return buffers[start : start + height]

    def _row(self, number: int, buffer: Buffer, width: int) -> Drawn:
        count = f" {unread(buffer)}" if buffer.unread else ""
        if any(one.server is buffer and not one.is_online for one in self.model.networks):
            count += " offline"
        count += " out" * bool(buffer.removed)
        count += "*" * buffer.is_pinned + "~" * buffer.is_muted
        mark = ">" if buffer is self.model.shown else " "
        name = clip(f"{mark}{number:>2} {buffer.title}", width - len(count))
        text = name + " " * (width - columns(name) - len(count)) + count
        style = _REVERSE if buffer is self.model.shown else Style()
        if buffer.is_muted:
            style += _DIM
        elif buffer.unread:
            style += _BOLD
        if buffer.name is None and len(self.model.networks) > 1:
            style += _UNDERLINE
        yield Segment(text, style)

    def on_click(self, event: events.Click) -> None:
        """Go to the room that is pointed at (Textual calls this)."""
        buffers = self._seen(self.size.height)
        if event.y < len(buffers):
            self.model.go(buffers[event.y])
            self.post_message(self.Moved())


class Topic(Panel):
    """The current room and its topic."""

    def rows(self, width: int, height: int) -> list[Drawn]:
        """Return the one row."""
        marked = f"{self.model.shown.title}{protected(self.model.protection)}"
        title = clip(marked, width)
        topic = clip(f"  {self.model.topic}", width - columns(title)) if self.model.topic else ""
        rest = " " * (width - columns(title) - columns(topic))
        return [[Segment(title, _ALERT), Segment(topic + rest, _REVERSE)]]


class Talk(Panel):
    """The scrollback of the current room."""

    def __init__(self, model: Model, *, id: str) -> None:  # noqa: A002
        super().__init__(model, id=id)
        #: The rows that are drawn, by their identity.
        self._drawn: dict[int, tuple[Row, Strip]] = {}
        self._width = 0

    def strips(self, width: int, height: int) -> list[Strip]:
        """Return what is seen of it, at the bottom; a row that was there before is the same."""
        before, self._drawn = self._drawn if width == self._width else {}, {}
        self._width = width
        rows = self.model.shown.scrollback.rows(width, height)
        for row in rows:
            known = before.get(id(row))
            self._drawn[id(row)] = known or (row, _strip(segments(row), width))
        empty = [Strip.blank(width, _PLAIN)] * (height - len(rows))
        return empty + [self._drawn[id(row)][1] for row in rows]

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return rows (Textual calls this).

        Textual's own way lays the style sheet over each of them, which has nothing for this
        panel, and is the dearest part of a drawing in which all rows are other ones.
        """
        _, background = self.background_colors
        start, end = crop.column_span
        strips = []
        for y in crop.line_range:
            strip = self.render_line(y).crop(start, end)
            for each in self.get_line_filters():
                strip = strip.apply_filter(each, background)
            strips.append(strip)
        return strips

    def scroll(self, rows: int) -> None:
        """Go so many rows towards newer lines, or towards older ones where it is negative."""
        width, height = self.size
        scrollback = self.model.shown.scrollback
        if rows < 0:
            scrollback.scroll_up(-rows, width, height)
        else:
            scrollback.scroll_down(rows, width)
        self.post_message(self.Moved())

    def page(self, by: int) -> None:
        """Go a page, less two rows to hold on to."""
        self.scroll(by * max(1, self.size.height - 2))

    def on_mouse_scroll_up(self) -> None:
        """Show older lines (Textual calls this)."""
        self.scroll(-_WHEEL)

    def on_mouse_scroll_down(self) -> None:
        """Show newer lines (Textual calls this)."""
        self.scroll(_WHEEL)


class Members(Panel):
    """Who is in the current room."""

    def __init__(self, model: Model, *, id: str) -> None:  # noqa: A002
        super().__init__(model, id=id)
        #: How many people are above those that are seen, and of which room.
        self._above = 0
        self._of = model.shown

    def rows(self, width: int, height: int) -> list[Drawn]:
        """Return how many there are, as many of them as fit, and how many are beyond."""
        people = self.model.members()
        room = height - 1
        if self._of is not self.model.shown:
            self._of, self._above = self.model.shown, 0
        last = len(people) - room + 1 if len(people) > room else 0
        self._above = max(0, min(self._above, last))
        rows: list[Drawn] = [[Segment(f" {len(people)} here", _BOLD)]] if people else []
        if self._above:
            rows.append([Segment(f" {self._above} more above", _DIM)])
            room -= 1
        below = len(people) - self._above - room
        if below > 0:
            room, below = room - 1, below + 1
        for person in people[self._above : self._above + max(0, room)]:
            away = " away" if person.away else ""
            name = clip(person.nick, width - 1 - len(person.prefixes) - len(away))
            rows.append(
                [
                    Segment(f" {person.prefixes}", _PLAIN),
                    Segment(name, nick_style(person.nick)),
                    Segment(away, _DIM),
                ]
            )
        if below > 0:
            rows.append([Segment(f" and {below} more", _DIM)])
        return rows

    def on_mouse_scroll_up(self) -> None:
        """Show those above (Textual calls this)."""
        self._scroll(-_WHEEL)

    def on_mouse_scroll_down(self) -> None:
        """Show those below (Textual calls this)."""
        self._scroll(_WHEEL)

    def _scroll(self, people: int) -> None:
        self._above += people
        self.redraw()


class Status(Panel):
    """Who we are, what protects the connection; or, for a moment, a hint."""

    def __init__(self, model: Model, now: Callable[[], datetime], *, id: str) -> None:  # noqa: A002
        super().__init__(model, id=id)
        self._now = now
        self.hint = ""
        #: Whether the list of rooms is not seen, so that what is unread is told here.
        self.tells_unread = False

    def rows(self, width: int, height: int) -> list[Drawn]:
        """Return the one row."""
        return [[Segment(text, style) for text, style in self._parts(width)]]

    def _parts(self, width: int) -> Iterable[tuple[str, Style]]:
        parts = [(self.hint, True)] if self.hint else list(self._state())
        used = 0
        for number, (text, stands_out) in enumerate(parts):
            shown = clip(f" {text}" if number == 0 else f" | {text}", width - used)
            used += columns(shown)
            yield shown, _ALERT if stands_out else _REVERSE
        yield " " * (width - used), _REVERSE

    def _state(self) -> Iterable[tuple[str, bool]]:
        model, network = self.model, self.model.network
        now = self._now()
        protection = model.protection
        if protection.is_encrypted:
            shown = "encrypted, verified" if protection.is_verified else "encrypted"
            if protection.account:
                shown += f" for {strip_formatting(protection.account)}"
            yield (
                f"🔒 {shown}" if not protection.why_not else f"🔒✗ {protection.why_not}",
                bool(protection.why_not),
            )
        elif protection.is_optional:
            yield "NOT encrypted", True
        typing = [strip_formatting(nick) for nick in model.shown.who_types(now)]
        if typing:
            yield f"{_and(typing)} typing", False
        if not model.shown.scrollback.is_at_end:
            yield "older lines: PgDn goes on", True
        waiting = [
            f"{number}:{unread(buffer)}"
            for number, buffer in enumerate(model.buffers(), 1)
            if buffer.unread
        ]
        if self.tells_unread and waiting:
            yield f"unread {' '.join(waiting)}", False
        several = len(model.networks) > 1
        yield f"{network.nick}@{network.name}" if several else network.nick, False
        if network.is_away:
            yield "away", True
        yield network.connection, not network.is_online
        yield from network.security(now)
        yield "F1 help", False


def _strip(row: Drawn, width: int) -> Strip:
    return Strip(row).adjust_cell_length(width, _PLAIN)


def _and(names: list[str]) -> str:
    if len(names) > 3:
        return "several people are"
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'}"


def protected(protection: Protection) -> str:
    """Return the mark of a room or conversation, behind its name."""
    if protection.is_encrypted:
        return " 🔒✓" if protection.is_verified else " 🔒"
    return " (NOT encrypted)" if protection.is_optional else ""


def unread(buffer: Buffer) -> str:
    """Return how many messages wait, with a ``!`` where somebody speaks to us."""
    return f"!{buffer.unread}" if buffer.mentions else str(buffer.unread)
