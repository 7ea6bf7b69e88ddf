"""What was said before: kept for the next start, and fetched for who scrolls back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from chat.client.events import ClientEvent, Earlier, Reacted, Redacted, Said
from chat.client.history import Memory
from chat.console.archive import Archive, KeptMessage, KeptPage
from chat.console.model.buffer import Buffer
from chat.console.model.entries import Message
from chat.console.model.network import Network

#: Messages that are fetched at once.
PAGE = 200
#: Such pages that are read to find a message.
_PAGES = 50

#: Asks the server for what was said in a room before a message; returns whether it could be asked.
Ask = Callable[[str, Said | None], bool]


class Past:
    """The past of one network, in its archive, if it has one, and behind that on its server.

    ``unseal`` decrypts what the archive keeps: of encrypted messages it has the ciphertext alone.
    ``changed`` is called when there is more to see; ``now`` returns the time in the reader's zone.
    """

    def __init__(
        self,
        archive: Archive | None,
        network: Network,
        ask: Ask,
        unseal: Callable[[Said], Said],
        changed: Callable[[], None],
        now: Callable[[], datetime],
    ) -> None:
        self._archive = archive
        self._network = network
        self._ask = ask
        self._unseal = unseal
        self._changed = changed
        self._now = now

    def begin(self, lines: int) -> None:
        """Open the rooms and conversations that were open, each with its last messages."""
        if self._archive is None:
            return
        for kept in self._archive.rooms():
            if not kept.joined and not kept.pinned:
                continue
            buffer = self._network.open(kept.name)
            buffer.is_pinned, buffer.is_muted = kept.pinned, kept.muted
            self._put_before(buffer, self._archive.latest(kept.name, lines))
            buffer.read_up_to(kept.read)

    def keep(self, event: ClientEvent, memory: Memory) -> None:
        """Keep what happens, up to when the client knows that nothing is missing."""
        if self._archive is None:
            return
        self._archive.note(event)
        if memory.heard is not None and isinstance(event, Said):
            self._archive.heard(memory.heard)

    def fetch(self, buffer: Buffer) -> None:
        """Fetch what is older than what is shown, unless that is under way or useless."""
        if buffer.name is None or buffer.is_loading or buffer.is_complete:
            return
        oldest = buffer.oldest()
        if self._archive is None or oldest is None:
            self._ask_server(buffer)
            return
        buffer.is_loading = True
        page = self._archive.before(buffer.name, oldest, PAGE, across=not self._network.is_online)
        page.addCallback(self._found, buffer).addErrback(self._not_found, buffer)

    def find(self, buffer: Buffer, said: Said) -> Deferred[int | None]:
        """Fire with a message's number, with ``None`` where it is too far back."""
        return Deferred.fromCoroutine(self._find(buffer, said))

    async def _find(self, buffer: Buffer, said: Said) -> int | None:
        for _ in range(_PAGES):
            number, oldest = buffer.find(said), buffer.oldest()
            if number is not None or self._archive is None or buffer.name is None:
                return number
            if oldest is None:
                self._put_before(buffer, self._archive.latest(buffer.name, PAGE))
                continue
            page = await self._archive.before(buffer.name, oldest, PAGE, across=True)
            if not page.messages:
                return None
            self._put_before(buffer, page.messages)
        return buffer.find(said)

    def earlier(self, page: Earlier) -> None:
        """Show, and keep, a page of the server's history."""
        buffer = self._network.open(page.room)
        oldest = buffer.oldest()
        if self._archive is not None and (page.messages or page.is_end):
            self._archive.filled(page.room, oldest, page.messages, is_end=page.is_end)
        said = [one for one in page.messages if isinstance(one, Said)]
        buffer.begin_with(self._message(buffer, one) for one in said)
        for one in page.messages:
            if isinstance(one, Reacted):
                buffer.react(one)
            elif isinstance(one, Redacted):
                buffer.redact(one)
        buffer.is_loading = False
        buffer.is_complete = page.is_end
        self._changed()

    def _found(self, page: KeptPage, buffer: Buffer) -> None:
        buffer.is_loading = False
        self._put_before(buffer, page.messages)
        if not page.messages:
            self._ask_server(buffer)
        self._changed()

    def _not_found(self, _: Failure, buffer: Buffer) -> None:
        buffer.is_loading = False
        self._ask_server(buffer)

    def _ask_server(self, buffer: Buffer) -> None:
        if buffer.name is not None:
            buffer.is_loading = self._ask(buffer.name, buffer.oldest())

    def _put_before(self, buffer: Buffer, kept: Iterable[KeptMessage]) -> None:
        messages = []
        for one in kept:
            message = self._message(buffer, self._unseal(one.said))
            message.redacted = one.redacted
            for nick, reaction in one.reactions:
                message.reactions.setdefault(reaction, []).append(nick)
            messages.append(message)
        buffer.begin_with(messages)

    def _message(self, buffer: Buffer, said: Said) -> Message:
        time = said.time.astimezone(self._now().tzinfo) if said.time is not None else self._now()
        buffer.is_encrypted = self._network.protection(buffer).is_encrypted
        is_for_us = not said.own and self._network.names_us(said.text)
        return buffer.message(said, time, is_for_us=is_for_us)
