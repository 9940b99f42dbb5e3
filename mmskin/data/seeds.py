"""Seeds from names: what is drawn for a case depends on its id, not on the order in which cases come."""

from __future__ import annotations

import hashlib


def member_seed(seed: int, member: int) -> int:
    """The seed of one member of an ensemble, in [0, 2³¹); of the first that of the ensemble, as of a single model."""
    return seed if member == 0 else view_seed("member", member, seed) % 2**31


def view_seed(case_id: str, view: int | str, seed: int) -> int:
    """The seed of one view of one case, in [0, 2⁶³), the same in every process."""
    digest = hashlib.sha256(f"{seed} {view} {case_id}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") >> 1
