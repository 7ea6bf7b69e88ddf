"""Has a person write in an editor of their own, which has the terminal meanwhile.

The event loop goes on, so that the connection stays.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

#: Tried in this order where neither VISUAL nor EDITOR names one.
_USUAL = ("sensible-editor", "nano", "vi")
#: Bytes that may come back.
_MOST = 65536
#: Seconds that an editor has to end in, when the program does.
_PATIENCE = 1.0


class EditorError(Exception):
    """Nothing came back; the text says why, and what to do."""


async def edited(text: str, suspend: Callable[[], AbstractContextManager[None]]) -> str:
    """Return a text as a person leaves it in their editor; raises `EditorError`.

    Nobody else draws on the terminal or reads from it within ``suspend``.  The text is in
    a file that only its owner can read, and which is gone afterwards.
    """
    command = editor_command(os.environ)
    directory = Path(tempfile.mkdtemp(prefix="securechat-"))  # its mode is 0700
    try:
        path = directory / "message.txt"
        path.touch(0o600)
        path.write_text(f"{text}\n" if text else "", "utf-8")
        with suspend(), _signals_for_the_editor():
            problem = await _run([*command, str(path)])
        if problem:
            raise EditorError(f"{problem}: what was typed is as it was")
        return _read(path)
    except OSError as error:
        raise EditorError(f"no file for the editor: {error.strerror}") from error
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def editor_command(environment: Mapping[str, str]) -> list[str]:
    """Return the editor that a person wants, with its arguments; raises `EditorError`."""
    for name in ("VISUAL", "EDITOR"):
        try:
            command = shlex.split(environment.get(name, ""))
        except ValueError as error:
            raise EditorError(
                f"${name} cannot be read ({error}): write it as for a shell"
            ) from error
        if command:
            return command
    for usual in _USUAL:
        if shutil.which(usual):
            return [usual]
    raise EditorError("no editor is found: set EDITOR to the command that starts one")


async def _run(command: list[str]) -> str | None:
    """Return why the editor failed, if it did.

    Not raised: behind an exception Textual would not take the terminal again.
    """
    try:
        process = await asyncio.create_subprocess_exec(*command)
    except OSError as error:
        return f"{command[0]} does not start ({error.strerror}): set EDITOR to another"
    try:
        code = await process.wait()
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            process.terminate()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _PATIENCE)
        raise
    if code < 0:
        return f"{command[0]} was ended by signal {-code}"
    return f"{command[0]} ended with {code}" if code else None


@contextmanager
def _signals_for_the_editor() -> Iterator[None]:
    """Leave the keys of the terminal's signals to the editor: they come to both."""
    # A function, because an editor would inherit that they are ignored.
    handlers: dict[signal.Signals, Any] = {
        signal.SIGINT: lambda *_: None,
        signal.SIGQUIT: lambda *_: None,
        # Where no shell could continue the program, this does not stop it.
        signal.SIGTSTP: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _read(path: Path) -> str:
    with path.open("rb") as file:
        written = file.read(_MOST + 1)
    if len(written) > _MOST:
        raise EditorError(f"the text is longer than {_MOST} bytes: send it in parts")
    try:
        return written.decode().rstrip("\n")
    except UnicodeDecodeError as error:
        raise EditorError("the text is not UTF-8: have the editor save it so") from error
