"""The whole audit, from a folder to its page."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from audit.drawn_clinic import drawn_clinic
from PIL import Image, ImageOps
from real_data import real_data

from mmskin.audit.held_out import hold_out
from mmskin.audit.page import summary, write_audit
from mmskin.audit.run import Audit, photo_probes, run_audit
from mmskin.audit.traces import Traces
from mmskin.config.experiment import DataConfig
from mmskin.data.load import labelled_cases
from mmskin.data.missingness import flags
from mmskin.data.sources.synthetic import Synthetic
from mmskin.data.splits import make_folds, write_folds
from mmskin.synthetic import make_clinic
from mmskin.synthetic.population import Missing

CASES = 300


def audited(folder: Path, **more: object) -> Audit:
    data = {"source": {"name": "synthetic"}, "root": str(folder), **more}
    return run_audit(DataConfig.model_validate(data), replicates=200)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clinic(tmp_path_factory.mktemp("audit") / "clinic", cases=CASES, size=96)


def test_a_clinic_with_nothing_planted_has_no_leak_and_no_suspicion(clinic: Path) -> None:
    found = audited(clinic)
    assert found.leaks == 0
    assert [finding.text for finding in found.findings if finding.level == "suspicion"] == []
    assert found.pairs == []
    assert found.photo_to_flag is None
    assert "no leak, 0 suspicions" in summary(found)


def test_of_a_small_table_it_is_said_what_cannot_be_judged(tmp_path: Path) -> None:
    small = audited(make_clinic(tmp_path / "clinic", cases=24, size=96), folds=3)
    assert "Too few to say of " in summary(small)
    assert "age" in summary(small).split("Too few to say of ")[1]


@pytest.mark.parametrize(("mode", "level"), [("visible", "leak"), ("equalized", "note"), ("always_recorded", "note")])
def test_blanks_planted_by_class_are_a_leak_where_a_model_may_see_them(tmp_path: Path, mode: str, level: str) -> None:
    planted = make_clinic(
        tmp_path / "clinic", cases=CASES, size=96, missing=Missing(by_class={"alvita": 0.7, "corvex": 0.5})
    )
    found = audited(planted, missingness=mode)
    (flag,) = [finding for finding in found.findings if finding.kind == "flags"]
    assert flag.level == level
    assert "is recorded tells the class alone" in flag.text
    assert found.photo_to_flag is not None
    told = {probe.mode: probe for probe in found.notes}
    equalized = told["equalized"].flag_to_class.dropna()
    assert ((equalized.low <= 0.5) & (equalized.high >= 0.5)).all()


def test_patients_torn_apart_and_copies_over_folds_are_leaks(tmp_path: Path) -> None:
    folder = make_clinic(tmp_path / "clinic", cases=CASES, size=96)
    table = Synthetic().load(folder).table
    folds = make_folds(table, k=3)
    several = table[table.patient_id.duplicated()].case_id.iloc[0]
    folds[several] = (folds[several] + 1) % 3
    copied = table[folds.loc[table.case_id].to_numpy() == 0].iloc[0]
    other = table[folds.loc[table.case_id].to_numpy() == 1].iloc[0]
    Path(other.images[0]).write_bytes(_mirror(Path(copied.images[0])))
    write_folds(folds, tmp_path / "folds.csv", table=table)
    found = audited(folder, folds=str(tmp_path / "folds.csv"))
    leaks = {finding.kind: finding.text for finding in found.findings if finding.level == "leak"}
    patient = table.set_index("case_id").patient_id[several]
    assert patient in leaks["splits"]
    assert copied.case_id in leaks["copies"]
    assert other.case_id in leaks["copies"]


def _mirror(photo: Path) -> bytes:
    buffer = io.BytesIO()
    ImageOps.mirror(Image.open(photo)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def test_page_and_json_say_the_same_and_need_nothing_else(clinic: Path, tmp_path: Path) -> None:
    found = audited(clinic)
    page = write_audit(found, tmp_path / "out", command="mmskin audit").read_text(encoding="utf-8")
    content = json.loads((tmp_path / "out" / "audit.json").read_text(encoding="utf-8"))
    assert content["leaks"] == 0
    assert content["summary"] == summary(found)
    assert [finding["text"] for finding in content["findings"]] == [finding.text for finding in found.findings]
    assert {row["class"] for row in content["classes"]} == set(found.cases.schema.classes)
    assert not re.search(r"(src|href)=\"(?!#|data:image/jpeg;base64,)", page)
    assert "http" not in page.replace("http-equiv", "")
    assert page.count("<img ") >= 16 * len(found.cases.schema.classes)
    assert "patients&#39; photos" in page or "patients' photos" in page


def test_the_flag_is_probed_from_each_kind_of_photo_by_itself() -> None:
    cases = drawn_clinic(cases=1000, missing=Missing(by_class={"alvita": 0.7, "corvex": 0.5}))
    schema = cases.schema.model_copy(update={"photos": ("clinical", "dermoscopic")})
    photos = [(f"{name}-clinical", f"{name}-dermoscopic") for name in cases.table.case_id]
    table = labelled_cases(cases).table.assign(images=photos, image_kinds=[schema.photos] * len(photos))
    flag = flags(table, schema)
    rng = np.random.default_rng(0)
    vectors = {path: rng.normal(size=4) for pair in photos for path in pair}
    for (_, dermoscopic), is_blank in zip(photos, flag, strict=True):
        vectors[dermoscopic][0] += 10 * is_blank  # the dermoscopic photos show it, the clinical ones do not
    traces = Traces(
        copies=tuple((path,) for path in vectors),
        hashes=np.zeros((0, 2, 64), bool),
        thumbnails=np.zeros((0, 8, 8), np.uint8),
        embeddings=np.array(list(vectors.values()), dtype=np.float32),
        unreadable={},
    )
    held_out = hold_out(table, replicates=100)
    probes = photo_probes(held_out, flag, schema, traces)
    assert probes is not None
    assert list(probes) == ["clinical", "dermoscopic"]
    assert probes["dermoscopic"].auroc[0] > 0.99
    assert probes["clinical"].auroc[0] < 0.7
    assert photo_probes(held_out, flag, schema, traces._replace(embeddings=None)) is None


def test_what_people_wrote_is_escaped(clinic: Path, tmp_path: Path) -> None:
    found = audited(clinic)
    renamed: pd.DataFrame = found.cases.table.copy()
    renamed.loc[:, "case_id"] = [f"<script>{case}" for case in renamed.case_id]
    hostile = found._replace(cases=found.cases._replace(table=renamed))
    assert "<script>case" not in write_audit(hostile, tmp_path).read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_real_sample_has_every_known_fault() -> None:
    root = real_data("pad_ufes_20")
    data = {"source": {"name": "pad_ufes_20"}, "root": str(root), "folds": str(root / "folds.csv")}
    found = run_audit(DataConfig.model_validate(data))
    told = " | ".join(f"{finding.level}: {finding.text}" for finding in found.findings)
    assert found.leaks == 1
    assert re.search(r"leak: whether optional block is recorded tells the class alone: AUROC 0\.8\d\d", told)
    assert re.search(r"note: biopsed tells the class alone: AUROC 0\.8\d\d .* declared outcome", told)
    assert "84 lesion ids stand under several patients" in told
    pairs = {frozenset((pair.first, pair.second)) for pair in found.pairs if not pair.same_lesion}
    assert {
        frozenset(("PAT_56_86_479", "PAT_56_88_274")),
        frozenset(("PAT_701_1321_156", "PAT_701_4056_457")),
        frozenset(("PAT_759_1433_914", "PAT_759_1538_566")),
    } <= pairs
    assert all(pair.same_patient for pair in found.pairs)
