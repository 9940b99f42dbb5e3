"""Parts of your own under a name, for this process: in configs, in the command line by `--plugin`, in saved models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from mmskin.config.parts import Parts

Part = TypeVar("Part", bound=Callable[..., Any])


def register_fusion(name: str) -> Callable[[Part], Part]:
    """A class decorator that makes a fusion known under a name.

    >>> @mmskin.register_fusion("mean_of_vectors")
    ... class MeanOfVectors(mmskin.Fusion):
    ...     '''The mean of the pooled vectors, which must have one width.'''
    ...
    ...     def __init__(self, dims, num_classes):
    ...         super().__init__(num_classes)
    ...         self.modalities, self.out_dim = tuple(dims), next(iter(dims.values()))
    ...
    ...     def forward(self, features, present):
    ...         return mmskin.FusionOutput(sum(features[m].pooled for m in self.modalities) / len(self.modalities))

    Raises:
        ConfigError: another fusion has that name.
    """
    from mmskin.fusion import FUSIONS

    return _adder(FUSIONS, name)


def register_loss(name: str) -> Callable[[Part], Part]:
    """A class decorator that makes a loss known under a name.

    >>> from mmskin.losses.cross_entropy import CrossEntropyLoss
    >>> @mmskin.register_loss("doubled_cross_entropy")
    ... class Doubled(CrossEntropyLoss):
    ...     def forward(self, logits, target, *, progress=0.0):
    ...         return 2 * super().forward(logits, target, progress=progress)

    Raises:
        ConfigError: another loss has that name.
    """
    from mmskin.losses import LOSSES

    return _adder(LOSSES, name)


def register_encoder(name: str, modality: Literal["image", "text", "metadata"] = "image") -> Callable[[Part], Part]:
    """A class decorator that makes an encoder known under a name.

    >>> from mmskin.encoders.hashing_text import HashingTextEncoder
    >>> @mmskin.register_encoder("short_hashing", modality="text")
    ... class ShortHashing(HashingTextEncoder):
    ...     def __init__(self):
    ...         super().__init__(dim=8, buckets=64)

    Args:
        name: in configs.
        modality: what it reads; all kinds of photos are "image".

    Raises:
        ConfigError: another encoder of that modality has the name.
    """
    from mmskin.encoders import encoder_table

    return _adder(encoder_table(modality), name)


def register_table_arm(name: str) -> Callable[[Part], Part]:
    """A decorator that makes an arm known that is no network: see `mmskin.benchmark.baselines.table_arm_contract`.

    >>> from mmskin.benchmark.baselines.majority import majority
    >>> @mmskin.register_table_arm("most_frequent")
    ... def most_frequent(facts):
    ...     return majority(facts)

    Raises:
        ConfigError: another table arm has that name.
    """
    from mmskin.benchmark.baselines import BASELINES

    return _adder(BASELINES, name)


def register_source(name: str) -> Callable[[Part], Part]:
    """A class decorator that makes a data set known under a name; its `load(root)` gives `Cases`.

    >>> @mmskin.register_source("three_clinics")
    ... class ThreeClinics:
    ...     def load(self, root):
    ...         return mmskin.read_table(f"{root}/all.csv", target="diagnosis")

    Raises:
        ConfigError: another data set has that name.
    """
    from mmskin.data.sources import SOURCES

    return _adder(SOURCES, name)


def _adder(table: Parts[Any], name: str) -> Callable[[Part], Part]:
    def add(part: Part) -> Part:
        table.add(name, part)
        return part

    return add
