"""Where failures of the console are written: a full screen has no place for them.

They are told as Python tells them, without the values of variables, which may be secret.
"""

from __future__ import annotations

import os
import traceback
from datetime import datetime
from pathlib import Path

from platformdirs import user_log_path
from twisted.logger import ILogObserver, LogEvent, LogLevel, eventAsText, globalLogBeginner
from zope.interface import provider


def write_failure(failure: BaseException) -> Path:
    """Append a failure to the console's log, and return where that is."""
    return _append("".join(traceback.format_exception(failure)))


def keep_log() -> None:
    """Write failures that Twisted tells into the log, in place of the terminal."""
    globalLogBeginner.beginLoggingTo([_observe], discardBuffer=True, redirectStandardIO=False)


@provider(ILogObserver)
def _observe(event: LogEvent) -> None:
    if event.get("log_level") is LogLevel.critical:
        _append(eventAsText(event, includeTimestamp=False, includeSystem=False) + "\n")


def _append(text: str) -> Path:
    path = user_log_path("securechat", ensure_exists=True) / "console.log"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w") as log:
        log.write(f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S%z} {text}")
    return path
