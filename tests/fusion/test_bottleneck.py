from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from mmskin.features import Features
from mmskin.fusion.bottleneck import BottleneckFusion

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


def _fusion(dims: dict[str, int] = DIMS, **options: Any) -> BottleneckFusion:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return BottleneckFusion(dims, 3, **{"hidden_dim": 8, "num_heads": 2, "num_bottlenecks": 2, **options}).eval()


def _self_attention(block: Any, tokens: Tensor) -> Tensor:
    return block(tokens, tokens, torch.ones(tokens.shape[:2], dtype=torch.bool))


@pytest.mark.parametrize("depth", [2, 3])
def test_equals_the_layers_written_out_case_by_case_without_padding(depth: int) -> None:
    fusion, features = _fusion(depth=depth), _features()
    rows = []
    for case in range(2):
        streams = {}
        for m, (_, tokens, mask) in features.items():
            assert tokens is not None
            assert mask is not None
            streams[m] = fusion.embed[m](tokens[case, mask[case]])[None]
        shared = fusion.bottleneck[None]
        for layer in fusion.layers:
            image = _self_attention(layer["image"], torch.cat([streams["image"], shared], dim=1))
            text = _self_attention(layer["text"], torch.cat([streams["text"], shared], dim=1))
            streams = {"image": image[:, :-2], "text": text[:, :-2]}
            shared = (image[:, -2:] + text[:, -2:]) / 2
        means = [fusion.norm[m](streams[m]).mean(dim=1) for m in DIMS]
        pooled = [fusion.summarize[m](features[m].pooled[case : case + 1]) for m in DIMS]
        rows.append(torch.cat([*means, *pooled], dim=1))
    torch.testing.assert_close(fusion(features, {}).fused, torch.cat(rows), rtol=1e-4, atol=1e-5)


def _moves_the_photo(fusion: BottleneckFusion) -> bool:
    """Whether other words change what comes out of the photo's stream."""
    features = _features()
    words = features["text"].tokens
    assert words is not None
    changed = {**features, "text": features["text"]._replace(tokens=words.flip(2))}
    one, other = (fusion(given, {}).fused[:, :8] for given in (features, changed))
    return not torch.equal(one, other)


def test_a_modality_reaches_another_through_the_bottleneck_only() -> None:
    fusion = _fusion()
    assert _moves_the_photo(fusion)

    def cut(_block: Any, given: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, ...]:
        """What the second layer is given, with the bottleneck put back to its start."""
        tokens = torch.cat([given[0][:, :-2], fusion.bottleneck.expand(2, -1, -1)], dim=1)
        return tokens, tokens, given[2]

    second: Any = fusion.layers[1]
    second["image"].register_forward_pre_hook(cut)
    assert not _moves_the_photo(fusion)


@pytest.mark.parametrize("modality", ["image", "text"])
def test_what_attention_answers_depends_on_its_query(modality: str) -> None:
    # All tokens of a stream meet the same keys: if the query did not matter, all would be answered the same.
    fusion = _fusion()
    answers: list[Tensor] = []
    layer: Any = fusion.layers[0]
    layer[modality].attention.register_forward_hook(lambda _module, _inputs, output: answers.append(output[0]))
    fusion(_features(), {})
    assert not torch.allclose(answers[0][:, 0], answers[0][:, 1], atol=1e-4)


def test_out_dim_counts_streams_and_pooled_vectors() -> None:
    assert _fusion({"image": 6, "text": 5, "metadata": 4}).out_dim == 8 * 2 * 3


def test_a_modality_without_tokens_is_named_with_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"bottleneck needs tokens of 'text'.*choose an encoder"):
        _fusion()({**_features(), "text": Features(torch.zeros(2, 5))}, {})


@pytest.mark.parametrize(
    ("dims", "options", "message"),
    [
        (DIMS, {"hidden_dim": 10, "num_heads": 4}, "hidden_dim must be divisible by num_heads.*=10, num_heads=4"),
        (DIMS, {"depth": 1}, "at least 2, for the first layer only gathers, however: depth=1"),
        (DIMS, {"num_bottlenecks": 0}, "num_bottlenecks=0"),
        (DIMS, {"token_dropout": 1.0}, "token_dropout=1.0"),
        ({"image": 6}, {}, "at least 2 modalities"),
    ],
)
def test_what_cannot_be_built_is_refused(dims: dict[str, int], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BottleneckFusion(dims, 3, **options)


def test_shared_tokens_start_as_small_as_in_the_paper() -> None:
    # Nagrani et al. 2021, section 4.2: N(0, 0.02); a sample of n has its deviation within 4 / sqrt(2 n).
    tokens = _fusion(hidden_dim=256, num_heads=4, num_bottlenecks=8).bottleneck.detach()
    assert float(tokens.std()) == pytest.approx(0.02, rel=4 / (2 * tokens.numel()) ** 0.5)
