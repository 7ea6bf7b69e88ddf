"""The slash commands: one table, which /help, completion and usage errors come from.

Rules of this package: a module holds the commands of one subject, each a function that
turns what follows its name into actions, and does nothing itself; `table` joins them.
Others import from here.
"""

from chat.console.commands.actions import (
    Action,
    Clear,
    Close,
    Connect,
    Disconnect,
    Go,
    Ignore,
    Leave,
    Local,
    Mute,
    Pin,
    Retry,
    Search,
    Send,
    Set,
    Show,
)
from chat.console.commands.command import Command, CommandError, Here, Subject, Words
from chat.console.commands.table import COMMANDS, NAMES, SUBJECTS, entries, interpret

__all__ = [
    "COMMANDS",
    "NAMES",
    "SUBJECTS",
    "Action",
    "Clear",
    "Close",
    "Command",
    "CommandError",
    "Connect",
    "Disconnect",
    "Go",
    "Here",
    "Ignore",
    "Leave",
    "Local",
    "Mute",
    "Pin",
    "Retry",
    "Search",
    "Send",
    "Set",
    "Show",
    "Subject",
    "Words",
    "entries",
    "interpret",
]
