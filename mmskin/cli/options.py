"""Words that several commands share, and what they do with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmskin.errors import ModelError, UserError, one_of
from mmskin.features import is_photo, photo_title

if TYPE_CHECKING:
    from mmskin.config.experiment import DataConfig
    from mmskin.trained.ensemble import Trained

Config = Annotated[Path, typer.Argument(help="experiment, a YAML file such as configs/pad_ufes_20/image_only.yaml")]
DataFile = Annotated[Path, typer.Argument(help="experiment, benchmark, or a YAML file with a data section alone")]
Overrides = Annotated[
    list[str] | None, typer.Argument(help="overrides, such as training.epochs=5 data.missingness=always_recorded")
]


def check_folder(model: Path) -> Path:
    """A name that is mistyped is refused before torch is imported."""
    if not model.expanduser().is_dir():
        raise ModelError(f"{model} is no folder: give the one of a model, or of a run, that `mmskin train` made")
    return model


Model = Annotated[
    Path,
    typer.Argument(help="model folder, or a run folder, whose models answer as an ensemble", callback=check_folder),
]
RunArm = Annotated[str | None, typer.Option("--arm", help="of a run folder with models of several arms, the one")]
MapMethod = Annotated[
    str,
    typer.Option(
        "--map",
        help="heat map: grad_cam, grad_cam_plus_plus, gradient_x_activation, layer_cam (CNNs, finer), score_cam",
    ),
]
SetLevel = Annotated[
    float,
    typer.Option("--level", help="of answer sets: of each class they hold the true one so often, such as 0.95"),
]
Images = Annotated[
    list[str] | None,
    typer.Option(help="photo; clinical=a.jpg and so on for a model that reads several kinds; repeat for several"),
]
Fields = Annotated[list[str] | None, typer.Option(help="a field of the history, such as age=62; repeat")]
Text = Annotated[str | None, typer.Option(help="what the patient says, in free text")]
PhotoKinds = Annotated[
    list[str] | None,
    typer.Option(
        "--photos", help="which photos of the new cases are those that the model reads, such as image=clinical; repeat"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="print the result as one JSON object, and nothing else")]
Replicates = Annotated[int, typer.Option(min=100, help="resamples of the patients")]


def read_photos(words: Sequence[str], trained: Trained) -> dict[str, list[str]]:
    """The values of --image → photos by kind.

    Args:
        words: paths, each after `KIND=` where it must be said. A file may have "=" in its name.
        trained: the model that will be asked.

    Raises:
        UserError: a kind that does not exist, or none named where the model reads several.
    """
    read = [modality for modality in trained.modalities if is_photo(modality)]
    known = tuple(dict.fromkeys([*read, *trained.schema.photos]))
    only = tuple(read) or known[:1]
    photos: dict[str, list[str]] = {}
    for word in words:
        named, equals, path = word.partition("=")
        is_file = not equals or Path(word).exists()
        if not is_file and named in known:
            photos.setdefault(named, []).append(path)
        elif len(only) == 1 and (is_file or len(known) == 1):
            photos.setdefault(only[0], []).append(word)
        elif is_file:
            kinds = " and ".join(f"{photo_title(kind)}s" for kind in only)
            raise UserError(f"this model reads {kinds}: say which this is, such as --image {only[0]}={word}")
        else:
            raise UserError(one_of("photo kind", named, known))
    return photos


def read_data_section(config: Path, overrides: Sequence[str] | None) -> DataConfig:
    """The data section of a file, for commands that read nothing else of it."""
    from mmskin.benchmark.leaks.study_config import LeakStudy  # a benchmark too
    from mmskin.config.experiment import Experiment, read_data
    from mmskin.model.parts_check import faults_of_data, refuse

    data = read_data(config, overrides or [], beside=(Experiment, LeakStudy))
    refuse(faults_of_data(data))
    return data


def read_kinds(words: Sequence[str] | None) -> dict[str, str]:
    """The values of --photos: the kind of the new cases by that of the model.

    Raises:
        UserError: a word without an equals sign.
    """
    pairs = [word.partition("=") for word in words or ()]
    for own, equals, other in pairs:
        if not (own and equals and other):
            raise UserError(f"--photos is written model's kind=kind of the new cases, however: {own}{equals}{other}")
    return {own: other for own, _, other in pairs}


def data_or_table(place: Path, overrides: Sequence[str] | None = None) -> Path | DataConfig:
    """What --data names: a table, or the data section of a YAML file.

    Raises:
        UserError: no such file, or overrides of a table, which has no options.
    """
    if not place.is_file():
        raise UserError(f"{place} does not exist: name a table, or a YAML file with a data section")
    if place.suffix in (".yaml", ".yml"):
        return read_data_section(place, overrides)
    if overrides:
        raise UserError(f"{overrides[0]} overrides nothing: {place} is a table, and only a YAML file has options")
    return place
