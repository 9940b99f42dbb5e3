"""What a diagnosis turned out to be, kept where whoever runs the page asked for it: answers beside truths, no patient.

A line holds no photo, no text, no field and no id, so that nobody can be found by it; it is enough to count how often
the model was right.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from mmskin.errors import UserError, one_of
from mmskin.schema import Schema
from mmskin.trained.prediction import Prediction

OTHER = "other"
DIGITS = 3  # all of them would tell whether a case at hand was asked


def today() -> date:
    return datetime.now(UTC).date()


class KeptDiagnoses:
    """A file of JSON lines that only grows.

    Args:
        path: of the file, which is made if it is not there, for its owner's eyes only.
        today: the date by UTC.

    Raises:
        UserError: the file cannot be written.
    """

    def __init__(self, path: Path, *, today: Callable[[], date] = today) -> None:
        self.path, self.today = path, today
        self._lock = threading.Lock()
        self._append("")

    def keep(self, prediction: Prediction, diagnosis: str, schema: Schema) -> None:
        """Append one line: the date, the model, its answer, and what the diagnosis was.

        Raises:
            UserError: a diagnosis that is neither a class nor "other", or a file that cannot be written any more.
        """
        if diagnosis not in (*schema.classes, OTHER):
            raise UserError(one_of("diagnosis", diagnosis, (*schema.classes, OTHER)))
        line = {
            "date": self.today().isoformat(),
            "model": prediction.model._asdict(),
            "probabilities": {name: round(p, DIGITS) for name, p in prediction.probabilities.items()},
            "triage": prediction.triage and prediction.triage.level.name.lower(),
            "used": list(prediction.used),
            "diagnosis": diagnosis,
        }
        self._append(json.dumps(line) + "\n")

    def _append(self, line: str) -> None:
        try:
            with self._lock, open(os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a") as file:
                file.write(line)
        except OSError as error:
            raise UserError(f"diagnoses cannot be kept in {self.path}: {error.strerror}") from None
