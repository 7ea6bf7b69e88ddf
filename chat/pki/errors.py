"""What the authority refuses, in words for the person at the keyboard."""

from __future__ import annotations


class PkiError(Exception):
    """Something about keys or certificates is wrong; the text says what, and what to do."""


class PassphraseError(PkiError):
    """A key is encrypted, and there is no passphrase or a wrong one."""


class ExistsError(PkiError):
    """Files that must not be overwritten are already there."""


class RevocationError(PkiError):
    """A revocation list is forged, stale, older than the one in force, or not one."""


class IdentityError(PkiError):
    """A certificate does not name exactly one account and device."""


class InvitationError(PkiError):
    """An invitation cannot be used; the text says why, and what to do."""


class IncompleteCodeError(InvitationError):
    """A code has an end that is missing, as where only its first line was pasted."""
