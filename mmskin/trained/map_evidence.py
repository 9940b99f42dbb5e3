"""What heat maps of a model were found to be worth, kept with it, so that each map can say so to who looks at it."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from mmskin.errors import ModelError
from mmskin.schema import PatientUnit
from mmskin.trained.ensemble import Ensemble, Trained

MAP_EVIDENCE = "map_evidence"  # its key in the record of a model


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Estimate(_Part):
    """A mean over cases, with its 95 % interval from resampling patients."""

    value: float
    low: float
    high: float


class MapEvidence(_Part):
    """deletion, insertion: area under the answer in the map's own order minus that of random orders, see
    `mmskin.explain.check`. cases: on which it was measured, of so many patients, none of whom the model learned from.
    """

    deletion: Estimate
    insertion: Estimate
    cases: int = Field(ge=1)
    patients: int = Field(ge=1)
    patient_unit: PatientUnit = "patient"

    @property
    def beats_random(self) -> bool:
        """Whether both intervals lie on the better side of random orders."""
        return self.deletion.high < 0 < self.insertion.low


Evidence = Mapping[str, Mapping[str, MapEvidence]]
"""By kind of photo, by heat map."""

_READ = TypeAdapter(dict[str, dict[str, MapEvidence]])


def map_evidence_of(trained: Trained) -> Evidence:
    """What is known of a model's maps; {} of one that was not measured, and of several models together.

    Raises:
        ModelError: it is damaged.
    """
    try:
        return {} if isinstance(trained, Ensemble) else _READ.validate_python(trained.record.get(MAP_EVIDENCE, {}))
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise ModelError(f"what this model's heat maps are worth is damaged, at {MAP_EVIDENCE}.{where}") from None


def preferred_map(trained: Trained, kind: str, default: str) -> str:
    """The heat map that is shown of a kind of photo: the default, but where another one alone beats random orders."""
    known = map_evidence_of(trained).get(kind, {})
    better = [method for method, evidence in known.items() if evidence.beats_random]
    return better[0] if better and default not in better else default
