"""A folder of photos for each class, without a table: the image-only layout that many people have."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from mmskin.data.photo_files import find_photos
from mmskin.data.sources.csv_table import CsvTable
from mmskin.data.splits import PART_OF_WORD
from mmskin.data.table import Cases
from mmskin.errors import ConfigError, DataError, first_of


class Folders:
    """A folder of photos for each class, `<root>/<class>/…`, or for each part and class, `<root>/train/<class>/…`.

    A case is a photo, its id the path. Without a table nobody knows the patients: either file names tell them, or you
    say that nobody has two photos. Folders called train, val and test are a split, for `folds: official`.

    Args:
        patient: a regular expression with one group, which finds the patient in the path, such as "(P[0-9]+)_".
        one_case_per_patient: say so if no patient has two photos.
        classes: in the order wanted; sorted names of the folders if None.
        class_titles: how reports name classes.
        class_groups: named sets of classes, such as malignant.
        name: of the data set; that of the root folder if None.
        licence: shown by reports.
        citation: shown by reports.
    """

    def __init__(
        self,
        *,
        patient: str | None = None,
        one_case_per_patient: bool = False,
        classes: Sequence[str] | None = None,
        class_titles: Mapping[str, str] | None = None,
        class_groups: Mapping[str, Sequence[str]] | None = None,
        name: str | None = None,
        licence: str = "",
        citation: str = "",
    ) -> None:
        if (patient is None) == (not one_case_per_patient):
            raise ConfigError(
                "say how patients are told: patient, a pattern of the path such as '(P[0-9]+)_', or "
                "one_case_per_patient: true if nobody has two photos"
            )
        self.pattern = None if patient is None else _compiled(patient)
        self.name = name
        self.one_case_per_patient = one_case_per_patient
        self.classes, self.class_titles, self.class_groups = classes, class_titles, class_groups
        self.licence, self.citation = licence, citation

    def load(self, root: str | Path) -> Cases:
        """See `CsvTable.load`.

        Raises:
            DataError: no folder, no photo, photos outside the folder of a class, paths that tell no patient.
        """
        folder = Path(root).expanduser()
        if not folder.is_dir():
            raise DataError(f"root={str(root)!r} is no folder; give the one that holds a folder for each class")
        paths = sorted(path.relative_to(folder).as_posix() for paths in find_photos(folder).values() for path in paths)
        frame = self._frame(paths, folder)
        source = CsvTable(
            target="class",
            images="photo",
            case="photo",
            patient="patient" if self.pattern else None,
            one_case_per_patient=self.one_case_per_patient,
            split="part" if "part" in frame else None,
            fields={},
            classes=self.classes,
            class_titles=self.class_titles,
            class_groups=self.class_groups,
            name=self.name or folder.resolve().name,
            licence=self.licence,
            citation=self.citation,
        )
        return source.load(folder, frame=frame)

    def _frame(self, paths: Sequence[str], folder: Path) -> pd.DataFrame:
        """A table with a row for each photo."""
        folders = [path.split("/")[:-1] for path in paths]
        if not paths:
            raise DataError(f"there is no photo under {folder}")
        in_parts = all(names and names[0].lower() in PART_OF_WORD for names in folders)
        depth = 1 if in_parts else 0
        if stray := [path for path, names in zip(paths, folders, strict=True) if len(names) <= depth]:
            raise DataError(f"{len(stray)} photos lie in no folder of a class: {first_of(stray, 5)}")
        frame = pd.DataFrame({"photo": list(paths), "class": [names[depth] for names in folders]})
        if in_parts:
            frame["part"] = [names[0] for names in folders]
        if self.pattern:
            frame["patient"] = self._patients(paths)
        return frame

    def _patients(self, paths: Sequence[str]) -> list[str]:
        assert self.pattern is not None
        found = [self.pattern.search(path) for path in paths]
        if silent := [path for path, match in zip(paths, found, strict=True) if not match or not match[1]]:
            raise DataError(
                f"patient {self.pattern.pattern!r} finds nothing in {len(silent)} paths: {first_of(silent, 5)}"
            )
        return [match[1] for match in found if match]


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ConfigError(f"patient={pattern!r} is no regular expression: {error}") from None
    if compiled.groups != 1:
        raise ConfigError(f"patient={pattern!r} must have one group, such as '(P[0-9]+)_', however: {compiled.groups}")
    return compiled
