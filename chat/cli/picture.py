"""The picture of an invitation's code, where standard output can show it."""

from __future__ import annotations

import os
import shutil
import sys

import click

from chat.console.picture import draw, fits


def show_picture(code: str) -> None:
    """Print the picture on a terminal that is able and wide enough, and else nothing.

    ``NO_COLOR`` in the environment, and not empty, means no colours (no-color.org): then
    the terminal has to be a dark one.
    """
    if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return
    picture = draw(code)
    if not fits(picture, shutil.get_terminal_size().columns, sys.stdout.encoding):
        return
    for line in picture:
        styled = click.style(line, fg="bright_white", bg="black")
        click.echo(line if os.environ.get("NO_COLOR") else styled)
