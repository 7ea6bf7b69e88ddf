"""How a message is protected from everybody but those who are to read it."""

from __future__ import annotations

from attrs import field, frozen


@frozen
class Seal:
    """What encrypts one message; ``reason`` says why it cannot be read, if it cannot.

    ``device`` is the sender's (``account/device``), ``is_verified`` whether a person, or a
    device that a person verified, vouches for it.  ``missing`` is how many earlier messages
    of that device have not come.  ``via`` is the device that passed the key on, if another
    one did.  Where not ``is_proven``, any member may have written it: the room has a
    passphrase.  ``ciphertext`` is what the server has; to keep it keeps no secret.
    """

    device: str = ""
    is_verified: bool = False
    missing: int = 0
    via: str = ""
    is_proven: bool = True
    reason: str = ""
    ciphertext: str = field(default="", repr=False)


@frozen
class Protection:
    """How what is said to a room or person would go out; ``why_not`` it cannot, if so.

    ``is_optional``: it is a conversation that would be encrypted if the other side could.
    ``account`` is for whom, where the nickname is not the account: who that is, the server says.
    """

    is_encrypted: bool = False
    is_verified: bool = False
    why_not: str = ""
    is_optional: bool = False
    account: str = ""
