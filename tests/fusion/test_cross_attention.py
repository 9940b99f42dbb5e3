from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mmskin.features import Features
from mmskin.fusion.cross_attention import CrossAttentionFusion

DIMS = {"image": 6, "text": 5}


def _tokens(*, seed: int = 0, num_cases: int = 2) -> dict[str, Features]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "image": Features(
            torch.randn(num_cases, 6, generator=generator),
            torch.randn(num_cases, 4, 6, generator=generator),
            torch.ones(num_cases, 4, dtype=torch.bool),
        ),
        "text": Features(
            torch.randn(num_cases, 5, generator=generator),
            torch.randn(num_cases, 3, 5, generator=generator),
            torch.tensor([[True, True, True], [True, True, False]])[:num_cases],
        ),
    }


def _fusion(dims: dict[str, int] = DIMS, **options: Any) -> CrossAttentionFusion:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return CrossAttentionFusion(dims, 3, **{"hidden_dim": 8, "num_heads": 2, **options}).eval()


def _attention_by_formula(block: Any, query: Tensor, key: Tensor, mask: Tensor) -> Tensor:
    """softmax(Q Kᵀ / √d) V for each case and each of two heads of width 4, written out with loops."""
    weight, bias, out = block.attention.in_proj_weight, block.attention.in_proj_bias, block.attention.out_proj
    query, key = block.norm_query(query), block.norm_key(key)
    q, k, v = (
        F.linear(x, weight[8 * i : 8 * (i + 1)], bias[8 * i : 8 * (i + 1)]) for i, x in enumerate((query, key, key))
    )
    answers = torch.zeros_like(q)
    for case in range(len(q)):
        real = mask[case]
        for head in (slice(0, 4), slice(4, 8)):
            scores = q[case, :, head] @ k[case, real, head].T / math.sqrt(4)
            answers[case, :, head] = scores.softmax(dim=1) @ v[case, real, head]
    attended: Tensor = out(answers)
    return attended


def test_equals_the_formula_written_out_token_by_token() -> None:
    fusion, features = _fusion(), _tokens()
    image, text = (fusion.embed[m](features[m].tokens) for m in ("image", "text"))
    image_mask, text_mask = features["image"].mask, features["text"].mask
    assert image_mask is not None
    assert text_mask is not None
    layer: Any = fusion.layers[0]
    new_image = image + _attention_by_formula(layer["image"], image, text, text_mask)
    new_image = new_image + layer["image"].feed_forward(new_image)
    new_text = text + _attention_by_formula(layer["history"], text, image, image_mask)
    new_text = new_text + layer["history"].feed_forward(new_text)
    mean_image = fusion.norm["image"](new_image).mean(dim=1)
    normed = fusion.norm["history"](new_text)
    mean_text = torch.stack([normed[0].mean(dim=0), normed[1, :2].mean(dim=0)])  # case 1 has two words
    pooled = [fusion.summarize[m](features[m].pooled) for m in ("image", "text")]
    expected = torch.cat([mean_image, mean_text, *pooled], dim=1)
    torch.testing.assert_close(fusion(features, {}).fused, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("query", ["image", "history"])
def test_what_attention_answers_depends_on_its_query(query: str) -> None:
    # Over a key sequence of length one the softmax is 1 and the query cannot matter: a fault in published code.
    fusion = _fusion()
    answers: list[Tensor] = []
    layer: Any = fusion.layers[0]
    layer[query].attention.register_forward_hook(lambda _module, _inputs, output: answers.append(output[0]))
    features = _tokens()
    name = "image" if query == "image" else "text"
    asked = features[name].tokens
    assert asked is not None
    fusion(features, {})
    fusion({**features, name: features[name]._replace(tokens=asked.flip(2))}, {})
    assert not torch.allclose(answers[0], answers[1], atol=1e-4)


@pytest.mark.parametrize(("directions", "streams"), [("both", 2), ("history_to_image", 1), ("image_to_history", 1)])
def test_streams_that_attend_and_all_pooled_vectors_are_fused(directions: str, streams: int) -> None:
    fusion = _fusion(directions=directions)
    assert fusion.out_dim == 8 * (streams + 2)


def test_notes_and_fields_share_the_history_stream_and_are_told_apart() -> None:
    fusion = _fusion({"image": 6, "text": 5, "metadata": 5})
    fusion.embed["metadata"].load_state_dict(fusion.embed["text"].state_dict())
    features = _tokens()
    same = features["text"]
    one = fusion({**features, "metadata": Features(same.pooled, same.tokens, same.mask)}, {}).fused
    kinds = fusion.kind
    kinds["text"].data, kinds["metadata"].data = kinds["text"].data.clone(), kinds["text"].data.clone()
    other = fusion({**features, "metadata": Features(same.pooled, same.tokens, same.mask)}, {}).fused
    assert not torch.allclose(one, other, atol=1e-5)


def test_with_one_kind_of_history_there_is_nothing_to_tell_apart() -> None:
    assert len(_fusion().kind) == 0


def test_token_dropout_hides_tokens_in_training_only_and_never_all() -> None:
    fusion = _fusion(dropout=0.0, token_dropout=0.9)
    features = _tokens()
    sure = fusion(features, {}).fused
    fusion.train()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        drawn = [fusion(features, {}).fused for _ in range(30)]
    assert all(fused.isfinite().all() for fused in drawn)
    assert any(not torch.allclose(fused, sure, atol=1e-4) for fused in drawn)
    torch.testing.assert_close(_fusion(dropout=0.0, token_dropout=0.0).train()(features, {}).fused, sure)


def test_a_modality_without_tokens_is_named_with_what_to_do() -> None:
    features = {**_tokens(), "image": Features(torch.zeros(2, 6))}
    with pytest.raises(ValueError, match=r"needs tokens of 'image'.*choose an encoder that gives patches"):
        _fusion()(features, {})


@pytest.mark.parametrize(
    ("dims", "options", "message"),
    [
        (DIMS, {"hidden_dim": 10, "num_heads": 4}, "hidden_dim must be divisible by num_heads.*=10, num_heads=4"),
        (DIMS, {"depth": 0}, "depth=0"),
        (DIMS, {"token_dropout": 1.0}, "token_dropout=1.0"),
        (DIMS, {"directions": "image"}, "directions 'image' does not exist"),
        ({"text": 5, "metadata": 4}, {}, "the photo must be one side"),
        ({"image": 6}, {}, "at least 2 modalities"),
    ],
)
def test_what_cannot_be_built_is_refused(dims: dict[str, int], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CrossAttentionFusion(dims, 3, **options)
