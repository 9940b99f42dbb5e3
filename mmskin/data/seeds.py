"""Seeds from names: what is drawn for a case depends on its id, not on the order in which cases come."""

from __future__ import annotations

import hashlib


def view_seed(case_id: str, view: int | str, seed: int) -> int:
    """The seed of one view of one case, in [0, 2⁶³), the same in every process."""
    digest = hashlib.sha256(f"{seed} {view} {case_id}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") >> 1
