"""Runs ``securechat`` as a person does, and inside the test."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from click.testing import CliRunner, Result

import chat
from chat.cli.main import main

PROGRAM = (sys.executable, "-c", "from chat.cli.main import main; main()")
ROOT = Path(chat.__file__).parents[1]


def invoke(*arguments: object, text: str | None = None) -> Result:
    """Run a command in this process; its standard input is no terminal."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=text)


def run(
    arguments: Sequence[object],
    *,
    cwd: Path = ROOT,
    text: str = "",
    env: Mapping[str, str] = MappingProxyType({}),
) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    command = [*PROGRAM, *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", **env},
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
