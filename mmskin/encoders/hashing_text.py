"""A small text encoder that needs no weights, no vocabulary and no download."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Literal

import torch
from torch import Tensor, nn

from mmskin.encoders.encoder_contract import WordEncoder
from mmskin.encoders.freezing import set_trainable
from mmskin.errors import ConfigError
from mmskin.features import Features
from mmskin.note_words import UNSPACED, note_words

IDS_PER_WORD = 32
"""Room for the word, the pair with the word before, and 30 character n-grams: words of 16 letters with n = 3, 4."""
_WORD = re.compile(rf"\d+|{UNSPACED}|(?:(?!{UNSPACED})[^\W\d])+|[.!?;]")  # "67F" is a number and a letter
HIGHEST_NUMBER, NEAR_NUMBERS = 199, 7
"""Whole numbers up to the first are told by the numbers around them, so many on each side."""
_SENTENCE_END = "."


class HashingTextEncoder(WordEncoder):
    """Note → pooled vector and one token a word; everything learned from the training notes.

    A word is the mean of the embeddings of itself, its character n-grams (Bojanowski et al. 2017, eq. 2, so that
    "itches" and "itching" are near) and the pair with the word before it, each hashed into one table: "not itch" is
    another feature than "does itch". A number up to 199 is the mean of itself and its 7 neighbours on each side, which
    61 and 62 share but for one: an answer changes little from one year of age to the next. A residual depthwise
    convolution then lets a word see two neighbours on each side, so that a negation reaches over a word. pooled: masked
    mean of the tokens after a layer norm. Case, accents and punctuation are dropped, but for sentence ends, which no
    pair crosses.
    An empty note is one token of its own. A longer note than `max_tokens` words loses its end, which `is_truncated`
    tells. One that was taught the fields has the words of its lessons for a vocabulary: words that are not in it
    are not read at all, for what they were hashed to would be chance.

    Args:
        dim: width.
        buckets: size of the table; with some thousand different features, twice as many keep collisions few.
        ngrams: lengths of the character n-grams; empty for whole words only.
        max_tokens: words read.
        dropout: of word features, in [0, 1), while training.
        trainable: "all" or "none"; nothing of it is worth reading frozen unless it was taught before.
    """

    def __init__(
        self,
        *,
        dim: int = 128,
        buckets: int = 8192,
        ngrams: Sequence[int] = (3, 4),
        max_tokens: int = 96,
        dropout: float = 0.1,
        trainable: Literal["all", "none"] = "all",
    ) -> None:
        super().__init__()
        for name, value in (
            ("dim", dim),
            ("buckets", buckets),
            ("max_tokens", max_tokens),
            *(("ngrams", n) for n in ngrams),
        ):
            if value < 1:
                raise ConfigError(f"{name} must be 1 or more, however: {value}")
        self.out_dim = dim
        self.prepare: HashNote = HashNote(buckets=buckets, ngrams=tuple(ngrams), max_tokens=max_tokens)
        self.embedding = nn.Embedding(buckets + 1, dim, padding_idx=0)
        self.neighbours = nn.Conv1d(dim, dim, kernel_size=5, padding=2, groups=dim)
        self.norm = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)
        set_trainable([list(self.parameters())], trainable=trainable)
        self.train()

    def forward(self, inputs: Mapping[str, Tensor]) -> Features:
        """Encode ids (B, T, IDS_PER_WORD) int64, 0 where there is none."""
        return self.from_embeddings(self.embed(inputs), inputs)

    def embed(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """(B, T, dim), the mean of a word's features; the pair with the word before counts as the word's own."""
        ids = inputs["ids"]
        count = ids.ne(0).sum(dim=-1, keepdim=True).clamp_min(1)
        embedded: Tensor = self.embedding(ids).sum(dim=2) / count
        return embedded

    def no_word(self) -> Tensor:
        """Zeros, as padding is."""
        return torch.zeros(self.out_dim, device=self.embedding.weight.device)

    def from_embeddings(self, embedded: Tensor, inputs: Mapping[str, Tensor]) -> Features:
        mask = inputs["ids"].ne(0).any(dim=-1)
        words = self.dropout(embedded)
        # Padded words are zeros here, as the convolution's own padding is: a note is the same alone and in a batch.
        tokens = self.norm(words + self.neighbours(words.transpose(1, 2)).transpose(1, 2))
        share = mask.to(tokens.dtype) / mask.sum(dim=1, keepdim=True).clamp_min(1)
        return Features(pooled=torch.einsum("bt,btd->bd", share, tokens), tokens=tokens, mask=mask)

    def words_of(self, note: str) -> list[int]:
        rows = [index for index, word in enumerate(note_words(note)) for _ in self.prepare.read(word)]
        return rows[: self.prepare.max_tokens] or [-1]

    def is_truncated(self, raw: str) -> bool:
        return len(self.prepare.read(raw)) > self.prepare.max_tokens

    def take_vocabulary(self, texts: Iterable[str]) -> None:
        self._know(sorted({word for text in texts for _, word in _words(text)}))

    def knows(self, word: str) -> bool:
        vocabulary = self.prepare.known
        return not vocabulary or all(part in vocabulary for _, part in _words(word))

    def reads(self, text: str) -> bool:
        return bool(self.prepare.read(text))

    def state_json(self) -> dict[str, Any]:
        """{"vocabulary": words} of one that was taught, in which nobody's notes are; {} of others."""
        return {"vocabulary": list(self.prepare.vocabulary)} if self.prepare.vocabulary else {}

    def load_state_json(self, state: Mapping[str, Any]) -> None:
        self._know(state.get("vocabulary", ()))

    def _know(self, vocabulary: Sequence[str]) -> None:
        self.prepare = replace(self.prepare, vocabulary=tuple(vocabulary))


@dataclass(frozen=True)
class HashNote:
    """Note → {"ids": (T, IDS_PER_WORD) int64}, each in 1 … buckets, 0 for no feature. The same on every machine.

    vocabulary: words that are read, numbers aside; empty for all.
    """

    buckets: int
    ngrams: tuple[int, ...]
    max_tokens: int
    vocabulary: tuple[str, ...] = ()

    def __call__(self, note: str) -> dict[str, Tensor]:
        words = self.read(note)[: self.max_tokens] or [("", "")]
        return {"ids": torch.stack([_ids(before, word, self.ngrams, self.buckets) for before, word in words])}

    def read(self, note: str) -> list[tuple[str, str]]:
        """The words that are read, each with the one before it."""
        return list(_words(note, reads=self._reads))

    @cached_property
    def known(self) -> frozenset[str]:
        return frozenset(self.vocabulary)

    def _reads(self, word: str) -> bool:
        return not self.vocabulary or word in self.known or word.isdecimal()


@lru_cache(maxsize=16_384)  # notes are read anew in every epoch, and say the same words again and again
def _ids(before: str, word: str, ngrams: tuple[int, ...], buckets: int) -> Tensor:
    """(IDS_PER_WORD,) int64 of a word after another one, not to be written to: all notes share it."""
    if word.isdecimal() and int(word) <= HIGHEST_NUMBER:
        return _hashed([f"# {int(word) + step}" for step in range(-NEAR_NUMBERS, NEAR_NUMBERS + 1)], buckets)
    marked = f"<{word}>"
    grams = [f"n {marked[i : i + n]}" for n in ngrams for i in range(len(marked) - n + 1)]
    return _hashed([f"w {word}", f"p {before} {word}", *grams][:IDS_PER_WORD], buckets)


def _hashed(features: Sequence[str], buckets: int) -> Tensor:
    ids = torch.zeros(IDS_PER_WORD, dtype=torch.int64)
    ids[: len(features)] = torch.tensor([zlib.crc32(feature.encode()) % buckets + 1 for feature in features])
    return ids


def _words(note: str, *, reads: Callable[[str], bool] = lambda word: True) -> Iterator[tuple[str, str]]:
    """Pairs of the word before ("." at the start of a sentence) and the word, of the words that are read."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", note) if not unicodedata.combining(c))
    before = _SENTENCE_END
    for word in _WORD.findall(plain.lower()):
        if word in ".!?;":
            before = _SENTENCE_END
        elif reads(word):
            yield before, word
            before = word
