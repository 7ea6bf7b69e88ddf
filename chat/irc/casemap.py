"""Case-insensitive comparison of nicknames and channels.

Source: Modern IRC, "CASEMAPPING parameter".
"""

from __future__ import annotations

import string
from collections.abc import Callable

#: A function from a name to the form under which names are compared.
Casefold = Callable[[str], str]

_ASCII = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_RFC1459 = str.maketrans(string.ascii_uppercase + "[]\\~", string.ascii_lowercase + "{}|^")


def ascii_fold(name: str) -> str:
    """Fold ``A`` to ``Z`` only: the casemapping ``ascii``."""
    return name.translate(_ASCII)


def rfc1459_fold(name: str) -> str:
    r"""Fold ``A`` to ``Z`` and ``[]\~`` to ``{}|^``: the casemapping ``rfc1459``."""
    return name.translate(_RFC1459)


#: By the name that ISUPPORT gives them.
CASEMAPPINGS: dict[str, Casefold] = {"ascii": ascii_fold, "rfc1459": rfc1459_fold}
