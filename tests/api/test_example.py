from __future__ import annotations

from pathlib import Path

import pytest

EXAMPLE = """
import mmskin
from mmskin.synthetic import make_clinic

cases = mmskin.read_source("synthetic", make_clinic("clinic", cases=100, size=96))  # or read_table("cases.csv", …)
result = mmskin.compare(cases, ["image_only", "late"], reference="image_only", folds=4, test_folds=[0], seeds=1)
print(result)
result.report("report.html")

model = mmskin.fit(cases, output="model")
photo = cases.table["images"][0][0]
answer = mmskin.load("model").predict(photo, {"itch": "yes", "age": 62}, "it scabs and comes back")
print(answer.probabilities, answer.used, answer.missing)
"""


def test_the_example_of_a_newcomer_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(EXAMPLE, "example", "exec"), {"__name__": "example"})
    said = capsys.readouterr()
    assert said.out.startswith("primary, named before the run:\nlate - image_only, balanced accuracy: ")
    assert "('image', 'text', 'metadata') ()" in said.out
    assert "mmskin: late of image (timm" in said.err
    assert (tmp_path / "report.html").stat().st_size > 10_000
