"""The slash commands: one table, which /help, completion and usage errors come from.

Rules of this package: a module holds the commands of one subject, each a function that
turns what follows its name into actions, and does nothing itself; `table` joins them.
Others import from here.
"""

from chat.console.commands.actions import (
    Action,
    Answer,
    Clear,
    Close,
    Compare,
    Connect,
    Disconnect,
    Encrypt,
    Go,
    Ignore,
    Inspect,
    Leave,
    Local,
    Mute,
    Pin,
    Retry,
    Search,
    Secrecy,
    Send,
    Set,
    SetKey,
    Show,
    Trust,
    TrustRoom,
)
from chat.console.commands.command import Command, CommandError, Here, Subject, Words
from chat.console.commands.table import COMMANDS, NAMES, SUBJECTS, entries, interpret

__all__ = [
    "COMMANDS",
    "NAMES",
    "SUBJECTS",
    "Action",
    "Answer",
    "Clear",
    "Close",
    "Command",
    "CommandError",
    "Compare",
    "Connect",
    "Disconnect",
    "Encrypt",
    "Go",
    "Here",
    "Ignore",
    "Inspect",
    "Leave",
    "Local",
    "Mute",
    "Pin",
    "Retry",
    "Search",
    "Secrecy",
    "Send",
    "Set",
    "SetKey",
    "Show",
    "Subject",
    "Trust",
    "TrustRoom",
    "Words",
    "entries",
    "interpret",
]
