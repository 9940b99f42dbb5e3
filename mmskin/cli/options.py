"""Words that several commands share, and what they do with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mmskin.config.experiment import DataConfig

Config = Annotated[Path, typer.Argument(help="experiment, a YAML file such as configs/pad_ufes_20/image_only.yaml")]
DataFile = Annotated[Path, typer.Argument(help="experiment, benchmark, or a YAML file with a data section alone")]
Overrides = Annotated[
    list[str] | None, typer.Argument(help="overrides, such as training.epochs=5 data.missingness=always_recorded")
]
Model = Annotated[Path, typer.Argument(help="model folder, or a run folder that holds one model")]
Images = Annotated[list[Path] | None, typer.Option(help="photo; repeat for several of the same lesion")]
Fields = Annotated[list[str] | None, typer.Option(help="a field of the history, such as age=62; repeat")]
Text = Annotated[str | None, typer.Option(help="what the patient says, in free text")]
Replicates = Annotated[int, typer.Option(min=100, help="resamples of the patients")]


def read_data_section(config: Path, overrides: Sequence[str] | None) -> DataConfig:
    """The data section of a file, for commands that read nothing else of it."""
    from mmskin.benchmark.benchmark_config import Benchmark
    from mmskin.config.experiment import Experiment, read_data

    return read_data(config, overrides or [], beside=(Experiment, Benchmark))
