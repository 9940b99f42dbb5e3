"""What is likely to be wrong with a table although every cell can be read: twins among labels, photos, answers."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path

from mmskin.errors import first_of

ONE_DIAGNOSIS = (
    "a case has one diagnosis: keep the one that was confirmed, give each lesion a row of its own, or leave the row out"
)
_SHOWN = 20
# Cyrillic and Greek letters that look like Latin ones.
_LOOKALIKES = str.maketrans("аеорсухіѕАВЕКМНОРСТХΑΒΕΗΙΚΜΝΟΡΤΧ", "aeopcyxisABEKMHOPCTXABEHIKMNOPTX")  # noqa: RUF001


def name_rows(rows: Sequence[Hashable], limit: int = _SHOWN) -> str:
    """ "row 7" or "rows 3, 9 and 4 more"."""
    return f"row {rows[0]}" if len(rows) == 1 else f"rows {first_of(rows, limit)}"


def alike_labels(labels: Mapping[int, str]) -> list[str]:
    """Labels that differ only in case, blanks within, hyphens, invisible characters or look-alike letters.

    Args:
        labels: by row, stripped, the blank ones left out.
    """
    spellings: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, label in labels.items():
        spellings[_skeleton(label)][label].append(row)
    return [
        "; ".join(f"{label!r} in {name_rows(rows, 3)}" for label, rows in variants.items())
        for variants in spellings.values()
        if len(variants) > 1
    ]


def diagnoses_in(label: str, known: Iterable[str]) -> list[str]:
    """What a label lists, if it lists several diagnoses, as "MEL;NEV" does; [] for a label that is one.

    A semicolon or a bar lists where one of the parts is a label by itself; commas, slashes, plus signs and the word
    "and", which stand in names of diseases too, where every part is.

    Args:
        label: as it is written.
        known: the labels that there are.
    """
    others = {*known} - {label}
    for separators, enough in ((r"[;|]", any), (r"[,/+&]|\band\b", all)):
        parts = [part.strip() for part in re.split(separators, label)]
        if len(parts) > 1 and all(parts) and enough(part in others for part in parts):
            return parts
    return []


def commonest_spelling(labels: Iterable[str]) -> dict[str, str]:
    """Labels that are another one but for its spelling, as `alike_labels` has it, with the commonest of them."""
    counts = Counter(labels)
    spellings: dict[str, list[str]] = defaultdict(list)
    for label, _ in counts.most_common():
        spellings[_skeleton(label)].append(label)
    return {other: first for first, *others in spellings.values() for other in others}


def shared_photos(
    rows: Iterable[int], images: Iterable[tuple[str, ...]], targets: Iterable[str | None]
) -> tuple[list[str], list[str]]:
    """Photos that stand in several rows: those with different labels, and those with one."""
    seen: dict[str, list[tuple[int, str | None]]] = defaultdict(list)
    for row, photos, target in zip(rows, images, targets, strict=True):
        for photo in photos:
            seen[photo].append((row, target))
    differing, agreeing = [], []
    for photo, uses in seen.items():
        if len({target for _, target in uses}) > 1:
            told = " and ".join(f"{target or 'no label'} in row {row}" for row, target in uses)
            differing.append(f"{Path(photo).name!r} is {told}")
        elif len(uses) > 1:
            agreeing.append(f"{Path(photo).name} in {name_rows([row for row, _ in uses])}")
    return differing, agreeing


def shared_lesions(patients: Iterable[str], lesions: Iterable[str]) -> dict[str, list[str]]:
    """Lesion ids that stand under several patients, with these: patients in order of first sight, one entry a row."""
    seen: dict[str, dict[str, None]] = defaultdict(dict)
    for patient, lesion in zip(patients, lesions, strict=True):
        seen[lesion][patient] = None
    return {lesion: list(of) for lesion, of in seen.items() if len(of) > 1}


def odd_patients(ids: Sequence[str]) -> list[str]:
    """What looks wrong about the column of patients: one for half the rows, or ids that differ in capitals only.

    Args:
        ids: a row each, stripped; blank ones count as rows alone.
    """
    told = []
    counts = Counter(cell for cell in ids if cell)
    if len(counts) > 1 and max(counts.values()) > len(ids) / 2:
        (most, count), *_ = counts.most_common(1)
        told.append(f"patient {most!r} stands in {count} of {len(ids)} rows: is it really one person?")
    folded = Counter(cell.casefold() for cell in counts)
    if twins := sorted(cell for cell in counts if folded[cell.casefold()] > 1):
        told.append(
            f"{len(twins)} ids differ from another in capital letters only: {first_of(twins, 4)}; they count as "
            "different patients"
        )
    return told


def accuracy_alone(values: Sequence[object], targets: Sequence[str]) -> float:
    """Share of cases whose label is the most frequent one among those with the same value, at best 1.

    As fitted: 1 by itself where every value is different.
    """
    by_value: dict[object, Counter[str]] = defaultdict(Counter)
    for value, target in zip(values, targets, strict=True):
        by_value[value][target] += 1
    return sum(max(counts.values()) for counts in by_value.values()) / len(targets)


def gives_label(values: Sequence[object], targets: Sequence[str]) -> bool:
    """Whether a column gives more than 99 % of the labels alone, with five cases to a value or more.

    Where one class is nearly all, every column gives that many: a tenth of the other cases may be missed at most.
    """
    if not targets or len(set(values)) > len(targets) / 5:
        return False
    missed, others = 1 - accuracy_alone(values, targets), 1 - _commonest(targets)
    return missed < 0.01 and others > 0 and missed <= others / 10


def giveaways(columns: Mapping[str, Sequence[object]], targets: Sequence[str]) -> list[str]:
    """Columns that give the label alone: perhaps outcomes."""
    return [
        f"{name!r} alone gives the label of {accuracy_alone(values, targets):.0%} of cases (the commonest class: "
        f"{_commonest(targets):.0%}); if it is known only after the diagnosis, put it under outcomes"
        for name, values in columns.items()
        if gives_label(values, targets)
    ]


def _commonest(targets: Sequence[str]) -> float:
    """Share of the commonest class."""
    return max(Counter(targets).values()) / len(targets)


def labels_in_texts(texts: Sequence[str | None], targets: Sequence[str | None]) -> int:
    """How many free texts hold the label of their case, of three letters or more, word for word."""
    return sum(
        target is not None and text is not None and len(target) > 2 and target.lower() in text.lower()
        for text, target in zip(texts, targets, strict=True)
    )


def _skeleton(label: str) -> str:
    visible = (c for c in unicodedata.normalize("NFKC", label) if unicodedata.category(c) not in ("Cf", "Zs", "Cc"))
    return "".join(c for c in visible if c not in "_-").translate(_LOOKALIKES).casefold()
