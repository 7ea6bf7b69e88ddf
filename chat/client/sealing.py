"""The encryption of one client, over all its connections: the engine, and when it is asked.

Lines of the server and who is in which room go to the engine; what it wants is sent or told.
Nothing that has to be encrypted leaves otherwise, and where there is no engine it does not
leave at all.  No input, no output, no clock of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from attrs import evolve

from chat.client.accounts import Accounts
from chat.client.annotating import redact
from chat.client.content import content_of, speaks
from chat.client.events import ClientEvent, Said
from chat.client.outgoing import Item
from chat.client.protecting import protection_for
from chat.client.rooms import Rooms
from chat.client.seals import Protection, Seal
from chat.client.secrecy import EncryptionFailed, KeysCame, SecurityNotice
from chat.client.tls import Credentials
from chat.client.unsealing import Opened, Unsealing, Wrapped, ciphertext_of, closed, line_of
from chat.e2e.effects import (
    Denied,
    Effect,
    Outcome,
    Readable,
    Ready,
    Sending,
    Transmit,
    Undelivered,
    Waiting,
)
from chat.e2e.envelope import TAG
from chat.e2e.errors import E2eError, VaultError
from chat.irc.casemap import ascii_fold
from chat.irc.message import Message
from chat.pki.keys import SigningKey

if TYPE_CHECKING:
    from chat.e2e.engine import Engine

CAPABILITY = "securechat/e2e"
#: The room's mode for it.
MODE = "E"
#: Why a console without the library encrypts nothing.
NOT_INSTALLED = "this program cannot encrypt: install securechat[e2e], and start it again"
#: Seconds that a message waits for keys while there is a connection.
PATIENCE = 30.0

#: The engine takes these; and what changes who is in a room.
_CONCERNED = frozenset({"E2E", "BATCH", "FAIL"})
_MOVING = frozenset({"JOIN", "PART", "KICK", "QUIT", "NICK", "ACCOUNT", "354", "315", "366"})

Effects = Iterator[Message | ClientEvent]
#: Has the engine do what its owner decided.
Act = Callable[["Engine"], Iterable[Effect] | None]


class Sealing:
    """What a client has for encryption; without an ``engine``, ``why_not`` says why."""

    def __init__(
        self,
        engine: Engine | None = None,
        why_not: str = NOT_INSTALLED,
        *,
        has_keys: bool = False,
    ) -> None:
        """``has_keys``: there are keys, which cannot be used now."""
        self._engine = engine
        self._is_strict = has_keys or engine is not None
        self._unsealing = Unsealing(engine) if engine is not None else None
        self.why_not = "" if engine is not None else why_not
        self.accounts = Accounts()
        #: Rooms and people of whom something encrypted was seen, folded.
        self._seen: set[str] = set()
        self._protections: dict[str, Protection] = {}
        #: Since when a message waits for keys, by its name.
        self._since: dict[str, float] = {}
        self._lines: list[Message] = []
        self.attach(Rooms(), None)

    def attach(self, rooms: Rooms, own: str | None, rejoin: Iterable[str] = ()) -> None:
        """Take note of a new connection: its rooms, our account, and what it will join."""
        self._rooms = rooms
        self._rejoin = tuple(rejoin)
        self._own = own
        self._is_on = False
        #: Rooms whose members' accounts are all known, and whose modes, folded.
        self._complete: set[str] = set()
        self._moded: set[str] = set()
        self._asked: set[str] = set()
        self._told: dict[str, frozenset[str]] = {}
        self._since.clear()
        self._lines.clear()
        self._protections.clear()

    @property
    def wanted(self) -> tuple[str, ...]:
        """The capabilities to ask for."""
        return (CAPABILITY,) if self._engine is not None else ()

    # What comes.

    def welcomed(self, account: str | None, capabilities: frozenset[str]) -> Effects:
        """Begin, where the server can."""
        self._own = account
        if self._engine is not None and CAPABILITY in capabilities:
            self._is_on = True
            yield from self._do(lambda engine: engine.start())
            if self._unsealing is not None:
                yield from self._tell(self._unsealing.read_again())

    def received(self, message: Message) -> Effects:
        """Take a line, if it may be the engine's."""
        if self._is_on and message.command in _CONCERNED:
            yield from self._do(lambda engine: engine.received(message))

    def moved(self, message: Message) -> Effects:
        """Tell the engine who is in the encrypted rooms, behind a line that may change it."""
        if not self._is_on or message.command not in _MOVING:
            return
        if message.command == "315" and message.params[1:]:
            self._complete.add(self._fold(message.params[1]))
        yield from self._do(self._tell_members)
        yield KeysCame()

    def _tell_members(self, engine: Engine) -> Iterator[Effect]:
        for room in self._rooms:
            key = self._fold(room.name)
            if key not in self._complete or not engine.must_encrypt(room.name):
                continue
            members = {each.account for each in room.members.values() if each.account}
            accounts = frozenset(map(ascii_fold, members | ({self._own} if self._own else set())))
            if self._told.get(key) != accounts:
                self._told[key] = accounts
                yield from engine.members_changed(room.name, accounts)

    def joined(self, room: str) -> Effects:
        """Ask for the modes of a room that we have joined just now."""
        key = self._fold(room)
        self._complete.discard(key)
        self._told.pop(key, None)
        if self._is_on or self._is_strict:
            self._asked.add(key)
            yield Message("MODE", (room,))

    def asked_modes(self, room: str) -> bool:
        """Return whether the modes of a room were asked for here, and not by a person."""
        key = self._fold(room)
        was_asked = key in self._asked
        self._asked.discard(key)
        return was_asked

    def mode(self, room: str, *, encrypted: bool) -> Effects:
        """Take what the server says of a room's mode +E."""
        self._moded.add(self._fold(room))
        if encrypted:
            self._seen.add(self._fold(room))
        if self._is_on:
            yield from self._do(lambda engine: engine.mode_changed(room, encrypted=encrypted))
            yield from self._do(self._tell_members)
        yield KeysCame()

    def opened(self, message: Message, said: Said, *, is_past: bool) -> Effects:
        """Yield what an encrypted line says; ``said`` is what it would without."""
        self._seen.add(self._fold(said.room))
        if self._unsealing is None or self.why_not:
            if message.command != "TAGMSG":
                yield closed(said, self.why_not, ciphertext_of(message))
            return
        peer = self.account_of(said.room) if not self._is_channel(said.room) else ""
        yield from self._tell(self._unsealing.open(Wrapped(message, said, peer, is_past)))

    def unseal(self, said: Said) -> Said:
        """Return a message that was kept as its ciphertext, as far as it can be read."""
        if said.seal is None or not said.seal.ciphertext:
            return said
        message = line_of(said, is_room=self._is_channel(said.room))
        events = list(self.opened(message, said, is_past=True))
        return next((each for each in events if isinstance(each, Said)), said)

    def reason(self, msgid: str, account: str | None) -> tuple[str, Seal | None]:
        """Return why an account took a message back, as it said encrypted."""
        if self._unsealing is None:
            return "", None
        return self._unsealing.reason(msgid, account or "")

    def account_of(self, nick: str) -> str:
        """Return the account behind a nickname; one that is not known has the same name."""
        return self.accounts.of(self._rooms, nick)

    # What goes.

    def seal(self, item: Item, now: float) -> Item | None:
        """Return a message as it may be sent, or with why it may not; ``None``: not yet."""
        message = item.message
        if not speaks(message):
            return item
        targets = message.params[0].split(",")
        rooms = [self._rooms.isupport.without_status(each) for each in targets]
        try:
            must = [self._must(room) for room in rooms]
            if not any(each is None or each for each in must):
                return evolve(item, sealed=())
            if None not in must and (len(rooms) > 1 or rooms != targets):
                reason = "encrypted messages go to one whole room, or one person"
                return evolve(item, denial=reason)
            outcome = None if None in must else self._outcome(item, rooms[0])
        except E2eError as error:
            if isinstance(error, VaultError):
                self.why_not = str(error)
            return evolve(item, denial=str(error))
        since = self._since.setdefault(item.name, now)
        if outcome is None or isinstance(outcome, Waiting):
            if now - since < PATIENCE:
                return None
            outcome = Denied("the server does not tell the keys of all who are there")
        del self._since[item.name]
        if isinstance(outcome, Denied):
            return evolve(item, denial=outcome.reason)
        return evolve(item, sealed=outcome.lines)

    def to_send(self) -> list[Message]:
        """Return what the engine wants sent before what was sealed, and forget it."""
        lines, self._lines = self._lines, []
        return lines

    def protection(self, target: str) -> Protection:
        """Return how what is said to a room or person would go out."""
        key = self._fold(target)
        if key not in self._protections:
            try:
                self._protections[key] = self._protection(target)
            except E2eError as error:
                return Protection(True, False, str(error))
        return self._protections[key]

    # What the owner decides, and what time does.

    def act(self, act: Act) -> Effects:
        """Have the engine do something; raises `E2eError` where it cannot."""
        if self._engine is None or self.why_not:
            raise E2eError(self.why_not)
        self._protections.clear()
        yield from self._tell(act(self._engine) or ())
        if self._is_on:
            yield from self._do(self._tell_members)

    def tick(self) -> Effects:
        """Have the engine ask again for what limits did not allow."""
        if self._is_on:
            yield from self._do(lambda engine: engine.tick())
            yield KeysCame()

    def commit(self) -> None:
        """Have what was shown noted."""
        if self._engine is not None and not self.why_not:
            try:
                self._engine.commit()
            except VaultError as error:
                self.why_not = str(error)

    def certify(self, credentials: Credentials) -> None:
        """Use a renewed certificate: the next connection publishes it."""
        if self._engine is not None and isinstance(credentials.key, SigningKey):
            self._engine.certify(credentials.key, credentials.chain)

    def close(self) -> None:
        """Give the keys back: another program can have them now."""
        self.commit()
        if self._engine is not None and not self.why_not:
            self._engine.close()
            self.why_not = "the keys of this device are closed: start again"

    # What is behind them.

    def _must(self, room: str) -> bool | None:
        """Return whether what goes there has to be encrypted; ``None`` until that is known."""
        key = self._fold(room)
        if self._engine is None or self.why_not:
            if key in self._seen or (self._is_strict and not self._is_channel(room)):
                raise E2eError(self.why_not)
            is_known = key in self._moded or self._rooms.get(room) is None
            return None if self._is_strict and not is_known else False
        if self._is_channel(room):
            if self._engine.must_encrypt(room):
                return True
            is_known = not self._is_on or key in self._moded or self._rooms.get(room) is None
            return False if is_known else None
        account = self.account_of(room)
        if self._engine.must_encrypt(account):
            return True
        if not self._is_on:
            return False
        has_devices = self._engine.has_devices(account)
        if has_devices is None:
            self._look_up(self._engine, account)
        return has_devices

    def _outcome(self, item: Item, room: str) -> Outcome | None:
        engine, message = self._engine, item.message
        if engine is None:
            raise E2eError(self.why_not)
        if not self._is_on:
            return Denied(f"the server does not know {CAPABILITY}, and {room} is encrypted")
        is_room = self._is_channel(room)
        if is_room and self._is_entering(room):
            return None
        account = room if is_room else self.account_of(room)
        outcome: Outcome | None = None
        if item.sealed and TAG in item.sealed[0].tags:
            outcome = engine.encrypt_again(account, item.sealed)
        if outcome is None:
            words = content_of(message)
            if words is None and message.command == "REDACT" and message.params[1:]:
                return Sending((redact(*message.params[:2]),))
            if words is None:
                return Denied("this cannot be encrypted")
            outcome = engine.encrypt(account, *words, nick=room)
        if isinstance(outcome, Denied):
            return outcome
        self._lines += [line for line in outcome.lines if line.command == "E2E"]
        if isinstance(outcome, Waiting):
            return outcome
        self._protections.pop(self._fold(room), None)
        sealed = tuple(line for line in outcome.lines if line.command != "E2E")
        plain = (redact(*message.params[:2]),) if message.command == "REDACT" else ()
        return Sending((*sealed, *plain))

    def _look_up(self, engine: Engine, account: str) -> None:
        asked = engine.look_up(account)
        self._lines += [each.message for each in asked if isinstance(each, Transmit)]

    def _is_entering(self, room: str) -> bool:
        """Return whether we are in a room, or will be, and do not know yet who is there."""
        key = self._fold(room)
        is_ours = self._rooms.get(room) is not None or key in map(self._fold, self._rejoin)
        return is_ours and key not in self._complete

    def _protection(self, target: str) -> Protection:
        if self._engine is None or self.why_not:
            is_seen = self._fold(target) in self._seen
            return Protection(is_seen, False, self.why_not if is_seen else "")
        is_room = self._is_channel(target)
        account = target if is_room else self.account_of(target)
        if not self._engine.must_encrypt(account):
            has_devices = False if is_room else self._engine.has_devices(account)
            if has_devices is None and self._is_on:
                self._look_up(self._engine, account)
            if not has_devices:
                return Protection(is_optional=not is_room)
        if not self._is_on:
            return Protection(True, False, "there is no server that passes it on")
        readers = self._told.get(self._fold(target), frozenset()) if is_room else {account}
        return protection_for(self._engine, target, account, readers, self._own or "")

    def _do(self, act: Act) -> Effects:
        """Have the engine do something that came from outside."""
        if self._engine is None or self.why_not:
            return
        self._protections.clear()
        try:
            yield from self._tell(act(self._engine) or ())
        except E2eError as error:
            self._is_on = False
            self.why_not = str(error)
            yield EncryptionFailed(str(error))

    def _tell(self, found: Iterable[Effect | ClientEvent] | Opened) -> Effects:
        effects = list(found)
        # What was refused would be refused again at once: `tick` asks for it.
        has_failed = any(isinstance(each, Undelivered) for each in effects)
        for effect in effects:
            match effect:
                case Transmit(message):
                    yield message
                case Ready():
                    if not has_failed:
                        yield KeysCame()
                case Readable(account=account):
                    if self._unsealing is not None:
                        yield from self._tell(self._unsealing.read_again(account))
                case ClientEvent():
                    yield effect
                case Undelivered(device=device) if "/" not in device:
                    pass
                case _:
                    yield SecurityNotice(effect)

    def _fold(self, name: str) -> str:
        return self._rooms.isupport.fold(name)

    def _is_channel(self, name: str) -> bool:
        return self._rooms.isupport.is_channel(name)
