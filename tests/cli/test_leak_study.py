"""`mmskin leak-study` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

from benchmark.small_benchmark import ARMS, raw_benchmark
from cli.conftest import Type, is_one_plain_line
from ruamel.yaml import YAML


def test_a_study_leaves_a_page_a_table_and_sentences(mmskin_: Type, pad_folder: Path, tmp_path: Path) -> None:
    raw = raw_benchmark(
        pad_folder,
        tmp_path / "features",
        data={"missingness": "equalized", "test_folds": "all"},
        arms={name: ARMS[name] for name in ("late", "image_only")},
    )
    raw = {key: value for key, value in raw.items() if key not in ("missing_parts", "audit", "explanations")}
    path, output = tmp_path / "leaks.yaml", tmp_path / "out"
    YAML(typ="safe").dump({**raw, "seeds": [0], "leaks": ["missingness_visible", "outcomes_as_fields"]}, path)
    command = f"leak-study {path} --output {output} --jobs 1 --replicates 100"
    code, out, _ = mmskin_(command)
    assert code == 0
    assert "Missing values visible beside outcomes as fields: worth" in " ".join(out.split())
    page = (output / "leaks.html").read_text()
    assert "never quote one as a result" in page
    assert "All leaks together" in page
    assert len(json.loads((output / "leaks.json").read_text())["worth"]) == 4 * 2
    assert (output / "leaks.csv").read_text().startswith("leak,beside,arm,metric,")
    assert mmskin_(command)[0] == 0  # goes on where it ended


def test_a_leak_that_does_not_exist_is_one_plain_line(mmskin_: Type, pad_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "leaks.yaml"
    YAML(typ="safe").dump({**raw_benchmark(pad_folder, tmp_path), "leaks": ["by_photo"]}, path)
    code, out, err = mmskin_(f"leak-study {path} --output {tmp_path / 'out'}")
    assert (code, out) == (2, "")
    assert is_one_plain_line(err)
    assert "split_by_photo" in err


def test_a_study_is_no_benchmark_and_its_data_can_be_looked_at(mmskin_: Type, pad_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "leaks.yaml"
    YAML(typ="safe").dump({**raw_benchmark(pad_folder, tmp_path), "leaks": ["split_by_photo"]}, path)
    code, _, err = mmskin_(f"benchmark {path} --output {tmp_path / 'out'}")
    assert code == 2
    assert is_one_plain_line(err)
    assert "mmskin leak-study" in err
    assert mmskin_(f"data describe {path}")[0] == 0
