"""The full-screen console in an encrypted room: the lock, the file that it keeps, a restart."""

from __future__ import annotations

from pathlib import Path

from chat.e2e.envelope import PLACEHOLDER
from tests.live.irc import IRC
from tests.live.terminal import TerminalTestCase

CAPABILITIES = "echo-message batch message-tags server-time standard-replies"
SECRET = "the second door"


class EncryptedConsoleTests(TerminalTestCase):
    def chat(self) -> None:
        self.launch(
            *("connect", f"localhost:{self.server.port}"),
            *("--dir", self.home.device("alice").directory),
            *("--password-file", self.home.password_file),
        )

    def files(self) -> list[Path]:
        return [path for path in (self.directory / "DATA").rglob("*") if path.is_file()]

    def test_a_room(self) -> None:
        self.chat()
        self.wait_for("alice | online")
        self.type("/join #room")
        self.wait_for("> 2 #room", "alice has joined")
        bob = IRC.login(self.server.port, self.home.device("bob"), CAPABILITIES)
        self.addCleanup(bob.close)
        bob.exchange("JOIN #room")
        self.type("/encrypt")
        self.wait_for("Encryption of #room", "/encrypt #room yes")
        self.type("/encrypt yes")
        self.wait_for("#room 🔒", "encrypted")
        self.type(SECRET)
        line = bob.expect(r"alice!\S+ PRIVMSG #room :(.*)$")
        self.assertEqual(line[1], PLACEHOLDER)
        self.wait_for(f"alice │ 🔒✓ {SECRET}")
        self.assertNotIn(SECRET, "\n".join(bob.seen))
        refused = bob.exchange("PRIVMSG #room :in the clear")
        self.assertIn("E2E_REQUIRED", str(refused))
        self.type("/e2e")
        self.wait_for("bob: no device")
        self.type("/quit")
        self.wait_for("exit code 0", "as before")
        kept = {path: path.read_bytes() for path in self.files()}
        self.assertTrue(any(path.suffix == ".vault" for path in kept))
        for path, content in kept.items():
            self.assertNotIn(SECRET.encode(), content, path)
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)

        self.tmux("kill-server")
        self.server.kill()
        self.chat_again()

    def chat_again(self) -> None:
        """What was said is there at once, decrypted, also without a server."""
        self.chat()
        self.wait_for(f"alice │ 🔒✓ {SECRET}")
        self.tmux("send-keys", "C-q")
