"""Arms whose text encoder is taught the declared fields, once for all of them, before anything else is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from mmskin.benchmark.arms import ResolvedArm
from mmskin.benchmark.run.cell import held_threads
from mmskin.config.teaching_options import TAUGHT
from mmskin.schema import Schema
from mmskin.teaching.taught import resolved

Say = Callable[[str], None]


def with_taught(arms: Mapping[str, ResolvedArm], schema: Schema, *, say: Say) -> dict[str, ResolvedArm]:
    """The same arms, with `taught` of their text encoders resolved to folders.

    Args:
        arms: by name.
        schema: the data set's full declaration: an encoder is taught all of it, whatever fields a fold keeps.
        say: told when one is taught.
    """
    return {name: _with_taught(arm, schema, say) for name, arm in arms.items()}


def _with_taught(arm: ResolvedArm, schema: Schema, say: Say) -> ResolvedArm:
    if TAUGHT not in arm.encoders.get("text", {}):
        return arm
    features = Path(arm.reading(arm.seeds[0]).features)
    with held_threads(1):  # so that the same encoder is taught whoever teaches it
        text = resolved(arm.encoders["text"], schema, features, say=say)
    return arm.with_encoders({**arm.encoders, "text": text})
