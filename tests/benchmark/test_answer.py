from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from benchmark.small_benchmark import ARMS, small_benchmark

from mmskin.benchmark.answer import originals_of, single_parts, write_answer
from mmskin.benchmark.audited import audited
from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.benchmark.resolve import resolve
from mmskin.report.sections.tripod import FOR_AUTHORS


def benchmark_of(folder: Path, **changed: Any) -> Benchmark:
    return Benchmark.model_validate(json.loads((folder / "config.json").read_text()) | changed)


@pytest.fixture(scope="module")
def answered(whole_grid: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small benchmark and its report, with a copy of late as its control."""
    output = tmp_path_factory.mktemp("answered") / "out"
    shutil.copytree(whole_grid, output)
    table = pd.read_parquet(output / "predictions.parquet")
    control = table[table["arm"] == "late"].assign(arm="late-shuffled")
    pd.concat([table, control], ignore_index=True).to_parquet(output / "predictions.parquet")
    arms = {**ARMS, "late-shuffled": ARMS["late"] | {"shuffle_histories": True}}
    write_answer(benchmark_of(output, arms=arms), output, [], replicates=100)
    return output


@pytest.fixture(scope="module")
def saved(answered: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((answered / "results.json").read_text())
    return content


def test_the_licences_of_data_and_weights_are_told_once(saved: dict[str, Any]) -> None:
    (note,) = [note for note in saved["notes"] if note.startswith("Licences")]
    assert note == "Licences of what the models learned from. data: pad_ufes_20: CC BY 4.0."


def test_the_page_goes_from_the_answer_to_how_it_was_made(answered: Path) -> None:
    page = (answered / "report.html").read_text()
    assert re.findall("<h2 id=.*?>(.*?)</h2>", page) == [
        *("Contents", "Notes", "Classes"),
        *("Beside the best single part", "Which arm is best", "Results", "Controls"),
        *(
            "Probabilities under the shares of the data",
            "Safeguards of late",
            "What the arms read",
            "When parts are missing",
            "What it costs",
            "Figures",
            "Subgroups: late",
            "Methods",
            "TRIPOD+AI",
            "How it was made",
        ),
    ]
    first = re.search(r'<div class="headline">\s*<p>(.*?)</p>', page)
    assert first is not None
    assert first[1].startswith(("The history adds", "The history does harm", "No difference by the history"))
    assert page.count("<script") == 1
    assert not re.search(r'(src|href)="(?!#)|url\((?!#)|@import', page)


def test_tables_name_the_primary_arm_then_the_reference_then_the_best_and_no_control(saved: dict[str, Any]) -> None:
    whole = [row for row in saved["metrics"] if row["metric"] == "balanced_accuracy" and row["subset"] == "all"]
    assert [row["arm"] for row in whole[:2]] == ["late", "image_only"]
    assert whole[2]["estimate"] >= whole[3]["estimate"]
    assert {row["arm"] for row in saved["differences"]} == {"late", "stacking", "regression"}
    assert {row["arm"] for row in saved["controls"]} == {"late-shuffled"}


def test_what_sections_add_stands_in_results_json(answered: Path, saved: dict[str, Any]) -> None:
    assert {row["arm"] for row in saved["missing_parts"]} == set(ARMS)
    assert {row["scenario"] for row in saved["robustness"]} == {"at_random", "in_blocks", "not_at_random"}
    assert {row["arm"] for row in saved["costs"]} == set(ARMS)
    assert not (answered / "metrics.json").exists()
    drawn = {path.name for path in (answered / "figures").iterdir()}
    assert {"ranking_by_balanced_accuracy.svg", "paired_difference_to_image_only.png"} <= drawn
    assert {name.removesuffix(".svg") for name in drawn if name.endswith(".svg")} == {
        name.removesuffix(".png") for name in drawn if name.endswith(".png")
    }
    assert (answered / "report.html").read_text().count("<svg") == len(drawn) / 2


def test_methods_hold_what_is_needed_to_repeat_the_run(answered: Path, saved: dict[str, Any]) -> None:
    told = " ".join(saved["methods"])
    digest = hashlib.sha256((answered / "folds.csv").read_bytes()).hexdigest()
    for words in (
        *("pad_ufes_20", "36 labelled cases of", f"sha256 {digest}", "3 folds made by mmskin, seed 42", "Seeds: 0, 1"),
        *("100 resamples of whole patients", "2 epochs", "frozen", "class_balanced_focal", "torch 2", "14 cells took"),
        *("Arms: 4, of which 2 train a network and 2 fit a table, beside controls", "commit", "cores"),
    ):
        assert words in told, words


def test_tripod_has_every_item_once_and_leaves_the_authors_theirs(answered: Path, saved: dict[str, Any]) -> None:
    items = saved["tripod"]["items"]
    numbers = [item["number"] for item in items]
    assert len(numbers) == len(set(numbers)) == 52  # the checklist counted by hand
    assert {int(re.match(r"\d+", number)[0]) for number in numbers} == set(range(1, 28))  # type: ignore[index]
    unfilled = {item["number"] for item in items if not item["says"]}
    assert {"1", "2", "3a", "17", "18a", "18b", "19", "25"} <= unfilled
    assert not unfilled & {"4", "8a", "9b", "10", "11", "12a", "12c", "13", "23a"}
    page = (answered / "report.html").read_text()
    assert f"{52 - len(unfilled)} of 52 items are filled, {len(unfilled)} are {FOR_AUTHORS}." in page
    assert page.count(f"<td>{FOR_AUTHORS}</td>") == len(unfilled)


def test_the_original_of_a_control_is_the_arm_with_its_own_histories(whole_grid: Path) -> None:
    arms = {
        **ARMS,
        "shuffled": ARMS["late"] | {"shuffle_histories": True},
        "alone": {"shuffle_histories": True, "fusion": {"name": "concat"}},
    }
    assert originals_of(benchmark_of(whole_grid, arms=arms).arms) == {"shuffled": "late"}


def test_the_audit_is_run_once_a_folder_and_told_above_the_results(
    whole_grid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"
    shutil.copytree(whole_grid, output)
    benchmark = benchmark_of(output, audit=True)
    write_answer(benchmark, output, [], replicates=100)
    page = (output / "report.html").read_text()
    assert page.index("What the audit says of these data") < page.index("Which arm is best")
    assert 'href="audit/audit.html"' in page
    found = json.loads((output / "audit" / "audit.json").read_text())
    assert json.loads((output / "results.json").read_text())["audit"]["findings"] == found["findings"]
    monkeypatch.setattr("mmskin.benchmark.audited.run_audit", lambda *_, **__: pytest.fail("audited again"))
    assert audited(benchmark.data, output) == found


def test_single_parts_read_photo_or_history_alone_in_the_mode_of_the_primary_arm(
    pad_folder: Path, tmp_path: Path
) -> None:
    arms = {
        **ARMS,
        "note": {"fusion": {"name": "text_only"}},
        "fields": {"table": {"name": "logistic_regression", "on": "fields", "c": [0.1]}},
        "fields-blind": {"table": {"name": "logistic_regression", "on": "fields"}, "missingness": "always_recorded"},
        "late-control": ARMS["late"] | {"shuffle_histories": True},
        "majority": {"table": {"name": "majority"}},
    }
    resolved = resolve(small_benchmark(pad_folder, tmp_path, arms=arms), tmp_path)
    assert single_parts(resolved, of="late") == ["image_only", "note", "fields"]
