"""The plain console: one line per event, one line per thing typed.

`Console` joins a client to a front (`chat.console.terminal`, `chat.console.pipe`),
which reads and prints; it knows neither terminal nor socket.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import Enum, auto
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from chat.client.client import Client
from chat.client.events import (
    Answered,
    ClientEvent,
    Disconnected,
    PasswordWanted,
    Registered,
    Rejected,
    Writable,
)
from chat.client.profile import Profile
from chat.client.protocol import Listener
from chat.console import lines
from chat.console.commands import Action, CommandError, Go, Leave, Send, Show, interpret
from chat.console.lines import Line
from chat.console.view import View
from chat.irc.message import Message

#: Lines sent before the server's answer to a PING is waited for: fewer than any
#: server's flood limit lets through at once.
WINDOW = 8
#: Seconds that a server has to answer all that was sent, at the end of input.
DRAIN = 30.0


class Stage(Enum):
    """Where the console is."""

    CONNECTING = auto()
    ONLINE = auto()
    OFFLINE = auto()
    DRAINING = auto()
    DONE = auto()


class Step(Enum):
    """What moves the console on."""

    WELCOMED = auto()
    LOST = auto()
    INPUT_ENDED = auto()
    ENDED = auto()


#: The only moves there are.
TRANSITIONS: Mapping[tuple[Stage, Step], Stage] = {
    (Stage.CONNECTING, Step.WELCOMED): Stage.ONLINE,
    (Stage.CONNECTING, Step.LOST): Stage.DONE,
    (Stage.ONLINE, Step.LOST): Stage.OFFLINE,
    (Stage.ONLINE, Step.INPUT_ENDED): Stage.DRAINING,
    (Stage.OFFLINE, Step.WELCOMED): Stage.ONLINE,
    (Stage.DRAINING, Step.LOST): Stage.DONE,
}
