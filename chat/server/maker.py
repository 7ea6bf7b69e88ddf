"""What ``twistd securechat`` runs: its options, and the service made of them.

A configuration that cannot be used ends the program with one line on standard
error and exit code 1, before anything is started.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from twisted.application.service import IService
from twisted.python.usage import Options as BaseOptions

from chat.pki.errors import PkiError
from chat.server.config import FILE_NAME, Config, ConfigError, load
from chat.server.ending import end_well_on_sigterm, end_with_failure
from chat.server.service import ChatService
from chat.server.tls import ServerTLS, TLSFiles, TLSVersion
from chat.server.upkeep import renew_lists_if_due, renew_server_if_due


class Options(BaseOptions):
    """The options of ``twistd securechat``."""

    synopsis = "[--dir DIR | --config FILE]"
    longdesc = (
        "Runs the chat server of a network that `securechat init` made. "
        "Example: twistd -n securechat --dir /srv/chat. "
        "Without -n the server goes into the background; twistd's own options, "
        "such as --pidfile and --logfile, come before the word securechat."
    )
    optParameters = [  # noqa: RUF012 - Twisted's form
        ["config", "c", None, f"The configuration file (default: {FILE_NAME} in --dir)."],
        ["dir", "d", ".", "The directory of the network."],
    ]


def makeService(options: Options) -> IService:
    """Return the service, or end the program with the reason why not."""
    from twisted.internet import reactor

    path = Path(options["config"] or Path(options["dir"]) / FILE_NAME).resolve()
    try:
        config = load(path)
        files = TLSFiles(
            config.path(config.tls.certificate),
            config.path(config.tls.key),
            config.path(config.tls.authority),
            config.path(config.tls.revocations),
        )
        _freshen(config)
        minimum, resumes = TLSVersion(config.tls.minimum), config.tls.resumption
        tls = ServerTLS(files, minimum, datetime.now(UTC), resumes=resumes)
    except (ConfigError, PkiError, OSError) as error:
        _end(str(error))
    reactor.callWhenRunning(end_well_on_sigterm, reactor)
    return ChatService(reactor, path, config, tls, lambda: end_with_failure(reactor))


def _freshen(config: Config) -> None:
    """Renew what is old where the key is here: after a long rest all may have ended."""
    for renew in (renew_lists_if_due, renew_server_if_due):
        try:
            renew(config, datetime.now(UTC))
        except (PkiError, OSError) as error:
            # What is there may still be good for days: `ServerTLS` is the judge of that.
            _say(f"what is due could not be signed anew: {error}")


def _say(text: str) -> None:
    sys.stderr.write(f"securechat: {text}\n")


def _end(why: str) -> NoReturn:
    _say(why)
    raise SystemExit(1)
