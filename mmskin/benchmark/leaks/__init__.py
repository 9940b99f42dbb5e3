"""What leaks are worth: the same arms under a protocol with leaks, and with each of them taken out in turn.

These leaks exist for a study of leaks alone (`mmskin leak-study`): no other command knows them, and no model is saved.
A new one is a file here and a line in the table.
"""

from __future__ import annotations

from mmskin.benchmark.leaks import epoch_of_reported_fold, missingness_visible, outcomes_as_fields, split_by_photo
from mmskin.benchmark.leaks.leak_contract import Leak

LEAKS: dict[str, Leak] = {
    "split_by_photo": split_by_photo.LEAK,
    "outcomes_as_fields": outcomes_as_fields.LEAK,
    "missingness_visible": missingness_visible.LEAK,
    "epoch_of_reported_fold": epoch_of_reported_fold.LEAK,
}
