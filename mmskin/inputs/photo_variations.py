"""Test-time views: the variations of a photo over which an answer is averaged, the same ones for every photo."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from torch import Tensor

from mmskin.data.seeds import view_seed
from mmskin.inputs.augment import Augment
from mmskin.inputs.feature_store import StoredPhotos
from mmskin.inputs.readers import PhotoReader, Reader


@dataclass(frozen=True)
class PhotoVariations:
    """What a photo looks like in the views after the plain one.

    One draw of the augmentation for each view serves all photos (every photo is turned by the same angle in view 1, and
    so on): so a photo has the same views whatever it is called and wherever it comes from, a table or memory.

    augment: the augmentation of training.
    seeds: one for each view after the plain one.
    """

    augment: Augment
    seeds: tuple[int, ...]

    @classmethod
    def drawn(cls, augment: Augment, *, views: int, seed: int) -> Self:
        """The variations of `views` views, of which the first is the plain one."""
        return cls(augment, tuple(view_seed("at test", view, seed) for view in range(1, views)))

    def of(self, photo: Tensor) -> Iterator[Tensor]:
        """A photo (3, H, W) uint8 in every view, as it is first."""
        yield photo
        yield from (self.augment(photo, seed) for seed in self.seeds)

    def readers(self, readers: Mapping[str, Reader]) -> Iterator[dict[str, Reader]]:
        """Readers by modality for every view, those that were given first; notes and columns are read alike in all."""
        yield dict(readers)
        for seed in self.seeds:
            yield {modality: _varied(reader, self.augment, seed) for modality, reader in readers.items()}

    def to_json(self) -> dict[str, Any]:
        return {"augment": asdict(self.augment), "seeds": list(self.seeds)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        return cls(Augment(**content["augment"]), tuple(content["seeds"]))


def _varied(reader: Reader, augment: Augment, seed: int) -> Reader:
    if isinstance(reader, StoredPhotos):
        return StoredPhotos(reader.store, reader.reader.always(augment, seed))
    return reader.always(augment, seed) if isinstance(reader, PhotoReader) else reader
