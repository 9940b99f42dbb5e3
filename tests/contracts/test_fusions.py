"""What every fusion in the table promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, combinations
from typing import Any

import pytest
import torch
from torch import Tensor

from mmskin.config.build import build
from mmskin.errors import ConfigError
from mmskin.features import Features, is_photo
from mmskin.fusion import FUSIONS
from mmskin.fusion.fusion_contract import Fusion, FusionOutput

ONE_KIND = {"image": 64, "text": 32, "metadata": 16}
TWO_KINDS = {"clinical": 64, "dermoscopic": 128, "text": 32, "metadata": 16}
TOKENS = {"image": 9, "clinical": 9, "dermoscopic": 7, "text": 5, "metadata": 4}
CLASSES = 3
# Only to be quick, or to reach a second path of the code; a fusion that is not named runs as it is.
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "concat": [{}, {"joint_dim": 8}],
    "late": [{}, {"hidden_dim": 8, "joint": True}],
    "cross_attention": [
        {"hidden_dim": 16},
        {"hidden_dim": 16, "depth": 2},
        {"hidden_dim": 16, "directions": "history_to_image"},
        {"hidden_dim": 16, "directions": "image_to_history"},
    ],
    "gated": [{}, {"modalities": ("image", "text")}],
    "film": [{}, {"depth": 2}],
    "bottleneck": [{"hidden_dim": 16}],
    "co_attention": [{"hidden_dim": 16}, {"hidden_dim": 16, "depth": 2, "modalities": ("image", "text")}],
}
OF_TWO_KINDS: dict[str, dict[str, Any]] = {"image_only": {"modality": "dermoscopic"}}
Dims = dict[str, int]
Case = tuple[dict[str, Any], Dims]
CASES: list[Case] = [({"name": n, **options}, ONE_KIND) for n in FUSIONS for options in VARIANTS.get(n, [{}])]
CASES += [({"name": n, **OF_TWO_KINDS.get(n, {}), **VARIANTS.get(n, [{}])[0]}, TWO_KINDS) for n in FUSIONS]


@pytest.fixture(params=CASES, ids=lambda case: "-".join([*map(str, case[0].values()), str(len(case[1]))]))
def case(request: pytest.FixtureRequest) -> Case:
    chosen: Case = request.param
    return chosen


@pytest.fixture
def spec(case: Case) -> dict[str, Any]:
    return case[0]


@pytest.fixture
def dims(case: Case) -> Dims:
    return case[1]


@pytest.fixture
def fusion(case: Case) -> Fusion:
    return _fusion(*case)


def _fusion(spec: Mapping[str, Any], dims: Mapping[str, int]) -> Fusion:
    """A fusion just off its start: one that starts as the photo alone does not yet do what it promises."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        fusion = build("fusion", FUSIONS, spec, dims, CLASSES)
        for parameter in fusion.parameters():
            parameter.data += torch.randn(parameter.shape) * 0.02
    fusion.set_prior(torch.tensor([6.0, 3.0, 1.0]))
    return fusion.eval()


def _features(num_cases: int, dims: Mapping[str, int], *, seed: int = 1) -> dict[str, Features]:
    """Random features with sequences of different lengths, NaN wherever a mask says that nothing is there."""
    generator = torch.Generator().manual_seed(seed)
    features = {}
    for m, dim in dims.items():
        tokens = torch.randn(num_cases, TOKENS[m], dim, generator=generator)
        lengths = torch.randint(1, TOKENS[m] + 1, (num_cases,), generator=generator)
        mask = torch.arange(TOKENS[m]) < lengths[:, None]
        pooled = torch.randn(num_cases, dim, generator=generator)
        features[m] = Features(pooled, tokens.masked_fill(~mask[..., None], torch.nan), mask)
    return features


def _all_present(num_cases: int, dims: Mapping[str, int]) -> dict[str, Tensor]:
    return {m: torch.ones(num_cases, dtype=torch.bool) for m in dims}


def _subsets(modalities: Sequence[str]) -> list[tuple[str, ...]]:
    return list(chain.from_iterable(combinations(modalities, n) for n in range(1, len(modalities) + 1)))


def _without_absent(features: Mapping[str, Features], present: Mapping[str, Tensor]) -> dict[str, Features]:
    """What the model hands over: a learned vector, or one learned token, in the place of what is absent."""
    handed = {}
    for m, (pooled, tokens, mask) in features.items():
        assert tokens is not None
        assert mask is not None
        absent = ~present[m]
        learned = torch.linspace(-1.0, 1.0, pooled.shape[1])
        pooled, tokens, mask = pooled.clone(), tokens.clone(), mask.clone()
        pooled[absent] = learned
        tokens[absent, 0] = learned
        mask[absent] = torch.arange(mask.shape[1]) == 0
        handed[m] = Features(pooled, tokens, mask)
    return handed


def _answer(output: FusionOutput) -> Tensor:
    answer = output.fused if output.fused is not None else output.logits
    assert answer is not None
    return answer


def _rows(features: Mapping[str, Features], index: Tensor) -> dict[str, Features]:
    return {m: Features(*(part[index] for part in parts if part is not None)) for m, parts in features.items()}


def test_gives_either_a_representation_of_the_declared_width_or_logits(fusion: Fusion, dims: Dims) -> None:
    output = fusion(_features(5, dims), _all_present(5, dims))
    if fusion.out_dim is None:
        assert output.fused is None
        assert output.logits is not None
        assert output.logits.shape == (5, CLASSES)
    else:
        assert output.logits is None
        assert output.fused is not None
        assert output.fused.shape == (5, fusion.out_dim)
    for logits in (output.branch_logits or {}).values():
        assert logits.shape == (5, CLASSES)


def test_declares_modalities_that_have_encoders_and_tokens_of_those_only(fusion: Fusion, dims: Dims) -> None:
    assert fusion.modalities
    assert set(fusion.modalities) <= set(dims)
    assert set(fusion.needs_tokens) <= set(fusion.modalities)


def test_reads_tokens_of_declared_modalities_only(fusion: Fusion, dims: Dims) -> None:
    features = _features(5, dims)
    pooled_only = {m: f if m in fusion.needs_tokens else Features(f.pooled) for m, f in features.items()}
    assert torch.equal(
        _answer(fusion(pooled_only, _all_present(5, dims))), _answer(fusion(features, _all_present(5, dims)))
    )


def test_a_case_is_answered_the_same_alone_in_any_batch_and_in_any_order(fusion: Fusion, dims: Dims) -> None:
    features = _features(6, dims)
    generator = torch.Generator().manual_seed(2)
    present = {m: torch.rand(6, generator=generator) < 0.7 for m in dims}
    photo = next(m for m in dims if is_photo(m))
    present[photo][:] |= ~present["text"] & ~present["metadata"]
    features = _without_absent(features, present)
    together = _answer(fusion(features, present))
    order = torch.tensor([4, 2, 0, 5, 1, 3])
    for index in (order, order[:3], *torch.arange(6)[:, None]):
        answer = _answer(fusion(_rows(features, index), {m: p[index] for m, p in present.items()}))
        torch.testing.assert_close(answer, together[index], rtol=1e-4, atol=1e-5)


def test_the_content_of_an_absent_modality_cannot_matter(fusion: Fusion, dims: Dims) -> None:
    one, other = _features(5, dims, seed=1), _features(5, dims, seed=2)
    for subset in _subsets(fusion.modalities):
        present = {m: torch.full((5,), m in subset) for m in dims}
        mixed = {m: one[m] if m in subset else other[m] for m in dims}
        torch.testing.assert_close(
            _answer(fusion(_without_absent(mixed, present), present)),
            _answer(fusion(_without_absent(one, present), present)),
            rtol=1e-5,
            atol=1e-6,
        )


def test_a_present_modality_matters(fusion: Fusion, dims: Dims) -> None:
    one, other = _features(5, dims, seed=1), _features(5, dims, seed=2)
    for m in fusion.modalities:
        changed = _answer(fusion({**one, m: other[m]}, _all_present(5, dims)))
        assert not torch.allclose(changed, _answer(fusion(one, _all_present(5, dims))), atol=1e-3)


def test_modalities_it_does_not_declare_cannot_change_it(fusion: Fusion, spec: dict[str, Any], dims: Dims) -> None:
    if set(fusion.modalities) == set(dims):
        fusion = _fusion(spec, {m: dim for m, dim in dims.items() if m != "metadata"})
    features, present = _features(5, dims), _all_present(5, dims)
    declared = _answer(fusion({m: features[m] for m in fusion.modalities}, {m: present[m] for m in fusion.modalities}))
    assert torch.equal(_answer(fusion(features, present)), declared)


def test_answers_every_nonempty_subset_of_its_modalities(fusion: Fusion, dims: Dims) -> None:
    for subset in _subsets(fusion.modalities):
        present = {m: torch.full((4,), m in subset) for m in dims}
        assert _answer(fusion(_without_absent(_features(4, dims), present), present)).isfinite().all()


def test_with_all_present_gradients_reach_every_parameter_and_every_declared_encoder(
    fusion: Fusion, dims: Dims
) -> None:
    fusion.train()
    features = _features(16, dims)
    for part in chain.from_iterable(features[m][:2] for m in fusion.modalities):
        part.requires_grad_()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        output = fusion(features, _all_present(16, dims))
    generator = torch.Generator().manual_seed(3)
    answers = [_answer(output), *(output.branch_logits or {}).values()]
    torch.stack(
        [(answer * torch.randn(answer.shape, generator=generator)).sum() for answer in answers]
    ).sum().backward()
    for name, parameter in fusion.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert (parameter.grad != 0).any(), name
    for m in fusion.modalities:
        # A photo may be read by its tokens alone.
        gradients = [part.grad.flatten(1) for part in features[m][:2] if part.grad is not None]
        assert gradients, m
        assert (torch.cat(gradients, dim=1) != 0).any(dim=1).all(), m


def test_gradients_stay_finite_whatever_is_absent(fusion: Fusion, dims: Dims) -> None:
    fusion.train()
    for subset in _subsets(fusion.modalities):
        present = {m: torch.full((4,), m in subset) for m in dims}
        fusion.zero_grad()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            answer = _answer(fusion(_without_absent(_features(4, dims), present), present))
        if answer.requires_grad:
            answer.sum().backward()
        assert all(p.grad is None or p.grad.isfinite().all() for p in fusion.parameters())


def test_two_calls_in_eval_mode_agree_bit_for_bit(fusion: Fusion, dims: Dims) -> None:
    features, present = _features(5, dims), _all_present(5, dims)
    assert torch.equal(_answer(fusion(features, present)), _answer(fusion(features, present)))


def test_does_not_change_what_it_is_given(fusion: Fusion, dims: Dims) -> None:
    features = _features(5, dims)
    fusion(features, _all_present(5, dims))
    for m, untouched in _features(5, dims).items():
        for now, before in zip(features[m], untouched, strict=True):
            torch.testing.assert_close(now, before, rtol=0.0, atol=0.0, equal_nan=True)


def test_the_order_of_modalities_cannot_matter(fusion: Fusion, spec: dict[str, Any], dims: Dims) -> None:
    features, present = _features(5, dims), _all_present(5, dims)
    photos = [m for m in dims if is_photo(m)]  # their own order is the data set's
    turned = _fusion(spec, {m: dims[m] for m in ("metadata", "text", *photos)})
    assert turned.modalities == fusion.modalities
    answer = _answer(turned(dict(reversed(features.items())), dict(reversed(present.items()))))
    assert torch.equal(answer, _answer(fusion(features, present)))


def test_the_length_of_the_padding_cannot_matter(fusion: Fusion, dims: Dims) -> None:
    longer = {}
    for m, (pooled, tokens, mask) in (features := _features(5, dims)).items():
        assert tokens is not None
        assert mask is not None
        garbage = torch.full((5, 3, dims[m]), torch.nan)
        nothing = torch.zeros(5, 3, dtype=torch.bool)
        longer[m] = Features(pooled, torch.cat([tokens, garbage], dim=1), torch.cat([mask, nothing], dim=1))
    torch.testing.assert_close(
        _answer(fusion(longer, _all_present(5, dims))),
        _answer(fusion(features, _all_present(5, dims))),
        rtol=1e-5,
        atol=1e-6,
    )


def test_its_state_is_all_that_it_has_learned(fusion: Fusion, spec: dict[str, Any], dims: Dims) -> None:
    features, present = _features(5, dims), _all_present(5, dims)
    with torch.random.fork_rng():
        torch.manual_seed(9)
        other = build("fusion", FUSIONS, spec, dims, CLASSES).eval()
        for parameter in fusion.parameters():
            parameter.data += torch.randn(parameter.shape) * 0.1
    other.load_state_dict(fusion.state_dict())
    assert torch.equal(_answer(other(features, present)), _answer(fusion(features, present)))


def test_runs_in_half_precision(fusion: Fusion, dims: Dims) -> None:
    features, present = _features(5, dims), _all_present(5, dims)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        answer = _answer(fusion(features, present))
    # bfloat16 keeps eight bits: 1 % of values of order 1, a few times over.
    torch.testing.assert_close(answer.float(), _answer(fusion(features, present)), rtol=0.05, atol=0.1)


def test_dropout_outside_its_range_is_refused(spec: dict[str, Any], dims: Dims) -> None:
    with pytest.raises(ConfigError, match=f"{spec['name']}.*dropout must be a number in .0, 1., however: dropout=1.0"):
        build("fusion", FUSIONS, {**spec, "dropout": 1.0}, dims, CLASSES)


def test_a_modality_without_an_encoder_is_refused_by_name(fusion: Fusion, spec: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=spec["name"]):
        build("fusion", FUSIONS, spec, {}, CLASSES)
