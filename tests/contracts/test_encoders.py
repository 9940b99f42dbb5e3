"""What every encoder in the tables promises."""

from __future__ import annotations

import inspect
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_encoders import HISTORIES, SCHEMA, encode, photo, refuse_network, write_bert, write_clip_config
from torch import Tensor

from mmskin.config.build import build
from mmskin.encoders import IMAGE_ENCODERS, METADATA_ENCODERS, TEXT_ENCODERS
from mmskin.encoders.encoder_contract import Encoder
from mmskin.errors import ConfigError
from mmskin.features import Features

TABLES: dict[str, dict[str, Callable[..., Encoder]]] = {
    "image": IMAGE_ENCODERS,
    "text": TEXT_ENCODERS,
    "metadata": METADATA_ENCODERS,
}
# To be small, or to reach a second path of the code; {bert} and {clip} are folders written here. An encoder that is not
# named runs as it is.
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "image-timm": [
        {"model": "test_resnet"},
        {"model": "test_vit"},
        {"model": "test_efficientnet", "trainable": "none"},
        {"model": "mobilenetv3_small_050", "image_size": 64},
    ],
    "image-open_clip": [{"model": "{clip}"}, {"model": "{clip}", "trainable": 1}],
    "text-transformers": [
        {"model": "{bert}", "max_length": 20},
        {"model": "{bert}", "max_length": 20, "weights": "none", "pooling": "cls", "normalize": True},
    ],
    "text-open_clip": [{"model": "{clip}"}],
    "metadata-onehot": [{}, {"standardize": True}],
}
CASES = [
    (modality, {"name": name, **options})
    for modality, table in TABLES.items()
    for name in table
    for options in VARIANTS.get(f"{modality}-{name}", [{}])
]
RAWS: dict[str, list[Any]] = {
    "image": [photo(0), photo(1, 20, 20), photo(2, 90, 33)],
    "text": ["it does not itch", "the arm itches . it has grew . it bleeds", ""],
    "metadata": HISTORIES,
}
Built = tuple[str, Encoder, list[Any]]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    base = tmp_path_factory.mktemp("encoders")
    return {"{bert}": str(write_bert(base / "bert")), "{clip}": str(write_clip_config(base / "clip"))}


@pytest.fixture(params=CASES, ids=lambda case: "-".join([case[0], *(str(value) for value in case[1].values())]))
def case(request: pytest.FixtureRequest, folders: dict[str, str]) -> tuple[str, dict[str, Any]]:
    modality, spec = request.param
    return modality, {
        key: folders.get(value, value) if isinstance(value, str) else value for key, value in spec.items()
    }


def make(modality: str, spec: dict[str, Any]) -> Encoder:
    torch.manual_seed(0)
    context = (SCHEMA,) if modality == "metadata" else ()
    encoder = build(f"{modality} encoder", TABLES[modality], spec, *context)
    encoder.fit(HISTORIES)
    return encoder


@pytest.fixture
def built(case: tuple[str, dict[str, Any]]) -> Built:
    modality, spec = case
    return modality, make(modality, spec).eval(), RAWS[modality]


@torch.inference_mode()
def test_declared_width_and_shapes_are_true(built: Built) -> None:
    _, encoder, raws = built
    features = encode(encoder, raws)
    assert isinstance(features, Features)
    assert features.pooled.shape == (len(raws), encoder.out_dim)
    assert features.pooled.is_floating_point()
    assert features.pooled.isfinite().all()
    assert (features.tokens is None) == (features.mask is None)
    assert (features.tokens is not None) == encoder.gives_tokens
    assert encoder.gives_tokens or encoder.grid is None
    if features.tokens is not None:
        assert features.mask is not None
        assert features.tokens.shape == (*features.mask.shape, encoder.out_dim)
        assert features.mask.dtype == torch.bool
        assert features.mask.any(dim=1).all()
        assert features.tokens.isfinite().all()


@torch.inference_mode()
def test_a_case_is_encoded_alike_alone_and_in_any_batch(built: Built) -> None:
    _, encoder, raws = built
    together, reversed_ = encode(encoder, raws), encode(encoder, raws[::-1])
    for row, raw in enumerate(raws):
        alone = encode(encoder, [raw])
        for other in (together.pooled[row], reversed_.pooled[len(raws) - 1 - row]):
            torch.testing.assert_close(other, alone.pooled[0], rtol=1e-4, atol=1e-5)
        if alone.tokens is not None:
            real = alone.tokens[0][alone.mask[0]]
            torch.testing.assert_close(together.tokens[row][together.mask[row]], real, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_two_eval_calls_agree(built: Built) -> None:
    _, encoder, raws = built
    assert torch.equal(encode(encoder, raws).pooled, encode(encoder, raws).pooled)


@torch.inference_mode()
def test_different_inputs_are_told_apart(built: Built) -> None:
    _, encoder, raws = built
    pooled = encode(encoder, raws).pooled
    assert (pooled[0] - pooled[1]).abs().max() > 1e-6


def test_gradients_reach_every_trainable_parameter_and_no_other(built: Built) -> None:
    _, encoder, raws = built
    encoder.train()
    features = encode(encoder, raws)
    everything = features.pooled.square().sum()
    if features.tokens is not None:
        everything = everything + features.tokens[features.mask].pow(3).sum()
    if everything.requires_grad:
        everything.backward()
    wrong = [name for name, p in encoder.named_parameters() if p.requires_grad != (p.grad is not None)]
    assert wrong == []


def test_frozen_parts_do_not_move_in_training(built: Built) -> None:
    _, encoder, raws = built
    encoder.train()
    for module in encoder.modules():
        parameters = list(module.parameters())
        assert not module.training or not parameters or any(p.requires_grad for p in parameters)
    frozen = {name for name, p in encoder.named_parameters() if not p.requires_grad}
    owners = {name.rpartition(".")[0] for name in frozen}
    still = {name: b.clone() for name, b in encoder.named_buffers() if name.rpartition(".")[0] in owners}
    encode(encoder, raws)
    now = dict(encoder.named_buffers())
    assert all(torch.equal(tensor, now[name]) for name, tensor in still.items())


def test_prepare_is_picklable_and_does_not_hold_the_encoder(built: Built) -> None:
    _, encoder, raws = built
    again = pickle.loads(pickle.dumps(encoder.prepare))
    for raw in raws:
        first, second = encoder.prepare(raw), again(raw)
        assert first.keys() == second.keys()
        assert all(isinstance(v, Tensor) and torch.equal(v, second[k]) for k, v in first.items())
    assert repr(again) == repr(encoder.prepare)
    assert " at 0x" not in repr(encoder.prepare)


@torch.inference_mode()
def test_rebuilt_from_what_a_saved_model_holds_it_answers_alike(
    case: tuple[str, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modality, spec = case
    first = make(modality, spec).eval()
    first.save_assets(tmp_path / "assets")
    state = json.loads(json.dumps(first.state_json()))
    refuse_network(monkeypatch)

    context = (SCHEMA,) if modality == "metadata" else ()
    rebuilt_spec = spec | first.rebuild_options(str(tmp_path / "assets"))
    second = build(f"{modality} encoder", TABLES[modality], rebuilt_spec, *context).eval()
    second.load_state_json(state)
    second.load_state_dict(first.state_dict())

    assert torch.equal(encode(second, RAWS[modality]).pooled, encode(first, RAWS[modality]).pooled)


def test_every_option_is_keyword_only() -> None:
    for modality, table in TABLES.items():
        for constructor in table.values():
            parameters = list(inspect.signature(constructor).parameters.values())
            context, options = parameters[: modality == "metadata"], parameters[modality == "metadata" :]
            assert all(p.name == "schema" for p in context)
            assert all(p.kind is inspect.Parameter.KEYWORD_ONLY and p.default is not p.empty for p in options)


def test_an_unknown_option_is_refused_by_name(case: tuple[str, dict[str, Any]]) -> None:
    modality, spec = case
    with pytest.raises(ConfigError, match="option 'no_such_option' does not exist"):
        make(modality, spec | {"no_such_option": 1})


def test_the_tables_import_none_of_the_wrapped_libraries() -> None:
    code = "import sys, mmskin.encoders; print([m for m in ('timm', 'transformers', 'open_clip') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120).stdout
    assert told.strip() == "[]"
