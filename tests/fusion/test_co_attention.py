from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from mmskin.features import Features
from mmskin.fusion.co_attention import CoAttentionFusion

DIMS = {"image": 6, "text": 5}


def _features() -> dict[str, Features]:
    """Two cases; the second has two words of three."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.tensor([[True, True, True], [True, True, False]])
    return {
        "image": Features(
            torch.randn(2, 6, generator=generator),
            torch.randn(2, 4, 6, generator=generator),
            torch.ones(2, 4, dtype=torch.bool),
        ),
        "text": Features(torch.randn(2, 5, generator=generator), torch.randn(2, 3, 5, generator=generator), lengths),
    }


def _fusion(dims: dict[str, int] = DIMS, **options: Any) -> CoAttentionFusion:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return CoAttentionFusion(dims, 3, **{"hidden_dim": 8, "num_heads": 2, **options}).eval()


def _attend(block: Any, queries: Tensor, keys: Tensor) -> Tensor:
    return block(queries, keys, torch.ones(keys.shape[:2], dtype=torch.bool))


@pytest.mark.parametrize("depth", [1, 2])
def test_equals_the_layers_written_out_case_by_case_without_padding(depth: int) -> None:
    fusion, features = _fusion(depth=depth), _features()
    rows = []
    for case in range(2):
        streams = []
        for m, (pooled, tokens, mask) in features.items():
            assert tokens is not None
            assert mask is not None
            sequence = torch.cat([pooled[case : case + 1], tokens[case, mask[case]]])
            streams.append((fusion.embed[m](sequence) + fusion.kind[m])[None])
        image, text = streams
        for layer in range(depth):
            co: Any = fusion.co_attention[layer]
            own: Any = fusion.self_attention[layer]
            met_image, met_text = _attend(co["image"], image, text), _attend(co["history"], text, image)
            image, text = _attend(own["image"], met_image, met_image), _attend(own["history"], met_text, met_text)
        rows.append(fusion.norm["image"](image[:, 0]) * fusion.norm["history"](text[:, 0]))
    torch.testing.assert_close(fusion(features, {}).fused, torch.cat(rows), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("stream", ["image", "history"])
def test_what_attention_answers_depends_on_its_query(stream: str) -> None:
    fusion = _fusion()
    answers: list[Tensor] = []
    layer: Any = fusion.co_attention[0]
    layer[stream].attention.register_forward_hook(lambda _module, _inputs, output: answers.append(output[0]))
    features = _features()
    name = "image" if stream == "image" else "text"
    asked = features[name].tokens
    assert asked is not None
    fusion(features, {})
    fusion({**features, name: features[name]._replace(tokens=asked.flip(2))}, {})
    assert not torch.allclose(answers[0][:, 1:], answers[1][:, 1:], atol=1e-4)


def test_a_summary_of_nought_silences_the_other() -> None:
    # The answer is a product, so neither side alone can move it.
    fusion = _fusion()
    torch.nn.init.zeros_(fusion.norm["history"].weight)
    assert torch.equal(fusion(_features(), {}).fused, torch.zeros(2, 8))


def test_notes_and_fields_share_the_history_stream_and_are_told_apart_by_their_kind() -> None:
    fusion = _fusion({"image": 6, "text": 5, "metadata": 5})
    fusion.embed["metadata"].load_state_dict(fusion.embed["text"].state_dict())
    features, other = _features(), torch.Generator().manual_seed(3)
    fields = Features(torch.randn(2, 5, generator=other), torch.randn(2, 3, 5, generator=other), features["text"].mask)
    one = fusion({**features, "metadata": fields}, {}).fused
    swapped = {**features, "text": fields, "metadata": features["text"]}
    assert not torch.allclose(fusion(swapped, {}).fused, one, atol=1e-4)
    fusion.kind["metadata"].data = fusion.kind["text"].data.clone()
    torch.testing.assert_close(fusion(swapped, {}).fused, fusion({**features, "metadata": fields}, {}).fused)


def test_a_modality_without_tokens_is_named_with_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"co_attention needs tokens of 'text'.*choose an encoder"):
        _fusion()({**_features(), "text": Features(torch.zeros(2, 5))}, {})


@pytest.mark.parametrize(
    ("dims", "options", "message"),
    [
        (DIMS, {"hidden_dim": 10, "num_heads": 4}, "hidden_dim must be divisible by num_heads.*=10, num_heads=4"),
        (DIMS, {"depth": 0}, "depth=0"),
        (DIMS, {"token_dropout": 1.0}, "token_dropout=1.0"),
        ({"text": 5, "metadata": 4}, {}, "the photo must be one side"),
        ({"image": 6}, {}, "at least 2 modalities"),
    ],
)
def test_what_cannot_be_built_is_refused(dims: dict[str, int], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CoAttentionFusion(dims, 3, **options)
