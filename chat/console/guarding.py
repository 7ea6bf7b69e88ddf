"""What a person decides about encryption, done by the engine; and what to say of it.

`Guard` stands beside a `chat.console.conversation.Conversation`, and is as free of terminal
and socket.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from chat.client.client import Client
from chat.client.events import ClientEvent
from chat.client.secrecy import SecurityNotice
from chat.console.commands import (
    Answer,
    Compare,
    Encrypt,
    Inspect,
    Secrecy,
    SetKey,
    Trust,
    TrustRoom,
)
from chat.console.commands.command import CommandError
from chat.e2e import effects
from chat.e2e.envelope import identity
from chat.e2e.errors import E2eError
from chat.irc.message import Message
from chat.pki.authority import Identity

if TYPE_CHECKING:
    from chat.e2e.engine import Engine

MEANS = (
    "Encryption of {room}: only the devices of its members read what is said from then on,"
    " not the server; other programs see a line that says so.",
    "Who is here, the topic, why people leave, when and how much is said stay readable."
    " Newcomers do not read what was said before; there is no search on the server.",
    "It stays: this console never sends plain text there again, whatever the server says.",
)


class Guard:
    """Does what a person decides; ``say`` shows a line."""

    def __init__(self, client: Client, say: Callable[[str], None]) -> None:
        self._client = client
        self._say = say
        #: The comparison under way, by its id, and whether its pictures are shown.
        self._asked = ""
        self._is_shown = False

    def hear(self, event: ClientEvent) -> None:
        """Take note of how comparisons go on."""
        match event:
            case SecurityNotice(effects.VerificationAsked(id=name)):
                self._asked, self._is_shown = name, False
            case SecurityNotice(effects.Compare(id=name)):
                self._asked, self._is_shown = name, True
            case SecurityNotice(effects.Verified()):
                self._asked = ""
            case SecurityNotice(effects.VerificationFailed(id=name)) if name == self._asked:
                self._asked = ""

    def do(self, action: Secrecy) -> None:
        """Do it; raises `CommandError`."""
        try:
            match action:
                case Encrypt(room, answer):
                    self._encrypt(room, answer)
                case Compare(nick, device):
                    self._compare(nick, device)
                case Answer(yes):
                    self._answer(yes=yes)
                case Inspect(target):
                    self._protect(lambda engine: self._inspect(engine, target))
                case SetKey(room, words):
                    self._set_key(room, words)
                case Trust(device, judgement):
                    self._judge(identity(device), judgement)
                case TrustRoom(room, verified):
                    self._protect(lambda engine: engine.demand_verified(room, verified))
                    who = "verified devices only" if verified else "every device of its members"
                    self._say(f"{room} is for {who}, as far as what you say goes")
        except E2eError as error:
            raise CommandError(str(error)) from error

    def _protect(self, act: Callable[[Engine], object]) -> None:
        def run(engine: Engine) -> list[effects.Effect] | None:
            found = act(engine)
            return found if isinstance(found, list) else None

        self._client.protect(run)

    def _encrypt(self, room: str, answer: str) -> None:
        if answer == "yes":
            self._protect(lambda engine: None)  # says why not, before anybody is bound to it
            self._client.deliver(Message("MODE", (room, "+E")))
        elif answer == "off":
            self._protect(lambda engine: engine.forget_encryption(room))
            self._say(f"{room} may be plain for you: /raw MODE {room} -E has all do so")
        else:
            for line in MEANS:
                self._say(line.format(room=room))
            self._say(f"/encrypt {room} yes sets it (for operators of the room)")

    def _compare(self, nick: str, wanted: str) -> None:
        account = self._account(nick)

        def ask(engine: Engine) -> list[effects.Effect]:
            if engine.has_devices(account) is None:
                self._say(f"the devices of {account} are asked for: try again in a moment")
                return engine.look_up(account)
            known = [device for device, _ in engine.devices(account)]
            if wanted:
                chosen = [device for device in known if device.device == wanted]
            else:
                chosen = [device for device in known if not engine.is_verified(device)] or known
            if len(chosen) != 1:
                names = " ".join(device.device for device in known) or "none that can encrypt"
                raise E2eError(f"{account} has devices: {names}: /verify {nick} DEVICE")
            self._say(f"asked {chosen[0]}: it has to type /verify yes")
            return engine.verify(chosen[0])

        self._protect(ask)

    def _answer(self, *, yes: bool) -> None:
        name, is_shown = self._asked, self._is_shown
        if not name:
            raise E2eError("nobody compares anything: /verify NICK begins")
        if not yes:
            self._asked = ""
            self._protect(lambda engine: engine.verify_cancel(name))
            self._say("not verified: if the pictures were others, somebody is in between")
        elif is_shown:
            self._protect(lambda engine: engine.verify_confirm(name))
            self._say("said yes: the other side has to, too")
        else:
            self._protect(lambda engine: engine.verify_accept(name))

    def _inspect(self, engine: Engine, target: str) -> list[effects.Effect] | None:
        protection = self._client.sealing.protection(target)
        state = "encrypted" if protection.is_encrypted else "NOT encrypted"
        verified = ", all devices verified" if protection.is_verified else ""
        self._say(f"{target} is {state}{verified}{protection.why_not and ': '}{protection.why_not}")
        asked: list[effects.Effect] = []
        for account in sorted(self._accounts(target)):
            has = engine.has_devices(account)
            if has is None:
                asked += engine.look_up(account)
                self._say(f"  {account}: the server is asked; type it again")
            elif not has:
                self._say(f"  {account}: no device that can encrypt: cannot read it")
            for device, level in engine.devices(account):
                self._say(f"  {device}: {level.name.lower()}")
        return asked

    def _set_key(self, room: str, words: str) -> None:
        from chat.e2e.passphrase import suggest

        chosen = suggest() if words == "new" else words
        self._protect(
            lambda engine: engine.set_passphrase(room, None if words == "off" else chosen)
        )
        if words == "new":
            self._say(f"the passphrase of {room}: {chosen}")
            self._say(f"tell it in person: /key {room} and the words")
        if words == "off":
            self._say(f"{room} has no passphrase any more, and is encrypted by its devices' keys")
        else:
            self._say(f"{room} is encrypted by its passphrase: whoever has it reads all, also of")
            self._say("what was said before, and can write in anybody's name")

    def _judge(self, device: Identity, judgement: str) -> None:
        match judgement:
            case "cosign":
                self._protect(lambda engine: engine.cosign(device))
                self._say(f"you vouch for {device}: others who verified you trust it")
            case _:
                is_blocked = judgement == "block"
                self._protect(lambda engine: engine.block(device, blocked=is_blocked))
                what = "gets no keys any more" if is_blocked else "is taken with its present keys"
                self._say(f"{device} {what}")

    def _account(self, nick: str) -> str:
        return self._client.sealing.account_of(nick)

    def _accounts(self, target: str) -> Iterator[str]:
        state = self._client.state
        room = state.rooms.get(target) if state is not None else None
        if room is None:
            yield self._account(target)
            return
        yield from {member.account for member in room.members.values() if member.account}
