"""The text tower of a CLIP model of open_clip as the text encoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmskin.encoders.encoder_contract import Encoder
from mmskin.encoders.freezing import Trainable
from mmskin.encoders.open_clip_towers import load_tower, read_config, save_config, set_tower_trainable
from mmskin.errors import ConfigError
from mmskin.features import Features


class OpenClipTextEncoder(Encoder):
    """Note → open_clip's own text embedding (not normalised), and one token a word piece.

    tokens: the last hidden state through the projection of the end token, so that they have its width. The tower reads
    a fixed number of word pieces, 77 for most, start and end included: little for a clinical note, and what is longer
    loses its end, which `is_truncated` tells (open_clip itself says nothing).

    Args:
        model: a name of `open_clip.list_models()`, the path of a JSON config, or a folder with open_clip_config.json.
            Towers with a tokenizer or a model of the Hugging Face hub are refused: use the transformers encoder.
        weights: "none" (random), or the path of a local CLIP checkpoint (file or folder), or of a model folder that
            mmskin saved. Nothing is downloaded.
        trainable: "all", "none", or how many of the last blocks learn.

    Raises:
        ConfigError: no such model, or one of the hub.
        ModelError: a checkpoint that is missing, damaged or of another model.
    """

    def __init__(self, *, model: str = "ViT-B-32", weights: str = "none", trainable: Trainable = "all") -> None:
        from open_clip.model import _build_text_tower

        super().__init__()
        self.config = config = read_config(model)
        options = dict(config["text_cfg"]) | {"output_tokens": True}
        asked = [key for key in ("hf_model_name", "hf_tokenizer_name") if options.get(key)]
        if asked or options.get("tokenizer_kwargs"):
            raise ConfigError(
                f"the text tower of {model!r} is of the Hugging Face hub ({', '.join(asked) or 'tokenizer_kwargs'}); "
                'use the encoder "transformers" with a local folder'
            )
        # Any: towers share attributes that nn.Module does not declare. Built alone, the other tower costs nothing.
        self.tower: Any = _build_text_tower(config["embed_dim"], options, config.get("quick_gelu", False))
        self.out_dim: int = config["embed_dim"]
        self.loaded = load_tower(self, self.tower, weights, modality="text")
        self.is_pretrained = weights != "none"
        set_tower_trainable(self.tower, trainable=trainable, last=("text_projection",))
        self.prepare: PrepareClipNote = PrepareClipNote(context_length=self.tower.context_length)
        self.train()

    def forward(self, inputs: Mapping[str, Tensor]) -> Features:
        """Encode input_ids (B, context_length) int64 with attention_mask of the same shape, 1 where a piece is."""
        pooled, hidden = self.tower(inputs["input_ids"])
        projection = self.tower.text_projection
        if isinstance(projection, nn.Linear):
            tokens = projection(hidden)
        else:
            tokens = hidden if projection is None else hidden @ projection
        return Features(pooled=pooled, tokens=tokens, mask=inputs["attention_mask"].bool())

    def save_assets(self, folder: Path) -> None:
        """Write the config, which may have come from a file."""
        save_config(folder, self.config)

    def rebuild_options(self, assets: str) -> dict[str, Any]:
        return {"model": assets, "weights": "none"}

    def is_truncated(self, raw: str) -> bool:
        return self.prepare.is_truncated(raw)

    def knows(self, word: str) -> bool:
        """Whether the word is one piece."""
        return len(_tokenizer().encode(word)) == 1


@dataclass(frozen=True)
class PrepareClipNote:
    """Note → {"input_ids", "attention_mask"}, int64 (context_length,): start, word pieces, end, zeros.

    The mask is told apart because 0 is also the word piece "!".
    """

    context_length: int

    def __call__(self, note: str) -> dict[str, Tensor]:
        pieces = self._length(note)
        mask = (torch.arange(self.context_length) < pieces).long()
        return {"input_ids": _tokenizer()(note, context_length=self.context_length)[0], "attention_mask": mask}

    def is_truncated(self, note: str) -> bool:
        """Whether the end of a note is left out."""
        return self._length(note) > self.context_length

    def _length(self, note: str) -> int:
        """Word pieces with start and end."""
        return len(_tokenizer().encode(note)) + 2


@lru_cache(maxsize=1)
def _tokenizer() -> Any:
    """CLIP's byte pair tokenizer, whose table comes inside open_clip; one a process, since it takes a second."""
    from open_clip import SimpleTokenizer

    return SimpleTokenizer()
