"""HELP and HELPOP: how the commands are used.

Source: Modern IRC, "HELP message".
"""

from __future__ import annotations

from chat.features.feature import Effects, Feature, Request
from chat.irc.message import first_word
from chat.irc.numerics import ERR_HELPNOTFOUND, RPL_ENDOFHELP, RPL_HELPSTART, RPL_HELPTXT

feature = Feature()

#: Characters of command names in one line of the overview.
_LINE = 60


@feature.command("HELP", appends=False)
def help_(request: Request) -> Effects:
    """HELP [command]: see how a command is used, or which ones there are."""
    commands = request.features.commands
    subject = request.param(0).upper()
    if subject in commands:
        first, *rest = commands[subject].help.splitlines()
        yield RPL_HELPSTART(subject, first)
        for line in filter(None, rest):
            yield RPL_HELPTXT(subject, line)
        yield RPL_ENDOFHELP(subject)
    elif subject:
        yield ERR_HELPNOTFOUND(first_word(request.params[0]))
    else:
        yield RPL_HELPSTART("*", "The commands; HELP command tells more of each")
        line = ""
        for name in sorted(commands):
            if len(line) + len(name) > _LINE:
                yield RPL_HELPTXT("*", line)
                line = ""
            line = f"{line} {name}".strip()
        yield RPL_HELPTXT("*", line)
        yield RPL_ENDOFHELP("*")


@feature.command("HELPOP", appends=False)
def helpop(request: Request) -> Effects:
    """HELPOP [command]: the same as HELP."""
    return help_(request)
