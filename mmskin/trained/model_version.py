"""Of which model an answer is: said with every answer, so that it can be found again."""

from __future__ import annotations

from typing import NamedTuple

import mmskin
from mmskin.trained.ensemble import Trained

CHECKSUM = "checksum"  # its key in the record of a model that was read from a folder


class ModelVersion(NamedTuple):
    """mmskin: the version that answers. checksum: of the model's folder, 12 hex digits; "" of a model in memory."""

    mmskin: str = mmskin.__version__
    checksum: str = ""


def version_of(trained: Trained) -> ModelVersion:
    """Of a model; of several that were read one by one their checksums joined by +, the first three."""
    own = trained.record.get(CHECKSUM)
    if own:
        return ModelVersion(checksum=str(own))
    of_members = [str(model.record.get(CHECKSUM, "")) for model in trained.models]
    known = [one for one in of_members if one]
    more = f"+{len(known) - 3} more" if len(known) > 3 else ""
    return ModelVersion(checksum="+".join(known[:3]) + more)
