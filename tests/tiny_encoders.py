"""Tiny random encoders of every family, built from files that are written here: nothing is downloaded."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from mmskin.encoders.encoder_contract import Encoder
from mmskin.schema import Field, History, Schema

SCHEMA = Schema(
    name="tiny",
    classes=("a", "b"),
    fields=(
        Field(name="age", kind="numeric", unit="years", low=0, high=120),
        Field(name="since", kind="duration"),
        Field(name="region", kind="categorical", choices=("arm", "face", "back")),
        Field(name="itch", kind="yes_no"),
    ),
)
HISTORIES = [
    History({"age": 30.0, "since": 0.0, "region": "arm", "itch": "yes"}),
    History({"age": 50.0, "since": 99.0, "region": "face", "itch": "unknown"}),
    History({"age": 70.0, "since": None, "region": "arm"}),
]
WORDS = ("it", "itches", "does", "not", "itch", "woman", "arm", "bleeds", "grew", ".", "has", "the")
CLIP_CONFIG: dict[str, Any] = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 24, "head_width": 12, "patch_size": 8},
    "text_cfg": {"context_length": 12, "vocab_size": 49408, "width": 8, "heads": 2, "layers": 2},
}


def write_bert(folder: Path) -> Path:
    """A folder with a two-layer BERT and its tokenizer, as a model folder of transformers looks."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    vocab = {word: i for i, word in enumerate(("[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS))}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.enable_padding(length=20)  # as the tokenizer.json of MiniLM has: it must not come through
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = BertConfig(
        vocab_size=len(vocab),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=24,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def write_clip_config(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tiny-clip.json"
    path.write_text(json.dumps(CLIP_CONFIG))
    return path


def photo(seed: int, height: int = 50, width: int = 70) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=generator)


def encode(encoder: Encoder, raws: list[Any]) -> Any:
    """Features of raw inputs, batched as `collate` does."""
    from torch.nn.utils.rnn import pad_sequence

    prepared = [encoder.prepare(raw) for raw in raws]
    return encoder({key: pad_sequence([p[key] for p in prepared], batch_first=True) for key in prepared[0]})


def refuse_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any attempt to open a socket fails the test."""

    class NoSocket(socket.socket):
        def __init__(self, *args: object, **kwargs: object) -> None:
            raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", NoSocket)
