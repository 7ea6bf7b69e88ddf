"""The directory of a network that one test of the suite has for itself.

Keys, certificates and the empty database are made once in a run, by the commands
that a person uses; each test gets a copy.
"""

from __future__ import annotations

import atexit
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from attrs import fields, frozen

from chat.server.config import ListenSection
from chat.server.passwords import hash_password

SERVER_NAME = "My.Little.Server"
#: Whose certificate `securechat proxy` presents, for every client of the suite.
ACCOUNT = "suite"
_OPERATOR = ("operuser", "operpassword")
_PROGRAMS = Path(sys.executable).parent

Value = str | bool | int | float | list[str]
#: The keys of the configuration, by section.
Sections = Mapping[str, Mapping[str, Value]]


def program(name: str) -> str:
    """Return the path of a program of the environment that this runs in."""
    return str(_PROGRAMS / name)


def securechat(*arguments: object) -> None:
    """Run a command that must succeed."""
    done = subprocess.run(
        [program("securechat"), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"securechat {arguments[0]} failed: {done.stderr or done.stdout}")


def has_websocket() -> bool:
    """Return whether this version of the server can listen for WebSocket."""
    return "websocket" in (attribute.name for attribute in fields(ListenSection))


@frozen
class Home:
    """A network's directory."""

    directory: Path

    @classmethod
    def copy(cls, directory: Path) -> Home:
        """Make ``directory`` a network."""
        shutil.copytree(_template().directory, directory, dirs_exist_ok=True)
        return cls(directory)

    @property
    def log(self) -> Path:
        """What the server logs."""
        return self.directory / "server.log"

    def configure(self, sections: Sections) -> None:
        """Write the configuration; what ``sections`` does not say is what every test wants."""
        every: Sections = {
            "network": {
                "name": "securechat",
                "server": SERVER_NAME,
                "description": "test server",
            },
            "tls": {
                "certificate": "keys/server.crt",
                "key": "keys/server.key",
                "authority": "keys/ca.crt",
                "revocations": "keys/revocations.pem",
            },
            "accounts": {
                "login": "optional",
                "identity": "any",
                "nickname": "any",
                "password": "optional",
                "registration": "open",
            },
            "limits": {"flood": False},
            "operators": {_OPERATOR[0]: _operator_hash()},
        }
        text = ""
        for name in {**every, **sections}:
            values = {**every.get(name, {}), **sections.get(name, {})}
            text += f"[{name}]\n"
            text += "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
        (self.directory / "securechat.toml").write_text(text)

    def add_user(self, name: str, password: str) -> None:
        """Add an account, also while the server runs."""
        file = self.directory / "password"
        file.write_text(f"{password}\n")
        securechat("user", "add", name, "--password-file", file, "--dir", self.directory)

    def profile(self, port: int) -> Path:
        """Return the directory of a profile for the server's listener at ``port``."""
        directory = self.directory / f"profile-{port}"
        directory.mkdir()
        device = self.directory / "device"
        (directory / "profile.toml").write_text(
            f'address = "127.0.0.1:{port}"\n'
            'server_name = "localhost"\n'
            f'account = "{ACCOUNT}"\n'
            f'certificate = "{device / f"{ACCOUNT}-laptop.pem"}"\n'
            f'authority = "{device / "ca.crt"}"\n'
        )
        return directory


@cache
def _operator_hash() -> str:
    """Return the hash of the operators' password; few rounds, since it protects nothing."""
    return hash_password(_OPERATOR[1], rounds=4).decode()


@cache
def _template() -> Home:
    home = Home(Path(tempfile.mkdtemp(prefix="sc-conformance-")))
    atexit.register(shutil.rmtree, home.directory, ignore_errors=True)
    securechat("init", "--no-passphrase", "--server", SERVER_NAME, "--dir", home.directory)
    device = home.directory / "device"
    # Some tests have a clock that is a year ahead, and a session ends with its certificate.
    days = ("--days", "700")
    securechat("cert", "issue", ACCOUNT, *days, "--out", device, "--dir", home.directory)
    return home
