"""Programs to chat with in a terminal: our console, and WeeChat, set up alike."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from attrs import frozen

from bench.terminal import Terminal, Tmux
from chat.client.events import JoinedRoom, Manner, Said
from chat.client.profile import Choice, choose
from chat.console.archive.file import archive_path, open_archive
from chat.console.archive.writer import Writer
from tests.support.servers import Home

Size = tuple[int, int]
#: The rooms with a past; the first one is looked at.
ROOMS = ("#room", *(f"#room{number}" for number in range(2, 11)))
ROOM = ROOMS[0]
#: Seconds between two messages of the past.
_STEP = 1
_BATCH = 1000


@frozen
class Chat:
    """A program that somebody uses, whose files are in a directory of its own.

    ``command`` and ``env`` start it; it then connects, and goes to `ROOM`.
    """

    name: str
    command: list[str]
    env: dict[str, str]
    #: What is shown when it has connected, and what to type then to be in the room.
    enters: tuple[str, str]
    #: Gives it a past of so many messages over all rooms; `last_of` tells the last.
    fill: Callable[[int], None]

    def run(self, tmux: Tmux, size: Size) -> Terminal:
        """Start it."""
        return Terminal(tmux, size, self.command, self.env)


def ours(home: Home, port: int, directory: Path) -> Chat:
    """Return our console."""
    device = home.device("bob")
    program = str(Path(sys.executable).with_name("securechat"))
    # With the files a profile has, as `securechat join` would have made it.
    address = f'address = "localhost:{port}"\n'
    settings = 'account = "bob"\npassword_file = "password"\n'
    (device.directory / "profile.toml").write_text(
        f'{address}{settings}certificate = "{device.pem.name}"\nauthority = "ca.crt"\n'
    )
    password = device.directory / "password"
    password.write_text(home.password_file.read_text())
    password.chmod(0o600)

    def fill(count: int) -> None:
        profile = choose(Choice(directory=str(device.directory)), directory)
        connection, reader = open_archive(archive_path(profile, directory / "DATA" / "securechat"))
        writer = Writer(connection)
        writer.write([JoinedRoom(room, "bob", True) for room in ROOMS])
        messages = [
            Said(room, "alice", text, Manner.MESSAGE, False, time, msgid=f"m{room}{number}")
            for number, (time, text) in enumerate(_past(count // len(ROOMS)))
            for room in ROOMS
        ]
        for start in range(0, count, _BATCH):
            writer.write(messages[start : start + _BATCH])
        reader.close()
        connection.close()

    return Chat(
        "securechat",
        [program, "connect", "--dir", str(device.directory)],
        {f"XDG_{kind}_HOME": str(directory / kind) for kind in ("CONFIG", "DATA", "STATE")},
        ("online", f"/join {ROOM}"),
        fill,
    )


def weechat(home: Home, port: int, directory: Path) -> Chat | None:
    """Return WeeChat, as it is when it is installed; ``None`` where it is not."""
    program = shutil.which("weechat-curses") or shutil.which("weechat")
    if program is None:
        return None
    device = home.device("bob", "phone")
    commands = (
        f"/set weechat.network.gnutls_ca_user {device.ca}",
        f"/server add chat localhost/{port} -ssl",
        f"/set irc.server.chat.ssl_cert {device.pem}",
        "/set irc.server.chat.nicks weebob",
        f"/set irc.server.chat.autojoin {','.join(ROOMS)}",
        # As many as our console keeps.
        "/set weechat.history.max_buffer_lines_number 10000",
        "/connect chat",
    )
    words = [word for command in commands for word in ("--run-command", command)]
    home_of_it = directory / "weechat"

    def fill(count: int) -> None:
        logs = home_of_it / "logs"
        logs.mkdir(parents=True)
        past = _past(count // len(ROOMS))
        lines = "".join(f"{time:%Y-%m-%d %H:%M:%S}\talice\t{text}\n" for time, text in past)
        for room in ROOMS:
            (logs / f"irc.chat.{room}.weechatlog").write_text(lines)

    return Chat(
        "WeeChat",
        [program, "--dir", str(home_of_it), *words],
        {},
        (ROOMS[-1], f"/buffer {ROOM}"),
        fill,
    )


def last_of(count: int) -> str:
    """Return the end of the last message in each room, in such a past."""
    return f"yesterday {count // len(ROOMS)}"


def _past(count: int) -> Iterable[tuple[datetime, str]]:
    end = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    for number in range(1, count + 1):
        yield end - timedelta(seconds=(count - number) * _STEP), f"what was said yesterday {number}"
