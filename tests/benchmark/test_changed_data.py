"""Data, config or versions changed between a stopped run and the same command: refused, with what has changed named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
from benchmark.small_benchmark import FROZEN, run, small_benchmark
from PIL import Image

from mmskin.errors import UserError

ARMS: dict[str, Any] = {
    "image_only": {"fusion": {"name": "image_only"}},
    "boosting": {"table": {"name": "gradient_boosting", "on": ["fields"]}},
}
CSV: dict[str, Any] = {
    "name": "csv",
    "table": "cases.csv",
    "case": "case",
    "patient": "patient",
    "target": "diagnosis",
    "images": ["photo"],
    "text": "note",
    "fields": {"age": {"kind": "numeric", "unit": "years", "low": 0, "high": 120}},
}


class Stopped(NamedTuple):
    """A run that was stopped, and its data, which a test may change."""

    data: Path
    output: Path

    def again(self, **changed: Any) -> pd.DataFrame:
        """Type the same command once more; keywords are what has changed of the config."""
        source = CSV | changed.pop("source", {})
        data = {"source": source, "folds": str(self.data / "folds.csv"), "test_folds": [0]}
        return run(
            small_benchmark(
                self.data,
                self.data.parent / "features",
                data=data | changed.pop("data", {}),
                **{
                    "arms": ARMS,
                    "seeds": [0],
                    "primary": {"arm": "boosting", "reference": "image_only"},
                    "training": {"epochs": 1},
                    "encoders": {"image": FROZEN},
                    "missing_parts": None,
                }
                | changed,
            ),
            self.output,
        )[0]

    def edit(self, change: Callable[[pd.DataFrame], pd.DataFrame], file: str = "cases.csv") -> None:
        path = self.data / file
        change(pd.read_csv(path, dtype=str, keep_default_na=False)).to_csv(path, index=False)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of data and output; one cell of two is finished."""
    folder = tmp_path_factory.mktemp("begun")
    (folder / "data").mkdir()
    rows = []
    for number in range(24):
        Image.new("RGB", (40, 40), (7 * number, 90, 200 - 5 * number)).save(folder / "data" / f"{number}.png")
        rows.append(
            {
                "case": f"c{number}",
                "patient": f"p{number}",
                "diagnosis": ("nevus", "melanoma")[number % 2],
                "photo": f"{number}.png",
                "note": f"it grew for {number} weeks",
                "age": str(30 + number),
            }
        )
    shutil.copy(folder / "data" / "4.png", folder / "data" / "24.png")
    table = pd.DataFrame(rows)
    table.to_csv(folder / "data" / "cases.csv", index=False)
    folds = table[["case"]].rename(columns={"case": "case_id"}).assign(fold=[n // 2 % 3 for n in range(24)])
    folds.to_csv(folder / "data" / "folds.csv", index=False)
    stopped = Stopped(folder / "data", folder / "out")
    stopped.again()
    next(stopped.output.glob("cells/boosting/*/*/predictions.parquet")).unlink()
    return folder


@pytest.fixture
def stopped(begun: Path, tmp_path: Path) -> Stopped:
    shutil.copytree(begun, tmp_path, dirs_exist_ok=True)
    return Stopped(tmp_path / "data", tmp_path / "out")


def of_first(column: str, value: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Write a value into the first row."""
    return lambda table: table.assign(**{column: [value, *table[column][1:]]})


def another(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table, table.tail(1).assign(case="c99", patient="p99", case_id="c99")[table.columns]])


def test_nothing_changed_goes_on_even_from_another_folder(stopped: Stopped) -> None:
    assert set(stopped.again().arm) == {"image_only", "boosting"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (of_first("diagnosis", "melanoma"), "other label: c0"),
        (of_first("patient", "p1"), "other patient: c0"),
        (of_first("age", "77"), "other fields: c0"),
        (of_first("age", ""), "other fields: c0"),
        (of_first("note", "it bleeds"), "other free text: c0"),
        (of_first("photo", "24.png"), "other photos: c0"),
        (lambda table: table.iloc[1:], "cases gone: c0"),
    ],
    ids=["label", "patient", "field", "emptied", "note", "path", "removed"],
)
def test_a_changed_table_is_refused_by_case(
    stopped: Stopped, change: Callable[[pd.DataFrame], pd.DataFrame], named: str
) -> None:
    stopped.edit(change)
    with pytest.raises(UserError, match=named):
        stopped.again()


def test_a_case_that_was_added_is_refused(stopped: Stopped) -> None:
    stopped.edit(another)
    stopped.edit(another, "folds.csv")
    with pytest.raises(UserError, match="cases added: c99"):
        stopped.again()


def test_a_photo_of_other_bytes_is_refused(stopped: Stopped) -> None:
    Image.new("RGB", (40, 40), (1, 2, 3)).save(stopped.data / "3.png")
    with pytest.raises(UserError, match="other photos: c3"):
        stopped.again()


def test_a_photo_that_is_gone_is_refused(stopped: Stopped) -> None:
    (stopped.data / "3.png").unlink()
    with pytest.raises(
        UserError, match=r"1 of 24 photos named in the table of cases are not there, such as row 5 '3\.png'"
    ):
        stopped.again()


def test_another_fold_file_is_refused(stopped: Stopped) -> None:
    stopped.edit(of_first("fold", "1"), "folds.csv")
    with pytest.raises(UserError, match="other fold: c0"):
        stopped.again()


def test_another_declaration_of_the_data_is_refused(stopped: Stopped) -> None:
    bounds = {"age": {"kind": "numeric", "unit": "years", "low": 0, "high": 110}}
    with pytest.raises(UserError, match=r"schema\.fields differs"):
        stopped.again(source={"fields": bounds})


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"training": {"epochs": 1, "learning_rate": 0.5}}, "training.learning_rate of image_only"),
        ({"loss": {"name": "cross_entropy"}}, "loss.*of image_only"),
        ({"data": {"without": ["age"]}}, "data.without of boosting, image_only"),
        ({"arms": ARMS | {"boosting": {"table": {"name": "majority"}}}}, r"table\.name of boosting"),
    ],
    ids=["recipe", "loss", "fields", "arm"],
)
def test_another_configuration_is_refused_by_arm(stopped: Stopped, changed: dict[str, Any], named: str) -> None:
    with pytest.raises(UserError, match=named):
        stopped.again(**changed)


def test_other_versions_are_refused_while_cells_are_waiting(stopped: Stopped) -> None:
    path = next(stopped.output.glob("cells/image_only/*/*/cell.json"))
    path.write_text(path.read_text().replace('"torch": "', '"torch": "0.'))
    with pytest.raises(UserError, match=r"begun with other versions: torch 0\."):
        stopped.again()


def test_a_refused_run_has_not_touched_what_is_there(stopped: Stopped) -> None:
    before = {path: path.read_bytes() for path in stopped.output.rglob("*") if path.is_file()}
    stopped.edit(of_first("diagnosis", "melanoma"))
    with pytest.raises(UserError):
        stopped.again()
    assert {path: path.read_bytes() for path in stopped.output.rglob("*") if path.is_file()} == before


def test_an_arm_that_joins_costs_its_own_cells_only(stopped: Stopped) -> None:
    stopped.again()
    before = {path: path.stat().st_mtime_ns for path in stopped.output.glob("cells/*/*/*/predictions.parquet")}
    table = stopped.again(arms=ARMS | {"majority": {"table": {"name": "majority"}}})
    assert set(table.arm) == {"image_only", "boosting", "majority"}
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert set(stopped.again().arm) == {"image_only", "boosting"}
