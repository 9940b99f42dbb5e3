"""Names of columns in one spelling, so that "Patienten-ID" and "patienten_id" are one name."""

from __future__ import annotations

import re


def plain_name(name: str) -> str:
    """In small letters, with _ for whatever is neither letter nor digit.

    >>> plain_name("Patienten-ID")
    'patienten_id'
    """
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")
