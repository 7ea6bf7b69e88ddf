"""What goes wrong: every error here is one line that a person can read, without a secret."""


class E2eError(Exception):
    """Encryption that cannot go on; the text has cause and remedy."""


class MalformedError(E2eError):
    """Something that came is not of the form that the protocol gives it."""


class BundleError(E2eError):
    """A device's bundle, or a key of it, that proves nothing; the text says why."""


class CipherError(E2eError):
    """A ciphertext that was not made with the key for it, or was changed."""


class ReplayError(E2eError):
    """A ciphertext that came before."""


class VaultError(E2eError):
    """The store of keys cannot be used."""
