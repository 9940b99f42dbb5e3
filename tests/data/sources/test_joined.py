"""Two invented data sets joined: what is counted by hand from their makers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from data import make_ham10000 as ham
from data import make_pad_ufes_20 as pad
from data.make_milk10k import make_milk10k
from small_experiment import ENCODERS

from mmskin.benchmark.run.run import run_experiment
from mmskin.config.build import build
from mmskin.config.experiment import parse_experiment, read_experiment
from mmskin.data.load import load_cases
from mmskin.data.sources import SOURCES
from mmskin.data.sources.joined import Joined
from mmskin.data.sources.pad_ufes_20 import PadUfes20
from mmskin.data.splits import make_folds, split_by_fold
from mmskin.data.table import Cases, histories
from mmskin.errors import ConfigError, DataError
from mmskin.inputs.note import render_note
from mmskin.schema import Schema

PROJECT = Path(__file__).parents[3]
CONFIG, CLASSES = (PROJECT / "configs" / "joined" / name for name in ("cross_attention.yaml", "classes.yaml"))
SPECS: dict[str, dict[str, Any]] = {
    "pad": {"name": "pad_ufes_20", "root": "pad"},
    "ham": {"name": "ham10000", "root": "ham"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 patients with 2 photos each, 4 photos of each of 6 classes; 14 lesions likewise, 4 of each of 7 classes."""
    root = tmp_path_factory.mktemp("both")
    for name, make in (("pad", pad.make_pad_ufes_20), ("ham", ham.make_ham10000)):
        (root / name).mkdir()
        make(root / name)
    return root


def join(root: Path, *, classes: Path = CLASSES, **specs: dict[str, Any]) -> Cases:
    spec = {"name": "joined", "classes": str(classes), "sources": SPECS | specs}
    return build("source", SOURCES, spec).load(str(root))


def test_cases_stand_under_one_another_on_one_list_of_classes(folder: Path) -> None:
    cases = join(folder)
    table = cases.table
    assert table.source.value_counts().to_dict() == {"ham": 28, "pad": 24}
    # 4 photos of each class of each; SEK and bkl are BKL, akiec (4) is nobody's
    assert table.target.value_counts().to_dict() == {
        "BCC": 8, "BKL": 8, "MEL": 8, "NEV": 8, "ACK": 4, "DF": 4, "SCC": 4, "VASC": 4,
    }  # fmt: skip
    assert cases.schema.classes == ("ACK", "BCC", "BKL", "DF", "MEL", "NEV", "SCC", "VASC")
    assert cases.schema.class_titles["BCC"] == "Basal cell carcinoma"
    assert cases.schema.class_groups == {"malignant": ("BCC", "MEL", "SCC")}
    assert Schema.model_validate(cases.schema.to_json()) == cases.schema


def test_a_label_that_the_list_cannot_tell_is_no_target_and_counted(folder: Path) -> None:
    cases = join(folder)
    lost = cases.table[cases.table.target.isna()]
    assert set(lost.case_id) == {f"ham:ISIC_{number:07d}" for number in (8, 9, 22, 23)}  # lesions 4 and 11 of 14
    assert all(target is None for target in lost.target)
    assert "ham: 4 cases with labels that the class list cannot tell (akiec 4): without target" in cases.remarks


def test_kinds_of_photo_go_together_by_name(folder: Path, tmp_path: Path) -> None:
    make_milk10k(tmp_path)
    cases = join(folder, milk={"name": "milk10k", "root": str(tmp_path)})
    assert cases.schema.photos == ("image", "clinical", "dermoscopic")
    kinds = {(source, of) for source, of in zip(cases.table.source, cases.table.image_kinds, strict=True)}
    assert kinds == {("pad", ("image",)), ("ham", ("image",)), ("milk", ("clinical", "dermoscopic"))}


def test_what_a_source_cannot_know_is_told(folder: Path) -> None:
    remarks = join(folder).remarks
    assert "pad: cannot know DF, VASC: no label of it is mapped there" in remarks
    assert "ham: cannot know ACK, SCC: no label of it is mapped there" in remarks
    assert "ham: has no field skin_tone" in remarks
    assert "ham: no patient ids: every lesion counts as a patient of its own" in remarks
    assert remarks[-1].startswith("18 of 21 fields are not in every source (skin_tone, itch, ")


def test_sites_and_skin_are_told_in_common_words_and_originals_kept(folder: Path) -> None:
    table = join(folder).table
    sites = {(s, o): w for s, o, w in zip(table.source, table.site_original, table.site, strict=True)}
    assert sites == {
        ("pad", "face"): "head or neck",
        ("pad", "nose"): "head or neck",
        ("pad", "forearm"): "upper extremity",
        ("ham", "back"): "torso",
        ("ham", "lower extremity"): "lower extremity",
        ("ham", "acral"): "palm or sole",
        ("ham", "face"): "head or neck",
        ("ham", "unknown"): "unknown",
    }
    tones = set(zip(table.skin_tone_original, table.skin_tone, table.skin_tone_group, strict=True))
    light, medium = {(t, "light", "light") for t in "12"}, {(t, "medium", "medium") for t in "34"}
    assert {(None, None, None)} < tones <= light | medium | {(None, None, None)}
    assert not {"region", "fitzpatrick"} & set(table.columns)


def test_fields_that_a_source_lacks_are_optional_and_blank_there(folder: Path) -> None:
    schema, table, *_ = join(folder)
    assert schema.field_names[:5] == ("age", "sex", "site", "skin_tone", "itch")
    assert len(schema.fields) == 21  # as many as PAD-UFES-20 has: region and fitzpatrick under other names
    assert set(schema.field_names) - set(schema.optional_block) == {"age", "site"}  # sex is optional in PAD-UFES-20
    assert all(value is None for value in table.itch[table.source == "ham"])
    assert set(schema.outcomes) == {"biopsed", "dx_type"}
    assert schema.subgroups == ("source", "sex", "age_group", "site", "skin_tone_group")
    assert set(schema.subgroups) < set(table.columns)


def test_notes_of_joined_cases_read_as_english(tmp_path: Path) -> None:
    (tmp_path / "pad").mkdir()
    (tmp_path / "ham").mkdir()
    person = {"age": "62", "gender": "FEMALE", "region": "FOREARM", "fitspatrick": "2.0", "itch": "True"}
    blank = dict.fromkeys((*pad.BLOCK, *pad.SYMPTOMS), "")
    rows = pad.make_rows()
    pad.write_table(tmp_path / "pad", [rows[0] | blank | person, *rows[1:]])
    first, *others = ham.make_rows()
    found = {"age": "45.0", "sex": "male", "localization": "genital"}
    ham.write_table(tmp_path / "ham", [first | found, *others])
    schema, table, *_ = join(tmp_path)
    notes = [render_note(history, schema) for history in histories(table, schema)]
    assert notes[0] == "62 years old. Woman. On the upper extremity. Light skin. It itches."
    assert notes[24] == "45 years old. Man. In the mouth or on the genitals."


def test_the_same_ids_in_two_sources_stay_apart(folder: Path) -> None:
    again = {"name": "pad_ufes_20", "root": "pad"}
    one, two = join(folder).table, join(folder, again=again).table
    assert two.case_id.is_unique
    assert len(two) == len(one) + 24
    for name in ("case_id", "patient_id", "lesion_id"):
        assert two[name].nunique() == one[name].nunique() + one[name][one.source == "pad"].nunique()
        assert all(value.startswith(f"{s}:") for value, s in zip(two[name], two.source, strict=True))
    with pytest.raises(ConfigError, match="the key 'pad:PAT' must be of letters, digits and _"):
        join(folder, **{"pad:PAT": again})


def test_a_name_that_two_sources_declare_differently_gets_the_keys_as_prefix(folder: Path, tmp_path: Path) -> None:
    table = "id,who,dx,itch,smoke,biopsed,source\n1,p1,mole,strongly,True,x,web\n2,p2,cancer,,False,y,book\n"
    (tmp_path / "cases.csv").write_text(table)
    declared: dict[str, Any] = {"itch": {"kind": "categorical", "choices": ["strongly"]}, "smoke": {"kind": "yes_no"}}
    spec = {"name": "csv", "target": "dx", "patient": "who", "fields": declared, "root": str(tmp_path)}
    spec |= {"subgroups": ["source"]}
    outcomes = {"biopsed": "a biopsy was taken"}
    classes = tmp_path / "classes.yaml"
    classes.write_text(CLASSES.read_text() + "  own: {mole: NEV, cancer: null}\n")
    schema, joined, *_ = join(folder, classes=classes, own=spec | {"outcomes": outcomes})
    assert {"pad_itch", "own_itch", "pad_smoke", "own_smoke"} < set(schema.field_names)  # PAD words its phrases
    assert not {"itch", "smoke", "biopsed"} & {*schema.field_names, *joined.columns}
    assert schema.field("pad_itch").title == "Itches"
    assert set(schema.outcomes) == {"pad_biopsed", "own_biopsed", "dx_type"}
    assert list(joined.own_itch[joined.source == "own"]) == ["strongly", None]
    assert list(joined.own_source[joined.source == "own"]) == ["web", "book"]
    assert "grew" in schema.field_names
    twice = join(folder, again={"name": "pad_ufes_20", "root": "pad"}).schema
    assert twice.field_names == join(folder).schema.field_names  # declared alike: one name


def test_splits_keep_patients_together_and_equal_photos_of_two_sources_too(tmp_path: Path) -> None:
    for name in ("pad", "ham"):
        (tmp_path / name).mkdir()
    photos = pad.make_pad_ufes_20(tmp_path / "pad", patients=36)
    lesions = ham.make_rows(lesions=42)
    ham.write_table(tmp_path / "ham", lesions)
    ham.write_photos(tmp_path / "ham", lesions)
    twin = next((tmp_path / "ham").rglob(f"{lesions[0]['image_id']}.jpg"))
    twin.unlink()
    original = next((tmp_path / "pad").rglob(photos[0]["img_id"]))
    twin.with_suffix(".png").write_bytes(original.read_bytes())
    data = read_experiment(CONFIG, _overrides(tmp_path)).data
    table = load_cases(data).table
    tied = table[table.photo_group.duplicated(keep=False)]
    assert set(tied.case_id) == {f"pad:{original.stem}", f"ham:{twin.stem}"}
    folds = make_folds(table, k=5)
    assert folds[f"pad:{original.stem}"] == folds[f"ham:{twin.stem}"]
    for fold in range(5):
        split = split_by_fold(table, folds, test_fold=fold, classes=join(tmp_path).schema.classes)
        assert sum(map(len, split)) == len(table) == 72 + 84 - 12  # 6 of 42 lesions are akiec


def _overrides(root: Path) -> list[str]:
    roots = [f"data.source.sources.{key}.root={root / key}" for key in SPECS]
    return [f"data.source.classes={CLASSES}", *roots]


def test_the_offered_experiment_trains_on_both(tmp_path: Path) -> None:
    for name in ("pad", "ham"):
        (tmp_path / name).mkdir()
    pad.make_pad_ufes_20(tmp_path / "pad", patients=36, photos=1)
    lesions = ham.make_rows(lesions=42, photos=1)
    ham.write_table(tmp_path / "ham", lesions)
    ham.write_photos(tmp_path / "ham", lesions)
    raw = read_experiment(CONFIG, [*_overrides(tmp_path), "data.folds=3", "data.test_folds=[0]"]).to_json()
    raw["encoders"] = {modality: ENCODERS[modality] for modality in raw["encoders"]}
    raw["training"] |= {"epochs": 1, "batch_size": 8, "save_model": False, "image_dropout": 0.0}
    raw["data"]["photo_side"] = 32
    raw["features"] = str(tmp_path / "features")
    table = run_experiment(parse_experiment(raw), tmp_path / "run", say=lambda line: None, progress=False)
    assert set(table.group_source) == {"pad", "ham"}
    assert table.filter(like="prob_").shape[1] == 8
    assert table.filter(like="prob_").notna().to_numpy().all()


# --- refusals ---


def test_labels_that_the_map_does_not_mention_are_refused(folder: Path, tmp_path: Path) -> None:
    classes = tmp_path / "classes.yaml"
    text = CLASSES.read_text()
    classes.write_text("\n".join(line for line in text.splitlines() if "SEK" not in line and " nv:" not in line))
    with pytest.raises(ConfigError, match=r"pad_ufes_20 are not mentioned: SEK; 1 labels of ham10000 .*: nv; a label"):
        join(folder, classes=classes)


def test_a_site_without_a_common_word_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text("who,dx,site\np1,mole,knee\np2,cancer,torso\n")
    spec = {"name": "csv", "target": "dx", "patient": "who", "root": str(tmp_path)}
    declared = {"site": {"kind": "categorical", "choices": ["knee", "torso"]}}
    classes = tmp_path / "classes.yaml"
    classes.write_text(CLASSES.read_text() + "  own: {mole: NEV, cancer: null}\n")
    with pytest.raises(DataError, match="1 values of 'site' have no common word: site value 'knee' does not exist"):
        join(folder, classes=classes, own=spec | {"fields": declared})


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ({}, "sources must be like"),
        (["pad_ufes_20"], "sources must be like"),
        ({"pad": {"name": "pad_ufes_20"}}, r"sources\.pad must be like .*root"),
        ({"pad": {"name": "pad_ufes", "root": "."}}, "source 'pad_ufes' does not exist. Did you mean 'pad_ufes_20'"),
        ({"pad": {"name": "pad_ufes_20", "root": ".", "image": "x"}}, "Did you mean 'images'"),
        ({"both": {"name": "joined", "root": "."}}, "joined sources are not joined again"),
        ({7: {"name": "pad_ufes_20", "root": "."}}, "the key 7 must be of letters"),
    ],
)
def test_sources_that_cannot_be_joined_are_refused(sources: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build("source", SOURCES, {"name": "joined", "classes": str(CLASSES), "sources": sources})


def test_an_official_split_of_a_part_is_none_of_the_whole(folder: Path) -> None:
    class WithSplit(PadUfes20):
        def load(self, root: str | Path) -> Cases:
            cases = super().load(root)
            return cases._replace(table=cases.table.assign(official_split="train"))

    table = {"pad_ufes_20": WithSplit, "ham10000": SOURCES["ham10000"]}
    cases = Joined(table, classes=str(CLASSES), sources=SPECS).load(folder)
    assert len(cases.table) == 52
    assert "official_split" not in cases.table
