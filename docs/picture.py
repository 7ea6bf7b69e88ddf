"""Makes the pictures of the console: what alice sees while she talks, from real programs in tmux.

Run by ``make screenshots``; it needs tmux.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, SVG_EXPORT_THEME, TerminalTheme
from rich.text import Text

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.servers import Home, Server, make_home, until  # noqa: E402

WIDTH, HEIGHT = 104, 22
_OWN = ("CONFIG", "DATA", "STATE")


class Terminal:
    """One person's console in a terminal of its own."""

    def __init__(self, directory: Path, home: Home, port: int, account: str) -> None:
        self._socket = str(directory / account)
        program = Path(sys.executable).with_name("securechat")
        command = (
            f"{program} connect localhost:{port} --dir {home.device(account).directory}"
            f" --password-file {home.password_file}"
        )
        environment = {name: value for name, value in os.environ.items() if name != "TMUX"}
        # Nothing of who runs this is read or kept.
        environment |= {f"XDG_{kind}_HOME": f"{directory}/{account}-{kind}" for kind in _OWN}
        size = ("-x", str(WIDTH), "-y", str(HEIGHT))
        self.tmux("new-session", "-d", *size, command, env=environment | {"LANG": "C.UTF-8"})
        self.wait_for("| online |")

    def tmux(self, *words: str, env: dict[str, str] | None = None) -> str:
        """Run tmux on this terminal's server."""
        command = ["tmux", "-u", "-f", os.devnull, "-S", self._socket, *words]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout

    def type(self, line: str, then: str) -> None:
        """Type a line, and wait until ``then`` is on the screen."""
        self.tmux("send-keys", "-l", line)
        self.tmux("send-keys", "Enter")
        self.wait_for(then)

    def wait_for(self, text: str) -> None:
        """Wait until ``text`` is on the screen."""
        until(lambda: text in self.shown(), f"{text!r} on the screen")

    def shown(self) -> str:
        """Return what is on the screen."""
        return self.tmux("capture-pane", "-p")

    def press(self, key: str, then: str) -> None:
        """Press a key, and wait until ``then`` is on the screen."""
        self.tmux("send-keys", key)
        self.wait_for(then)

    def picture(self, name: str, theme: TerminalTheme) -> str:
        """Write what is on the screen to a file beside this one, and return it as text."""
        text = self.tmux("capture-pane", "-p", "-e", "-N").rstrip("\n")
        console = Console(record=True, width=WIDTH, file=io.StringIO())
        console.print(Text.from_ansi(text))
        svg = console.export_svg(title="securechat", theme=theme, unique_id=name)
        # A picture should load nothing from elsewhere: any monospaced font will do.
        svg = re.sub(r"@font-face {.*?}\s*", "", svg, flags=re.DOTALL)
        (ROOT / "docs" / f"{name}.svg").write_text(svg)
        return text


def talk(alice: Terminal, bob: Terminal) -> None:
    """Have a short conversation, which ends on alice's screen."""
    for person in (alice, bob):
        person.type("/join #lab", "> 2 #lab")
        person.type("/join #lunch", "> 3 #lunch")
        person.press("M-2", "> 2 #lab")
    alice.type("/topic centrifuge 2 is back on Thursday", "changed the topic")
    bob.type("Morning. Do we run the samples today?", "samples today")
    alice.wait_for("samples today")
    alice.type("/reply On centrifuge 1, yes, at ten.", "at ten.")
    bob.wait_for("at ten.")
    bob.type("/react :+1:", "\N{THUMBS UP SIGN} bob")
    bob.type("/me labels tubes", "bob labels tubes")
    bob.type("alice: the list is on https://wiki.lab.example/samples", "the list is on")
    bob.type("The key is under the", "under the")
    bob.type("/redact wrong room", "removed by bob")
    bob.type("/msg #lunch Noodles at half past twelve?", "> 2 #lab")
    bob.type("/query alice Is the blue box yours?", "Is the blue box yours?")
    bob.press("M-2", "> 2 #lab")
    alice.wait_for(" 4 bob ")
    # Others are not told again within three seconds: he types on until they are.
    until(
        lambda: bob.tmux("send-keys", "-l", "x") or "bob is typing" in alice.shown(),
        "alice sees that bob types",
    )
    alice.tmux("send-keys", "-l", "bob: thank you")
    alice.wait_for("bob: thank you")


def main() -> None:
    """Write the pictures."""
    directory = Path(tempfile.mkdtemp(prefix="sc-"))
    server = Server(make_home())
    terminals: list[Terminal] = []
    try:
        server.start()
        for account in ("alice", "bob"):
            terminals.append(Terminal(directory, server.home, server.port, account))
        talk(*terminals)
        alice = terminals[0]
        shown = alice.picture("console", SVG_EXPORT_THEME)
        alice.picture("console-light", DEFAULT_TERMINAL_THEME)
        alice.press("F1", "a room by its number")
        alice.picture("console-help", SVG_EXPORT_THEME)
    finally:
        for terminal in terminals:
            terminal.tmux("kill-server")
        server.cleanup()
        shutil.rmtree(directory)
    sys.stdout.write(f"{shown}\n")


if __name__ == "__main__":
    main()
