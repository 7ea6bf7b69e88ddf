"""Case-insensitive comparison of nicknames and channels.

Source: Modern IRC, "CASEMAPPING parameter".
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from precis_i18n import get_profile

#: A function from a name to the form under which names are compared.
Casefold = Callable[[str], str]

_ASCII = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_RFC1459 = str.maketrans(string.ascii_uppercase + "[]\\~", string.ascii_lowercase + "{}|^")


def ascii_fold(name: str) -> str:
    """Fold ``A`` to ``Z`` only: the casemapping ``ascii``."""
    # For most names, and many times faster.
    return name.lower() if name.isascii() else name.translate(_ASCII)


def rfc1459_fold(name: str) -> str:
    r"""Fold ``A`` to ``Z`` and ``[]\~`` to ``{}|^``: the casemapping ``rfc1459``."""
    return name.translate(_RFC1459)


def precis_fold(name: str) -> str:
    """Fold as PRECIS maps user names, and look-alikes of ASCII letters to these.

    So no name can be taken for another: U+0435, a Cyrillic letter, is like ``e``.
    Source: RFC 8265, 3.3 (UsernameCaseMapped); Unicode TS 39, 4 (skeletons).
    """
    if name.isascii():
        return name.lower()
    try:
        mapped: str = _PRECIS.enforce(name)
    except UnicodeEncodeError:  # a channel's name may hold what a user's may not
        mapped = unicodedata.normalize("NFC", name.casefold())
    return "".join(map(_skeleton, mapped))


def is_precis(name: str) -> bool:
    """Return whether PRECIS allows ``name`` as a user's: letters and digits of any script."""
    try:
        _PRECIS.enforce(name)
    except UnicodeEncodeError:
        return False
    return True


@lru_cache(maxsize=4096)
def _skeleton(character: str) -> str:
    if character.isascii():
        return character
    # Not above: a program starts a twentieth of a second sooner without this table.
    from confusable_homoglyphs.confusables import confusables_data

    alike = (one["c"] for one in confusables_data.get(character, ()))
    return next((other.lower() for other in alike if other.isascii()), character)


_PRECIS = get_profile("UsernameCaseMapped")

#: By the name that ISUPPORT gives them.
CASEMAPPINGS: dict[str, Casefold] = {
    "ascii": ascii_fold,
    "rfc1459": rfc1459_fold,
    "precis": precis_fold,
}
