"""What every text encoder that runs from embeddings promises to explanations."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_encoders import write_bert

from mmskin.encoders.encoder_contract import WordEncoder
from mmskin.encoders.hashing_text import HashingTextEncoder
from mmskin.encoders.transformers_text import TransformersTextEncoder

NOTE = 'It ITCHES-has the arm.  Does not, itch …  Patient: "bleeds"'


@pytest.fixture(params=["hashing", "transformers"])
def encoder(request: pytest.FixtureRequest, tmp_path: Path) -> WordEncoder:
    torch.manual_seed(0)
    if request.param == "hashing":
        return HashingTextEncoder(dim=8, buckets=64, max_tokens=9).eval()
    return TransformersTextEncoder(model=str(write_bert(tmp_path)), weights="none", max_length=12).eval()


def test_from_its_own_embeddings_an_encoder_answers_the_same(encoder: WordEncoder) -> None:
    inputs = {key: tensor[None] for key, tensor in encoder.prepare(NOTE).items()}
    with torch.no_grad():
        whole, again = encoder(inputs), encoder.from_embeddings(encoder.embed(inputs), inputs)
    for one, other in zip(whole, again, strict=True):
        torch.testing.assert_close(one, other)
    assert encoder.no_word().shape == encoder.embed(inputs).shape[2:]


def test_every_row_knows_its_word_as_far_as_the_note_is_read(encoder: WordEncoder) -> None:
    rows = encoder.words_of(NOTE)
    assert len(rows) == encoder.embed({key: tensor[None] for key, tensor in encoder.prepare(NOTE).items()}).shape[1]
    # It | ITCHES-has (three pieces for BERT, two for words) | the | arm. | Does | not, | itch | …
    if isinstance(encoder, HashingTextEncoder):
        assert rows == [0, 1, 1, 2, 3, 4, 5, 6, 8]
    else:
        assert rows == [-1, 0, 1, 1, 1, 2, 3, 3, 4, 5, 5, -1]


def test_an_empty_note_is_no_word(encoder: WordEncoder) -> None:
    assert set(encoder.words_of(" ")) == {-1}


def test_no_word_is_the_unknown_piece(tmp_path: Path) -> None:
    encoder = TransformersTextEncoder(model=str(write_bert(tmp_path)), weights="none", max_length=12)
    unknown = encoder.prepare("xyzzy")["input_ids"][1]
    assert torch.equal(encoder.no_word(), encoder.model.get_input_embeddings().weight[unknown])
