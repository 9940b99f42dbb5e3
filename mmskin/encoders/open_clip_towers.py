"""One tower of an open_clip model, without the other and without a network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from mmskin.encoders.freezing import Trainable, set_trainable, stages_of
from mmskin.encoders.weights import (
    Loaded,
    Tensors,
    load_exactly,
    load_saved_into,
    read_tensors,
    weights_file,
    without_prefix,
)
from mmskin.errors import ConfigError, ModelError, one_of
from mmskin.features import is_photo

_TEXT = ("text_projection", "positional_embedding", "token_embedding", "transformer", "ln_final")
"""Tensors of the text tower in a CLIP checkpoint, which other checkpoints hold under `text.`."""


PREPROCESS = "preprocess_cfg"
"""Beside the model in open_clip_config.json: mean, std and resize_mode of its pixels."""


def read_config(model: str) -> dict[str, Any]:
    """The model config of open_clip under a name, in a JSON file, or in a folder with open_clip_config.json.

    What a file says of the pixels stands under `PREPROCESS`.

    Raises:
        ConfigError: no such name or file.
        ModelError: a file that is no open_clip config.
    """
    import open_clip

    path = Path(model).expanduser()
    if path.is_dir():
        path = path / "open_clip_config.json"
    if path.suffix == ".json":
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            config = {**content.get("model_cfg", content), PREPROCESS: content.get(PREPROCESS, {})}
            config["embed_dim"], config["vision_cfg"], config["text_cfg"]
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise ModelError(
                f"{path} is not an open_clip config with embed_dim, vision_cfg and text_cfg: {error!r}"
            ) from error
    else:
        config = open_clip.get_model_config(model)
        if config is None:
            hint = one_of("open_clip model", model, open_clip.list_models())
            raise ConfigError(
                hint.split(" It must be")[0] + " open_clip.list_models() names all; a JSON config will do"
            )
    return dict(config)


def save_config(folder: Path, config: Mapping[str, Any]) -> None:
    """Write open_clip_config.json, from which `read_config` takes the same again."""
    folder.mkdir(parents=True, exist_ok=True)
    model = {key: value for key, value in config.items() if key != PREPROCESS}
    text = json.dumps({"model_cfg": model, PREPROCESS: config.get(PREPROCESS, {})}, indent=2)
    (folder / "open_clip_config.json").write_text(text, encoding="utf-8")


def load_tower(encoder: nn.Module, tower: nn.Module, weights: str, *, modality: str) -> Loaded | None:
    """Fill one tower from a CLIP checkpoint, or an encoder from a model that mmskin saved.

    weights: "none", for which nothing is done and None is returned, or a path.

    Tensors of the other tower and the logit scale are dropped, and listed in the result.

    Raises:
        ModelError: no such file, damaged, or of another model.
    """
    if weights == "none":
        return None
    source = weights_file(weights)
    tensors = read_tensors(source)
    saved = load_saved_into(encoder, tensors, source=source, modality=modality)
    if saved is not None:
        return saved
    tensors, wrapping = without_prefix(tensors, ("visual", "text", *_TEXT, "logit_scale"))
    prefix = "visual." if is_photo(modality) else "text."
    ours, others = _split(tensors, prefix)
    loaded = load_exactly(tower, ours, source=source)
    return loaded._replace(dropped=others, prefix=wrapping)


def _split(tensors: Tensors, prefix: str) -> tuple[Tensors, tuple[str, ...]]:
    """Tensors of one tower without its prefix, and the names of all others."""
    if prefix == "text." and "text_projection" in tensors:
        tensors = {f"text.{name}" if name.startswith(_TEXT) else name: tensor for name, tensor in tensors.items()}
    ours = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    # The causal mask is a constant that some checkpoints carry.
    ours.pop("attn_mask", None)
    return ours, tuple(name for name in tensors if not name.startswith(prefix))


def set_tower_trainable(tower: nn.Module, *, trainable: Trainable, last: tuple[str, ...]) -> None:
    """As `set_trainable`, a stage a transformer block; towers of another kind take "all" or "none"."""
    blocks = getattr(getattr(tower, "transformer", None), "resblocks", None)
    if isinstance(blocks, nn.ModuleList):
        set_trainable(stages_of(list(blocks), whole=tower, last=last), trainable=trainable)
    elif isinstance(trainable, str):
        set_trainable([list(tower.parameters())], trainable=trainable)
    else:
        raise ConfigError(
            f'{type(tower).__name__} has no list of blocks: trainable must be "all" or "none", however: {trainable}'
        )
