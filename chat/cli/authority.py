"""What commands that sign something share: the network's built-in authority, and its keys."""

from __future__ import annotations

import os
from pathlib import Path

import click
from attrs import frozen
from cryptography import x509

from chat.cli.network import load_config
from chat.cli.passphrase import known_passphrase, new_passphrase
from chat.pki.authority import Authority
from chat.pki.errors import PassphraseError
from chat.pki.files import (
    read_authority,
    read_certificates,
    read_issuing,
    read_passphrase,
    read_private,
)
from chat.pki.keys import is_encrypted
from chat.pki.layout import Layout
from chat.pki.passphrases import find_passphrase
from chat.server.config import Config

passphrase_option = click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file whose first line opens the issuing key; asked for by default.",
)
root_option = click.option(
    "--root",
    "root_directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where root.key is, such as a USB stick; the network's keys by default.",
)
root_passphrase_option = click.option(
    "--root-passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file whose first line opens root.key, where its passphrase is another one.",
)


@frozen
class BuiltIn:
    """The built-in authority of a network: where it is, and how its keys are opened."""

    config: Config
    layout: Layout
    passphrase_file: Path | None

    @classmethod
    def of(cls, directory: Path, passphrase_file: Path | None = None) -> BuiltIn:
        """Return that of the network in ``directory``; an error where it has none."""
        config = load_config(directory)
        if not config.authority.directory:
            raise click.ClickException(
                "this network has no authority of its own ([authority] directory is empty):"
                " ask whoever runs the one in [tls] authority"
            )
        layout = Layout(config.path(config.authority.directory))
        return cls(config, layout, passphrase_file)

    def passphrase(self) -> bytes | None:
        """Return what opens the issuing keys: the file's, the server's own, or a person's."""
        encrypted = [path for path in self.layout.issuing_keys if is_encrypted(read_private(path))]
        if not encrypted:
            return None
        if self.passphrase_file is not None:
            return read_passphrase(self.passphrase_file)
        configured = self.config.authority.passphrase_file
        found = find_passphrase(configured, self.config.directory, os.environ)
        return found if found is not None else known_passphrase(None, key=encrypted[0])

    def passphrase_for_new_key(self, *, none: bool) -> bytes | None:
        """Return the passphrase of a key to be made: that of the keys that are here.

        Where none is, it is asked for, unless ``none`` is wanted.
        """
        (certificate, *_) = read_certificates(self.layout.issuing_certificate)
        path = self.layout.key_of(certificate)
        if not path.exists():
            return new_passphrase(self.passphrase_file, none=none)
        passphrase = self.passphrase()
        read_authority(certificate, path, passphrase)  # not a mistyped one
        return passphrase

    def issuing(self) -> Authority:
        """Return the authority that signs now."""
        return read_issuing(self.layout, self.passphrase())

    def root(
        self, directory: Path | None, passphrase_file: Path | None, passphrase: bytes | None
    ) -> Authority:
        """Return the root authority of this network, opened with ``passphrase`` if that fits."""
        (certificate,) = read_certificates(self.layout.root_certificate)
        key = Layout(directory or self.layout.directory).root_key
        if not key.exists():
            raise click.ClickException(
                f"{key} is not there: say with --root DIR where the root's key is, or go the way"
                " by another machine (securechat ca request)"
            )
        return open_root(certificate, key, passphrase_file, passphrase)


def open_root(
    certificate: x509.Certificate,
    key: Path,
    passphrase_file: Path | None,
    passphrase: bytes | None = None,
) -> Authority:
    """Return the root authority; its passphrase is the file's, ``passphrase`` or a person's."""
    if not is_encrypted(read_private(key)):
        return read_authority(certificate, key, None)
    if passphrase_file is None and passphrase is not None:
        try:
            return read_authority(certificate, key, passphrase)
        except PassphraseError:
            pass  # it has another one
    return read_authority(certificate, key, known_passphrase(passphrase_file, key=key))


def tell_of_reload() -> None:
    """Say when a server that runs takes it into use."""
    click.echo("A running server takes it into use within a second")
