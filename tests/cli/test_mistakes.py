"""Mistakes of a command line: each is one plain line that names the thing, with exit code 2 or 3."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.conftest import Type, is_one_plain_line

TABLE = "case,patient,diagnosis,age,itch,photo\n" + "\n".join(
    f"c{i},p{i},{('nevus', 'wart')[i % 2]},{20 + i},{('yes', 'no')[i % 2]},p{i}.jpg" for i in range(12)
)
OWN = """
name: own
data:
  source: {name: csv, target: diagnosis, patient: patient, case: case, fields: {age: {}, itch: {}}}
  root: .
  folds: 3
encoders: {metadata: {name: tokens, dim: 8}}
fusion: {name: metadata_only}
training: {epochs: 1}
"""
BENCHMARK = """
name: two
data: {source: {name: csv, target: diagnosis, patient: patient}, root: ., folds: 3}
seeds: [0]
primary: {arm: a, reference: b}
encoders: {metadata: {name: tokens, dim: 8}}
arms: {a: {fusion: {name: metadata_only}}, b: {table: {name: majority}}}
"""
# What is typed, and a word that the line must hold.
MISTAKES = [
    # commands and options
    ("trian own.yaml", "trian"),
    ("train", "config"),
    ("train own.yaml", "output"),
    ("train own.yaml --output run --job 2", "--job"),
    ("train own.yaml --output run --jobs two", "--jobs"),
    ("train own.yaml --output run --jobs 0", "--jobs"),
    ("evaluate", "runs"),
    ("evaluate run --output out --replicates 5", "--replicates"),
    ("evaluate run --output out --least 0", "--least"),
    ("data descrbe own.yaml", "descrbe"),
    ("data note own.yaml", "row"),
    ("predict model --field age=4", "model"),
    ("init", "table"),
    # files
    ("train no.yaml --output run", "no.yaml"),
    ("train bad.yaml --output run", "bad.yaml"),
    ("train own.yaml --output cases.csv", "cases.csv"),
    ("benchmark no.yaml --output run", "no.yaml"),
    ("evaluate nothing --output out", "nothing"),
    ("evaluate cases.csv --output out", "cases.csv"),
    ("predict nowhere --field age=40", "nowhere"),
    ("predict-table nowhere cases.csv --output out.csv", "nowhere"),
    ("predict-table . cases.csv --output cases.csv", "cases.csv is there already"),
    ("explain nowhere --field age=40 --output why", "nowhere"),
    ("init no.csv", "no.csv"),
    ("init cases.csv --output own.yaml", "own.yaml is there already"),
    ("init cases.csv --target diagnose", "diagnosis"),
    ("init cases.csv --photos nowhere", "nowhere"),
    ("teach own.yaml --output taught", "text"),
    ("describe cross_atention", "cross_attention"),
    ("leak-study own.yaml --output run", "own.yaml"),
    # keys and values of a config
    ("train own.yaml --output run nmae=x", "name"),
    ("train own.yaml --output run training.epoch=1", "epochs"),
    ("train own.yaml --output run training.epochs=one", "training.epochs"),
    ("train own.yaml --output run training.epochs=0", "training.epochs"),
    ("train own.yaml --output run training=3", "training"),
    ("train own.yaml --output run epochs", "epochs"),
    ("train own.yaml --output run fusion.name=lat", "late"),
    ("train own.yaml --output run fusion.heads=4", "heads"),
    ("train own.yaml --output run loss.name=focl", "focal"),
    ("train own.yaml --output run 'loss={name: focal, gamma: two}'", "gamma"),
    ("train own.yaml --output run encoders.metadata.name=token", "tokens"),
    ("train own.yaml --output run encoders.metadata.dim=wide", "dim"),
    ("train own.yaml --output run data.folds=2", "2"),
    ("train own.yaml --output run data.folds=no.csv", "no.csv"),
    ("train own.yaml --output run data.folds=1", "3"),
    ("train own.yaml --output run data.root=nowhere", "nowhere"),
    ("train own.yaml --output run data.missingness=blind", "always_recorded"),
    ("train own.yaml --output run data.source.name=cvs", "csv"),
    ("train own.yaml --output run data.source.target=diagnose", "diagnosis"),
    ("train own.yaml --output run data.source.patient=pateint", "patient"),
    ("train own.yaml --output run data.source.taget=x", "target"),
    ("train own.yaml --output run data.source.table=no.csv", "no.csv"),
    ("train own.yaml --output run data.source.unlabelled=skip", "unlabelled"),
    ("train own.yaml --output run data.fields=[agee]", "age"),
    ("train own.yaml --output run data.without=[agee]", "age"),
    ("train own.yaml --output run 'data.where={sex: [male]}'", "sex"),
    ("train own.yaml --output run 'data.classes={mole: [naevus]}'", "naevus"),
    ("train own.yaml --output run data.folds=official", "official"),
    ("data describe own.yaml data.source.delimiter=';;'", "delimiter"),
    ("data describe own.yaml 'data.source.target={diagnosis: 1}'", "target"),
    ("data describe own.yaml 'data.source.fields={age: {kind: number}}'", "kind"),
    ("data describe own.yaml 'data.source.fields={itch: {values: [ja]}}'", "values"),
    ("audit own.yaml --output cases.csv", "cases.csv"),
    ("benchmark two.yaml --output run primary.arm=c", "primary.arm"),
    ("benchmark two.yaml --output run 'arms={a: {fusion: {name: metadata_only}}}'", "primary"),
    ("benchmark two.yaml --output run --executor slurm", "slurm"),
]


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "cases.csv").write_text(TABLE + "\n")
    (tmp_path / "own.yaml").write_text(OWN)
    (tmp_path / "two.yaml").write_text(BENCHMARK)
    (tmp_path / "bad.yaml").write_text("name: [\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("clinic")
@pytest.mark.parametrize(("line", "word"), MISTAKES)
def test_a_mistake_is_one_plain_line_that_names_it(mmskin_: Type, line: str, word: str) -> None:
    code, _, complaint = mmskin_(line)
    assert code in (2, 3), complaint
    assert is_one_plain_line(complaint) or "\n  " in complaint, complaint
    assert "Traceback" not in complaint
    assert word in complaint, complaint


def test_there_are_sixty() -> None:
    assert len(MISTAKES) >= 60
    assert len({line for line, _ in MISTAKES}) == len(MISTAKES)
