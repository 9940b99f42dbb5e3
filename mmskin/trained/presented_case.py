"""One case as a person presents it: photos and history read once, encoded once, for all that is asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import torch
from PIL import Image

from mmskin.errors import UserError, one_of
from mmskin.evaluation.metrics import Floats
from mmskin.features import Features, is_photo, photo_title
from mmskin.inputs.batch import Case, Rows, collate, stack_rows
from mmskin.inputs.photos import PhotoSource, image_remarks, is_photo_source, open_rgb, to_tensor
from mmskin.schema import History
from mmskin.sentence import Sentence, all_of
from mmskin.trained.ensemble import Trained
from mmskin.trained.parts_there import parts_there
from mmskin.trained.photo_check import unlike_training
from mmskin.trained.safeguards import calibrated, guarded
from mmskin.trained.trained_model import TrainedModel

Photos = PhotoSource | Sequence[PhotoSource]
GivenPhotos = Photos | Mapping[str, Photos] | None
"""Photos of one lesion: one or several of the only kind that a model reads, or by kind."""


NOTHING_READ = Sentence("the free text holds no word that this model knows: it was left out")


class PresentedCase:
    """What is asked about one case.

    trained: the model that is asked, or an ensemble.
    history: what the patient says.
    photos: by kind, upright RGB, at the side that the model reads.
    remarks: of reading the history and the photos, and of their quality.
    photo_remarks: those of them that are of reading the photos and of their quality.
    """

    def __init__(
        self,
        trained: Trained,
        history: History,
        photos: Mapping[str, Sequence[Image.Image]],
        remarks: Sequence[str] = (),
        photo_remarks: Sequence[str] = (),
    ) -> None:
        self.trained, self.history, self.photos = trained, history, photos
        self.remarks, self.photo_remarks = (*remarks, *photo_remarks), tuple(photo_remarks)

    def with_photos(self, photos: Mapping[str, Sequence[Image.Image]]) -> PresentedCase:
        """The same case with other photos."""
        others = [line for line in self.remarks if line not in self.photo_remarks]
        return PresentedCase(self.trained, self.history, photos, others, self.photo_remarks)

    @cached_property
    def by_model(self) -> dict[int, CaseOfModel]:
        """By identity of each single model, the case as that model takes it."""
        return {id(model): CaseOfModel(model, self.history, self.photos) for model in self.trained.models}

    def of(self, model: TrainedModel) -> CaseOfModel:
        """The case as one of the models takes it."""
        return self.by_model[id(model)]

    def ask(self, model: TrainedModel) -> Floats:
        """(1, C) what one of the models answers."""
        return self.of(model).probabilities()

    @cached_property
    def parts(self) -> str:
        """The key of the parts that are there, see `mmskin.trained.parts_there`."""
        there = self.of(self.trained.models[0]).case.rows
        return parts_there(self.trained.modalities, {name: bool(there[name]) for name in self.trained.modalities})

    @cached_property
    def unlike_training(self) -> tuple[str, ...]:
        """Why the photos are unlike those of training, see `mmskin.trained.photo_check`; () where nothing says so."""
        if not self.photos:
            return ()
        models = guarded(self.trained)
        vectors = [self.of(one.trained.models[0]).photo_vectors() for one in models]
        pixels = {kind: [to_tensor(photo) for photo in photos] for kind, photos in self.photos.items()}
        return unlike_training([one.safeguards.photos for one in models], vectors, pixels)

    def as_trained(self) -> Floats:
        """(C,) probabilities as the run's predictions table has them; NaN where nothing is there that is read."""
        answer: Floats = self.trained.answered(self.ask)[0]
        return answer

    def probabilities(self) -> Floats:
        """(C,) calibrated by class for the parts that are there, as they are shown to a person; NaN likewise."""
        answer: Floats = calibrated(self.trained, self.ask, [self.parts])[0]
        return answer


class CaseOfModel:
    """A presented case as one model takes it, its photos encoded once.

    trained: the model.
    history, photos: of the case.
    """

    def __init__(self, trained: TrainedModel, history: History, photos: Mapping[str, Sequence[Image.Image]]) -> None:
        self.trained, self.history, self.photos = trained, history, photos

    @property
    def prepared(self) -> dict[str, Rows]:
        """By photo kind, what its encoder takes of the photos as they are: (photos, …)."""
        return self.views[0]

    @cached_property
    def views(self) -> list[dict[str, Rows]]:
        """For every view that the model reads, by photo kind, what its encoder takes: (photos, …)."""
        variations = self.trained.variations
        by_view: list[dict[str, Rows]] = [{} for _ in range(self.trained.views)]
        for kind, photos in self.photos.items():
            prepare = self.trained.encoders[kind].prepare
            pixels = [to_tensor(photo) for photo in photos]
            views = [[photo] if variations is None else list(variations.of(photo)) for photo in pixels]
            for number, view in enumerate(by_view):
                view[kind] = stack_rows([prepare(of_photo[number]) for of_photo in views])
        return by_view

    @property
    def encoded(self) -> dict[str, list[Features]]:
        """Of the photos as they are, as `encoded_views` has it."""
        return self.encoded_views[0]

    @cached_property
    def encoded_views(self) -> list[dict[str, list[Features]]]:
        """For every view, by photo kind, a row a photo: rows that stand for the photos in a `Case`, to ask much about
        them cheaply."""
        with torch.no_grad():
            encoded = [{kind: self.trained.encoders[kind](rows) for kind, rows in view.items()} for view in self.views]
        return [{kind: _rows(features) for kind, features in view.items()} for view in encoded]

    @property
    def case(self) -> Case:
        """The case with its photos as they are."""
        return self.trained.case(self.history, self.encoded)

    def photo_vectors(self) -> dict[str, Floats]:
        """By kind of photo that is there, (1, D), what its encoder makes of the case."""
        with torch.inference_mode():
            features, present = self.trained.model.encode(collate([self.case]))
        return {kind: features[kind].pooled.double().numpy() for kind in self.photos if bool(present[kind][0])}

    @cached_property
    def _answer(self) -> Floats:
        cases = [self.trained.case(self.history, encoded) for encoded in self.encoded_views]
        return self.trained.of_views([collate([case]) for case in cases])

    def probabilities(self) -> Floats:
        """(1, C) probabilities as trained, the mean over the views."""
        return self._answer


def present(
    trained: Trained,
    image: GivenPhotos = None,
    metadata: Mapping[str, object] | None = None,
    text: str | None = None,
) -> PresentedCase:
    """Read photos and history; photos and text of which the model reads nothing are left out, with a remark.

    Args:
        trained: the model that will be asked.
        image: one photo of the lesion or several, each as `open_rgb` takes it; by kind where the model reads several
            kinds.
        metadata: field values by name, as the schema declares them; a field left out is *not recorded*.
        text: what the patient says, in free text.

    Raises:
        UserError: a photo that cannot be read, a kind that the model does not know, a value that is not admissible.
    """
    history, remarks = trained.schema.read_history({} if metadata is None else metadata, text)
    if history.text and not reads_any(trained, history.text):
        history, remarks = replace(history, text=None), [*remarks, NOTHING_READ]
    given = _by_kind(image, trained)
    kinds = [kind for kind in trained.modalities if is_photo(kind)]
    unused = [kind for kind, photos in given.items() if photos and kind not in kinds]
    wording = "the {photo} was not used: this model reads {photos}"
    remarks += [Sentence(wording, photo=photo_title(kind), photos=_listed(kinds)) for kind in unused]
    photos: dict[str, list[Image.Image]] = {}
    photo_remarks: list[str] = []
    for kind in kinds:
        for source in given.get(kind, ()):
            read = open_rgb(source, max_side=trained.photo_side)
            photos.setdefault(kind, []).append(read.image)
            found = (*read.remarks, *image_remarks(to_tensor(read.image)))
            photo_remarks += of_kind(kind, found) if len(kinds) > 1 else found
    return PresentedCase(trained, history, photos, remarks, photo_remarks)


def of_kind(kind: str, lines: Sequence[str]) -> list[str]:
    """Lines on a photo that say of which kind it is."""
    return [Sentence("{photo}: {line}", photo=photo_title(kind), line=line) for line in lines]


def reads_any(trained: Trained, text: str) -> bool:
    """Whether the model knows a word of a text; one that reads no text says so elsewhere."""
    return "text" not in trained.encoders or trained.encoders["text"].reads(text)


def _by_kind(image: GivenPhotos, trained: Trained) -> dict[str, list[PhotoSource]]:
    """Photos by kind, those without a kind under the only one that the model reads.

    Raises:
        UserError: a kind that does not exist, or none named where there are several.
    """
    kinds = [kind for kind in trained.modalities if is_photo(kind)] or list(trained.schema.photos)
    if image is None:
        return {}
    if isinstance(image, Mapping):
        for kind in image:
            if kind not in {*kinds, *trained.schema.photos}:
                raise UserError(one_of("photo kind", kind, kinds))
        return {kind: several(photos) for kind, photos in image.items()}
    if len(kinds) > 1:
        raise UserError(
            f"this model reads {_listed(kinds)}: say which a photo is, such as image={{{kinds[0]!r}: 'a.jpg'}} "
            f"or --image {kinds[0]}=a.jpg"
        )
    return {kinds[0]: several(image)}


def several(photos: Photos) -> list[PhotoSource]:
    """One photo or several as a list."""
    return [photos] if is_photo_source(photos) else list(photos)  # type: ignore[list-item, arg-type]


def _listed(kinds: Sequence[str]) -> str:
    titles = [f"{photo_title(kind)}s" for kind in kinds]
    return all_of(titles) if titles else Sentence("no photo")


def _rows(features: Features) -> list[Features]:
    parts = [[None] * len(features.pooled) if part is None else list(part) for part in features]
    return [Features(*row) for row in zip(*parts, strict=True)]
