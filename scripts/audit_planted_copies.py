"""How many planted copies does the audit find, and how many distinct photos does it pair falsely?

Among 1,000 distinct photos, 50 copies of each kind are planted, each of another photo. Photos of two lesions that are
paired count as false. The constants of `mmskin.audit` were chosen with seed 0 on copies of photos of half of the
patients, and on the clinic of seed 100: here copies are made of the other half, and the clinic is another. Then 50
patients are torn apart in a fold file.

    python scripts/audit_planted_copies.py --pad ../shared/data/pad_ufes_20     (35 s on two busy cores)
    python scripts/audit_planted_copies.py                                      (the synthetic clinic)
"""

from __future__ import annotations

import argparse
import hashlib
import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageOps

from mmskin.audit.crossings import find_crossings
from mmskin.audit.duplicates import Pair, find_copies, photos_of
from mmskin.audit.traces import trace_photos
from mmskin.data.sources.pad_ufes_20 import PadUfes20
from mmskin.data.sources.synthetic import Synthetic
from mmskin.data.splits import make_folds
from mmskin.data.table import Cases
from mmskin.report.numbers import number, rough
from mmskin.synthetic import make_clinic

Copier = Callable[[Path, np.random.Generator], bytes]


def jpeg(image: Image.Image, quality: int = 92) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def reencode(image: Image.Image, rng: np.random.Generator) -> bytes:
    return jpeg(image, quality=int(rng.integers(60, 81)))


def resize(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    factor = rng.uniform(0.5, 0.8)
    return image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.BICUBIC)


def crop(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A window of 90 % of each side, at random."""
    width, height = round(0.9 * image.width), round(0.9 * image.height)
    left, top = (int(rng.integers(0, room + 1)) for room in (image.width - width, image.height - height))
    return image.crop((left, top, left + width, top + height))


COPIERS: dict[str, Copier] = {
    "exact": lambda path, rng: path.read_bytes(),
    "re-encoded (JPEG 60-80)": lambda path, rng: reencode(read(path), rng),
    "resized (0.5-0.8)": lambda path, rng: jpeg(resize(read(path), rng)),
    "cropped by 10 %": lambda path, rng: jpeg(crop(read(path), rng)),
    "mirrored": lambda path, rng: jpeg(ImageOps.mirror(read(path))),
    "mirrored, cropped, re-encoded": lambda path, rng: reencode(crop(ImageOps.mirror(read(path)), rng), rng),
}


def read(path: Path) -> Image.Image:
    return Image.open(path).convert("RGB")


def is_free(patient: str) -> bool:
    """Whether no constant was chosen on copies of this patient's photos."""
    return hashlib.md5(patient.encode()).digest()[-1] % 2 == 1


def distinct(table: pd.DataFrame, *, photos: int, rng: np.random.Generator) -> pd.DataFrame:
    """One case of a lesion, and as far as they last one of a patient."""
    table = table.sample(frac=1, random_state=rng).drop_duplicates("lesion_id")
    nth = table.groupby("patient_id").cumcount()
    return table.loc[nth.sort_values(kind="stable").index].head(photos).reset_index(drop=True)


def plant(table: pd.DataFrame, folder: Path, *, copies: int, rng: np.random.Generator) -> pd.DataFrame:
    """A case with a patient of its own for every copy; `source` and `planted` say of what and how."""
    sources = table[table.patient_id.map(is_free)].sample(copies * len(COPIERS), random_state=rng)
    rows = []
    for i, (_, source) in enumerate(sources.iterrows()):
        kind = list(COPIERS)[i // copies]
        path = folder / f"copy_{i}.jpg"
        path.write_bytes(COPIERS[kind](Path(source.images[0]), rng))
        ids = dict.fromkeys(("case_id", "patient_id", "lesion_id"), path.stem)
        rows.append({**source, **ids, "images": (str(path),), "source": source.case_id, "planted": kind})
    return pd.concat([table, pd.DataFrame(rows)], ignore_index=True)


def report(table: pd.DataFrame, pairs: list[Pair]) -> None:
    told = {frozenset((pair.first, pair.second)) for pair in pairs}
    planted = table[table.source.notna()]
    found = pd.Series([frozenset(ids) in told for ids in zip(planted.case_id, planted.source, strict=True)])
    for kind in COPIERS:
        of_kind = found[(planted.planted == kind).to_numpy()]
        print(f"{kind:30} {of_kind.sum():3} of {len(of_kind)} found")
    originals = set(table.case_id[table.source.isna()])
    false = [pair for pair in pairs if {pair.first, pair.second} <= originals and not pair.same_lesion]
    photos = {case for pair in false for case in (pair.first, pair.second)}
    print(f"distinct photos that are paired: {len(photos)} of {len(originals)}")
    for pair in false:
        print(f"  {pair.first} and {pair.second}: {pair.kind}, {pair.how}, {number(pair.similarity, digits=2)}")


def report_overlap(table: pd.DataFrame, *, patients: int, rng: np.random.Generator) -> None:
    """Patients torn apart in a fold file: one case of each is moved to the next fold."""
    folds = make_folds(table, k=5)
    several = table[table.patient_id.duplicated() & table.target.notna()].drop_duplicates("patient_id")
    torn = several.sample(patients, random_state=rng)
    folds.loc[list(torn.case_id)] = (folds.loc[list(torn.case_id)] + 1) % 5
    crossings = find_crossings(table, folds)
    found = set(crossings.id[crossings.kind == "patient"])
    print(f"{'patients in two folds':30} {len(found & set(torn.patient_id)):3} of {patients} found", end="")
    print(f", {len(found - set(torn.patient_id))} others named")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pad", type=Path, help="folder of PAD-UFES-20; a synthetic clinic is drawn without it")
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--copies", type=int, default=50, help="of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hash-only", action="store_true", help="as without the pretrained weights")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        if options.pad:
            cases = PadUfes20().load(options.pad)
        else:
            cases = Synthetic().load(make_clinic(Path(folder) / "clinic", cases=options.photos, seed=options.seed))
        table = plant(
            distinct(cases.table, photos=options.photos, rng=rng), Path(folder), copies=options.copies, rng=rng
        )
        planted = Cases(cases.schema, table)
        start, cpu = time.perf_counter(), time.process_time()
        traces = trace_photos(photos_of(planted), embedded=not options.hash_only)
        traced, traced_cpu = time.perf_counter() - start, time.process_time() - cpu
        pairs = find_copies(planted, traces=traces)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(f"{cases.schema.name}, seed {options.seed}{', hashes only' if options.hash_only else ''}")
    report(table, pairs)
    report_overlap(cases.table, patients=options.copies, rng=rng)
    print(
        f"{len(table)} photos in {rough(seconds)} s ({rough(cpu)} CPU s), "
        f"of which {rough(traced)} s ({rough(traced_cpu)} CPU s) for reading them"
    )


if __name__ == "__main__":
    main()
