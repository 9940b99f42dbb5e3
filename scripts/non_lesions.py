"""How many pictures that show no lesion are warned of, by kind, and how many real photos are warned of falsely?

A model is stood for by its image encoder alone: EfficientNet-Lite0 with the weights that come by pip, frozen. On each
of five folds the familiarity of its vectors is fitted on training photos; thresholds are set on validation photos so
that gates and distances together warn of 5 % of real photos; both are tested on test photos, on pictures made of them
(each counts once, by the fold that tests it) and on other pictures (warned of where most of the five folds warn).

    python scripts/non_lesions.py --pad ../shared/data/pad_ufes_20 --milk10k ../shared/data/milk10k   (8 CPU minutes)

The design was chosen on folds 0 and 1 of PAD-UFES-20 and on other pictures of the kinds of `DESIGN`, of CT and MR, and
300 dermoscopic photos. Kinds marked * were not looked at before the design was frozen. Enlarged corners are blurred, so
enlarged centres, which show the lesion, stand beside them: what is warned of there is warned of for the enlargement. A
third model reads clinical and dermoscopic photos and so can tell which a photo is more like; 1 % of validation photos
may seem to be of the other kind.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from non_lesion_pictures import DESIGN, HELD_OUT, centre, drawn, packaged, plain_corner, tiled
from numpy.typing import NDArray
from scipy.stats import beta
from torch import Tensor

from mmskin.audit.embeddings import embed, packaged_encoder
from mmskin.data.sources import SOURCES
from mmskin.data.splits import make_folds
from mmskin.encoders.encoder_contract import Encoder
from mmskin.evaluation.metrics import Floats, Ints
from mmskin.inputs.photo_gates import GATES, at_side
from mmskin.inputs.photos import load_image
from mmskin.report.numbers import percent
from mmskin.trained.familiarity import REASONS, Familiarity, fit_familiarity, leaning

FOLDS = 5
UNSEEN = " *"  # marks kinds that were not looked at
DERMOSCOPIC = "dermoscopic photos"
ASIDE = ("(", "corners")  # kinds that are not counted among non-lesions: real lesions, and skin as the model knows it
LEANING = 0.01  # share of validation photos that may seem to be of the other kind
Flags = NDArray[np.bool_]


class Clinic(NamedTuple):
    """Photos of one kind of one data set: a row each of table, with target and tone, of folds (N,) and of photos."""

    name: str
    table: pd.DataFrame
    folds: Ints
    photos: list[Tensor]


class Seen(NamedTuple):
    """N pictures as gates and distances see them.

    gates: (N, G) bool, whether each gate stops it. vectors: (N, D).
    of: (N,) rows of the photos that they were made of; None of pictures that no fold has learned from.
    """

    gates: Flags
    vectors: Floats
    of: Ints | None = None

    def rows(self, chosen: Flags) -> Seen:
        return Seen(self.gates[chosen], self.vectors[chosen])


Row = dict[str, float]


class Told(NamedTuple):
    """Of one clinic's model, each a share with its interval.

    real: held-out photos. by_fold: likewise, by the fold that tests them. groups: by column and value.
    kinds: by kind of picture. unwarned: of pictures of several kinds together, what is answered without a warning.
    """

    real: Row
    by_fold: list[Row]
    groups: dict[str, dict[str, Row]]
    kinds: dict[str, Row]
    unwarned: dict[str, Row]


def pad_ufes_20(root: Path) -> Clinic:
    table = SOURCES["pad_ufes_20"]().load(str(root)).table
    folds = pd.read_csv(root / "folds.csv").set_index("img_id")["fold"]
    of_rows = folds.loc[[f"{case}.png" for case in table["case_id"]]].to_numpy(dtype=np.int64)
    return Clinic("PAD-UFES-20", table.assign(tone=table["fitzpatrick"]), of_rows, photos_of(table, "image"))


def milk10k(root: Path) -> tuple[Clinic, list[Tensor]]:
    """The clinical photos, and as many dermoscopic ones of the same lesions."""
    table = SOURCES["milk10k"]().load(str(root)).table
    folds: Ints = make_folds(table, k=FOLDS).loc[list(table["case_id"])].to_numpy().astype(np.int64)
    clinical = Clinic("MILK10k, clinical", table.assign(tone=table["skin_tone"]), folds, photos_of(table, "clinical"))
    return clinical, photos_of(table, "dermoscopic")


def photos_of(table: pd.DataFrame, kind: str) -> list[Tensor]:
    places = zip(table["images"], table["image_kinds"], strict=True)
    return [load_image(images[kinds.index(kind)]) for images, kinds in places]


def seen(photos: Sequence[Tensor], encoder: Encoder, of: Ints | None = None) -> Seen:
    gates = [[gate.stops(small) for gate in GATES.values()] for small in (at_side(photo / 255) for photo in photos)]
    return Seen(np.array(gates), embed(encoder, photos).astype(np.float64), of)


def made_of(clinic: Clinic, encoder: Encoder) -> dict[str, Seen]:
    """Lesion-free corners of the photos that surely have one, enlarged and as sharp as the photo, and the centres."""
    corners = {row: corner for row, photo in enumerate(clinic.photos) if (corner := plain_corner(photo)) is not None}
    of = np.array(list(corners), dtype=np.int64)
    return {
        "corners without a lesion, enlarged": seen(list(corners.values()), encoder, of),
        "corners without a lesion, as sharp": seen([tiled(corner) for corner in corners.values()], encoder, of),
        "(centres with the lesion, enlarged)": seen([centre(clinic.photos[row]) for row in corners], encoder, of),
    }


class Remembered(NamedTuple):
    """What a model of one fold remembers; of a model that reads two kinds also the other, and how far is too far."""

    familiarity: Familiarity
    other: Familiarity | None = None
    limit: float = 0.0

    def leans(self, vectors: Floats) -> Flags:
        if self.other is None:
            return np.zeros(len(vectors), dtype=bool)
        return np.asarray(leaning(self.familiarity, self.other, vectors) > self.limit)


def fitted(clinic: Clinic, real: Seen, fold: int, other: Seen | None) -> Remembered:
    """On training photos of a fold, with thresholds by its validation photos."""
    classes, target = np.unique(clinic.table["target"].to_numpy(dtype=str), return_inverse=True)
    val = clinic.folds == (fold + 1) % FOLDS
    train = ~val & (clinic.folds != fold)
    fit = fit_familiarity(real.vectors[train], target[train], num_classes=len(classes))
    kinds = Remembered(fit)
    if other is not None:
        beside = fit_familiarity(other.vectors[train], target[train], num_classes=len(classes))
        kinds = Remembered(fit, beside, float(np.quantile(leaning(fit, beside, real.vectors[val]), 1 - LEANING)))
    flagged = real.gates[val].any(axis=1) | kinds.leans(real.vectors[val])
    return kinds._replace(familiarity=fit.with_thresholds(fit.distances(real.vectors[val]), flagged=flagged))


def flags(pictures: Seen, model: Remembered) -> Flags:
    """(N, G + 5): what each gate says, each distance and the other kind, and last whether any does."""
    distances = model.familiarity.distances(pictures.vectors)
    beyond = [distances[name] > model.familiarity.thresholds[name] for name in REASONS]
    each = np.column_stack([pictures.gates, *beyond, model.leans(pictures.vectors)])
    return np.column_stack([each, each.any(axis=1)])


def warned(pictures: Seen, folds: Ints, by_fold: Sequence[Remembered]) -> Flags:
    """As `flags`: of pictures made of a photo by the fold that tests it, of others by most folds."""
    if pictures.of is None:
        return np.asarray(np.mean([flags(pictures, one) for one in by_fold], axis=0) > 0.5)
    tested = folds[pictures.of]
    found = np.zeros((len(tested), len(GATES) + len(REASONS) + 2), dtype=bool)
    for fold, model in enumerate(by_fold):
        found[tested == fold] = flags(pictures.rows(tested == fold), model)
    return found


def share(of: Flags) -> Row:
    """A share with its exact interval of 95 % (Clopper & Pearson, *Biometrika* 1934)."""
    n, k = len(of), int(of.sum())
    low = float(beta.ppf(0.025, k, n - k + 1)) if k else 0.0
    high = float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0
    return {"n": n, "warned": k, "share": k / n if n else float("nan"), "low": low, "high": high}


def row(of: Flags) -> Row:
    """What is warned of in all, and by gates, distances and each reason alone."""
    names = (*GATES, *REASONS, "other kind")
    parts = {"gates": of[:, : len(GATES)].any(axis=1), "distances": of[:, len(GATES) : -1].any(axis=1)}
    by_reason = {name: float(of[:, column].mean()) for column, name in enumerate(names)}
    return {**share(of[:, -1]), **{name: float(part.mean()) for name, part in parts.items()}, **by_reason}


def report(clinic: Clinic, real: Seen, pictures: Mapping[str, Seen], other: Seen | None = None) -> Told:
    """By kind of picture, of real photos by class and tone, and of non-lesions together what is not warned of."""
    by_fold = [fitted(clinic, real, fold, other) for fold in range(FOLDS)]
    found = {kind: warned(of, clinic.folds, by_fold) for kind, of in pictures.items()}
    of_real = warned(real, clinic.folds, by_fold)
    groups = {
        column: {
            str(value): share(of_real[(clinic.table[column].fillna("not recorded") == value).to_numpy(), -1])
            for value in sorted(clinic.table[column].fillna("not recorded").unique(), key=str)
        }
        for column in ("target", "tone")
    }
    counted = [kind for kind in pictures if not kind.startswith(ASIDE)]
    together = {
        "all": counted,
        "without dermoscopic": [kind for kind in counted if kind != DERMOSCOPIC],
        "not looked at": [kind for kind in counted if kind.endswith(UNSEEN)],
    }
    unwarned = {
        name: share(~np.concatenate([found[kind][:, -1] for kind in kinds])) for name, kinds in together.items()
    }
    return Told(
        real=row(of_real),
        by_fold=[share(of_real[clinic.folds == fold, -1]) for fold in range(FOLDS)],
        groups=groups,
        kinds={kind: row(of) for kind, of in found.items()},
        unwarned=unwarned,
    )


def printed(name: str, told: Told) -> None:
    rows = {"real photos, held out": told.real, **told.kinds}
    for column, groups in told.groups.items():
        rows |= {f"  {column} {value}": counts for value, counts in groups.items()}
    parts = ("gates", "distances")
    cells = [
        [kind, one["n"], interval(one), *(percent(one[part], digits=1) if part in one else "" for part in parts)]
        for kind, one in rows.items()
    ]
    table = pd.DataFrame(cells, columns=["", "n", "warned of", "by gates", "by distances"])
    print(f"\nfitted on {name}\n{table.to_string(index=False)}")
    for what, one in told.unwarned.items():
        print(f"answered without a warning, {what}: {interval(one)} of {one['n']}")


def interval(one: Row) -> str:
    return f"{percent(one['share'], digits=1)} [{percent(one['low'], digits=1)}, {percent(one['high'], digits=1)}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pad", type=Path, required=True, help="folder of PAD-UFES-20, with folds.csv")
    parser.add_argument("--milk10k", type=Path, required=True, help="folder of MILK10k")
    parser.add_argument("--each", type=int, default=60, help="pictures of each drawn kind")
    parser.add_argument("--dermoscopic", type=int, default=300, help="dermoscopic photos shown")
    parser.add_argument("--seed", type=int, default=0, help="of drawn pictures; the design was chosen with 1")
    parser.add_argument("--output", type=Path, help="JSON file for all numbers")
    asked = parser.parse_args()
    encoder = packaged_encoder()
    pad, (milk, dermoscopic) = pad_ufes_20(asked.pad), milk10k(asked.milk10k)
    from_packages = packaged(seed=asked.seed)
    drawings = {
        **drawn(DESIGN, each=asked.each, seed=asked.seed),
        "CT and MR": from_packages["CT and MR"],
        **{kind + UNSEEN: of for kind, of in drawn(HELD_OUT, each=asked.each, seed=asked.seed).items()},
        "scikit-image" + UNSEEN: from_packages["scikit-image"],
    }
    pictures = {kind: seen(of, encoder) for kind, of in drawings.items()}
    real = {clinic.name: seen(clinic.photos, encoder, np.arange(len(clinic.photos))) for clinic in (pad, milk)}
    other_kind = seen(dermoscopic, encoder, np.arange(len(dermoscopic)))
    last = np.arange(len(dermoscopic)) >= len(dermoscopic) - asked.dermoscopic
    shown = Seen(other_kind.gates[last], other_kind.vectors[last], np.flatnonzero(last))
    at_pad = {**pictures, DERMOSCOPIC: shown._replace(of=None), **made_of(pad, encoder)}
    at_milk = {**pictures, DERMOSCOPIC: shown, **made_of(milk, encoder)}
    elsewhere = {
        clinic.name: {f"(real photos of {clinic.name})": real[clinic.name]._replace(of=None)} for clinic in (pad, milk)
    }
    told = {
        pad.name: report(pad, real[pad.name], {**at_pad, **elsewhere[milk.name]}),
        milk.name: report(milk, real[milk.name], {**at_milk, **elsewhere[pad.name]}),
        f"{milk.name} beside dermoscopic": report(milk, real[milk.name], at_milk, other_kind),
    }
    for name, one in told.items():
        printed(name, one)
    if asked.output:
        asked.output.write_text(json.dumps({name: one._asdict() for name, one in told.items()}, indent=1))


if __name__ == "__main__":
    main()
