"""Makes docs/console.svg: what alice sees while she talks to bob, from the real programs in tmux.

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
from rich.text import Text

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.servers import Home, Server, make_home, until  # noqa: E402

WIDTH, HEIGHT = 104, 24


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
        until(lambda: text in self.tmux("capture-pane", "-p"), f"{text!r} on the screen")


def talk(alice: Terminal, bob: Terminal) -> None:
    """Have a short conversation, which ends on alice's screen."""
    for person in (alice, bob):
        person.type("/join #lab", "> 2 #lab")
        person.type("/join #lunch", "> 3 #lunch")
        person.tmux("send-keys", "M-2")
        person.wait_for("> 2 #lab")
    alice.type("/topic centrifuge 2 is back on Thursday", "changed the topic")
    bob.type("Morning. Do we run the samples today?", "samples today")
    alice.wait_for("samples today")
    alice.type("On centrifuge 1, yes, at ten.", "at ten.")
    bob.type("/me labels tubes", "* bob labels tubes")
    bob.type("alice: the list is on https://wiki.lab.example/samples", "the list is on")
    bob.type("/msg #lunch Noodles at half past twelve?", "Noodles")
    bob.type("/msg alice Is the blue box yours?", "4 alice")
    alice.wait_for(" 4 bob ")
    alice.tmux("send-keys", "-l", "bob: thank you")
    alice.wait_for("thank you")


def main() -> None:
    """Write the picture."""
    directory = Path(tempfile.mkdtemp(prefix="sc-"))
    server = Server(make_home())
    terminals: list[Terminal] = []
    try:
        server.start()
        for account in ("alice", "bob"):
            terminals.append(Terminal(directory, server.home, server.port, account))
        talk(*terminals)
        screen = terminals[0].tmux("capture-pane", "-p", "-e", "-N")
    finally:
        for terminal in terminals:
            terminal.tmux("kill-server")
        server.cleanup()
        shutil.rmtree(directory)
    text = screen.rstrip("\n")
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text.from_ansi(text))
    svg = console.export_svg(title="securechat connect", unique_id="console")
    # A picture should load nothing from elsewhere: any monospaced font will do.
    svg = re.sub(r"@font-face {.*?}\s*", "", svg, flags=re.DOTALL)
    (ROOT / "docs" / "console.svg").write_text(svg)
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main()
