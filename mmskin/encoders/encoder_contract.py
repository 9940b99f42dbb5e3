"""What every encoder promises."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn

from mmskin.encoders.field_reader import FieldReader
from mmskin.encoders.freezing import hold_frozen
from mmskin.features import Features
from mmskin.schema import History

Inputs = dict[str, Tensor]
Prepare = Callable[[Any], Inputs]


class Licensed(NamedTuple):
    """Pretrained weights under the name that people know, and their licence; "" where nobody states it."""

    name: str
    licence: str


class Encoder(nn.Module):
    """Raw input of one modality → Features.

    out_dim: D, the width of pooled and tokens.
    prepare: a picklable callable that turns one raw input into a dict of unbatched tensors: an image encoder's takes a
        (3, H, W) uint8 RGB tensor, a text encoder's a note (str), a metadata encoder's a History. Tensors of different
        lengths are padded with 0 on their first axis when a batch is made.
    gives_tokens: whether Features hold tokens; of an encoder that depends on options for it, what most of them give.
    grid: rows and columns of an image encoder's tokens, row by row; None where they are no map of the photo.
    prefix_tokens: how many class, distillation and register tokens go before the patches inside a transformer.
    is_pretrained: whether it starts from weights that were learned elsewhere, and wants a smaller learning rate.
    licensed: of an encoder that starts from such weights, whose they are; None where they come from a file of the user.
    field_reader: of a text encoder that was taught the declared fields, what reads them from its Features; else None.

    `gives_tokens` of a class is read from its source before anything is imported, so it is written as a plain value.

    A saved model holds the tensors, `state_json` and what `save_assets` writes, and is built again from the same
    options with those of `rebuild_options` in place: so it needs neither a package nor a network.
    """

    out_dim: int
    prepare: Prepare
    gives_tokens: bool = True
    grid: tuple[int, int] | None = None
    prefix_tokens: int = 0
    is_pretrained: bool = False
    licensed: Licensed | None = None

    def __init__(self) -> None:
        super().__init__()
        self.field_reader: FieldReader | None = None

    @property
    def last_block(self) -> nn.Module | None:
        """Of a transformer over patches, its last block, (B, prefix + T, D) → the same; None for everything else."""
        return None

    @property
    def finer_stage(self) -> nn.Module | None:
        """Of a CNN, the stage before the last, whose output (B, C, h, w) is a finer map; None for everything else."""
        return None

    def cells_and_reader(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Callable[[Tensor], Features]]:
        """Of an image encoder with a grid: its last feature map, and what it makes of such a map, differentiable.

        The map is (B, prefix + T, D'), cells row by row; read by the second part it gives what `forward` gives. This
        holds as it stands for encoders whose pooled vector is the mean of their tokens; those that do more after the
        map (a norm, a head) have their own. It is not asked of encoders with a `last_block`.
        """
        tokens = self(inputs).tokens
        assert isinstance(tokens, Tensor)

        def read(cells: Tensor) -> Features:
            return Features(cells.mean(1), cells, torch.ones(cells.shape[:2], dtype=torch.bool, device=cells.device))

        return tokens, read

    def forward(self, inputs: Mapping[str, Tensor]) -> Features:
        """Encode a batch.

        Args:
            inputs: what `prepare` gave, stacked: every tensor has a leading B.
        """
        raise NotImplementedError

    def train(self, mode: bool = True) -> Self:
        """Set the mode of the parts that learn; frozen ones stay in eval."""
        super().train(mode)
        hold_frozen(self)
        return self

    def fit(self, histories: Sequence[History]) -> None:
        """Learn statistics from training histories. Most encoders have none."""

    def state_json(self) -> dict[str, Any]:
        """What `fit` learned and a tokenizer holds, in plain values; {} if nothing."""
        return {}

    def load_state_json(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_json` gave."""

    def save_assets(self, folder: Path) -> None:
        """Write the files, weights aside, that building it again needs. Most encoders need none."""

    def rebuild_options(self, assets: str) -> dict[str, Any]:
        """Options that replace those it was built with, when tensors follow; assets is where `save_assets` wrote."""
        return {}

    def is_truncated(self, raw: Any) -> bool:
        """Whether `prepare` leaves the end of a raw input out; only text encoders with a limit do."""
        return False

    def take_vocabulary(self, texts: Iterable[str]) -> None:
        """Take the words of texts, on which it was taught, for a vocabulary; of a text encoder that has none."""

    def reads(self, text: str) -> bool:
        """Whether a text encoder reads any word of a text; one without a vocabulary reads them all."""
        return True

    def knows(self, word: str) -> bool:
        """Whether a text encoder has a word in its vocabulary; one without a vocabulary knows every word."""
        return True


class WordEncoder(Encoder):
    """A text encoder that runs from embeddings too, so that a gradient can be followed to each word of a note.

    `forward(inputs)` is the same as `from_embeddings(embed(inputs), inputs)`.
    """

    def embed(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """(B, T, E), one embedding a row of `prepare(note)`, before any row has seen another."""
        raise NotImplementedError

    def no_word(self) -> Tensor:
        """(E,) the embedding that stands for no word."""
        raise NotImplementedError

    def from_embeddings(self, embedded: Tensor, inputs: Mapping[str, Tensor]) -> Features:
        """Encode a batch whose rows have these embeddings; everything else is as in inputs."""
        raise NotImplementedError

    def words_of(self, note: str) -> list[int]:
        """Of each row of `prepare(note)`: which of `note_words(note)` it is of; -1 for what is of none."""
        raise NotImplementedError
