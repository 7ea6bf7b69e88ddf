"""What commands that work on a network's own directory share: its configuration and store."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import click
from twisted.internet.defer import Deferred
from twisted.internet.task import react

from chat.server.config import FILE_NAME, Config, ConfigError, load
from chat.store.interfaces import UnavailableError, UnusableError
from chat.store.store import Store, open_store

T = TypeVar("T")

#: The option that says which network a command is about.
directory_option = click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="The directory of the network; the current one by default.",
)


def load_config(directory: Path) -> Config:
    """Return the network's configuration; what is wrong with it is one line for the user."""
    try:
        return load(directory / FILE_NAME)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error


def with_store(url: str, directory: Path, work: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
    """Return what ``work`` returns for the open store; a failure is one line for the user.

    Runs the reactor, which a process can do only once.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    async def run(reactor: Any) -> None:
        try:
            store = await open_store(reactor, url, directory)
            try:
                results.append(await work(store))
            finally:
                await store.close()
        except BaseException as error:
            errors.append(error)

    with suppress(SystemExit):  # how react ends, always
        react(lambda reactor: Deferred.fromCoroutine(run(reactor)))
    match errors:
        case [UnavailableError() | UnusableError() | ValueError() as error]:
            raise click.ClickException(f"the database: {error}") from error
        case [error]:
            raise error
    if not results:
        raise click.Abort
    return results[0]
