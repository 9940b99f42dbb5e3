"""One list of classes for several data sets, and what each of their labels is in it.

    classes: {BCC: Basal cell carcinoma, NEV: Nevus}       # title by class, in the order of the logits
    groups: {malignant: [BCC]}                             # named sets of classes
    labels:                                                # by data set: label → class, or null
      ham10000: {bcc: BCC, nv: NEV, akiec: null}

`null` is a label that the list cannot tell: such a case has no target, which is not the same as a negative one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from mmskin.config.yaml_files import read_yaml
from mmskin.data.tables.faults import first_fault
from mmskin.errors import ConfigError, one_of


class Labelled(NamedTuple):
    """A data set that is to be put on the list: its key in the experiment, its name, its own classes."""

    key: str
    name: str
    classes: Sequence[str]


class ClassMap(BaseModel):
    """The content of a class map; `labels` is by the name of a source, or by its key if two have the same name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: dict[str, str]
    groups: dict[str, tuple[str, ...]] = {}
    labels: dict[str, dict[str, str | None]]

    @model_validator(mode="after")
    def _names_its_classes(self) -> Self:
        named = [(f"groups.{group}", name) for group, members in self.groups.items() for name in members]
        for source, labels in self.labels.items():
            named += [(f"labels.{source}.{label}", name) for label, name in labels.items() if name is not None]
        for where, name in named:
            if name not in self.classes:
                raise ValueError(one_of(f"{where}: class", name, self.classes))
        return self

    def of(self, sources: Sequence[Labelled]) -> dict[str, dict[str, str | None]]:
        """By key of each source: its label → class.

        Raises:
            ConfigError: sources or labels that the map does not mention, labels that no source has, classes that no
                label maps to; all at once.
        """
        faults = []
        found = {}
        for source in sources:
            labels = self.labels.get(source.key, self.labels.get(source.name))
            if labels is None:
                faults.append(f"labels has no entry {source.name!r}")
            else:
                faults += _misfits(source, labels)
                found[source.key] = labels
        unreached = [name for name in self.classes if not any(name in labels.values() for labels in found.values())]
        if unreached and not faults:
            faults.append(f"no label of {', '.join(found)} maps to {', '.join(unreached)}: leave it out of classes")
        if faults:
            raise ConfigError("; ".join(faults) + "; a label maps to a class, or to null if the list cannot tell it")
        return found


def _misfits(source: Labelled, labels: Mapping[str, str | None]) -> list[str]:
    unmentioned = [name for name in source.classes if name not in labels]
    strangers = [name for name in labels if name not in source.classes]
    faults = []
    if strangers:
        faults.append(f"{source.name} has no label {', '.join(strangers)}; it has {', '.join(source.classes)}")
    if unmentioned:
        faults.append(f"{len(unmentioned)} labels of {source.name} are not mentioned: {', '.join(unmentioned)}")
    return faults


def read_class_map(path: Path) -> ClassMap:
    """A class map from a YAML 1.2 file.

    Raises:
        ConfigError: no such file, no YAML, a doubled key, another content.
    """
    try:
        return ClassMap.model_validate(read_yaml(path))
    except ValidationError as error:
        raise ConfigError(f"{path}: {first_fault(error)}") from None
