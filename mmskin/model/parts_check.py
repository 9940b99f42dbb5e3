"""Parts that do not go together, seen from what they declare."""

from __future__ import annotations

from mmskin.encoders import encoder_table


def no_tokens(fusion: str, modality: str, encoder: str) -> str:
    """The sentence for a fusion that reads tokens of an encoder that gives none."""
    table = encoder_table(modality)
    giving = sorted(name for name in table if getattr(table[name], "gives_tokens", True))
    return (
        f"fusion {fusion!r} reads tokens of {modality}, and its encoder {encoder!r} gives none: "
        f"choose one that does ({', '.join(giving)}), or a fusion that needs no tokens"
    )
