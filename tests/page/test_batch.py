"""Tables of cases, as a clinic would write them."""

from __future__ import annotations

import pytest
from page.fake_predictor import SCHEMA

pytest.importorskip("gradio")

from page.phone_photo import phone_photo
from page.test_app import from_, page, pair  # noqa: F401
from page.test_photos import ANN, BOB

from mmskin.errors import UserError
from mmskin.page.batch import MOST, columns, read_batch
from mmskin.page.handlers import Page

KIND = ("image",)


def test_columns_go_by_name_or_title_and_empty_cells_are_not_recorded() -> None:
    table = "Case;Photo;AGE;does it itch?;since;Text\nA;a.jpg;62;yes;3 months;it scabs\n;;;;;\n"
    first, second = read_batch(table, SCHEMA, KIND).cases
    assert first == {
        "case": "A",
        "photos": {"image": "a.jpg"},
        "fields": {"age": "62", "since": "3 months", "itch": "yes"},
        "text": "it scabs",
    }
    assert second == {"case": "2", "photos": {}, "fields": {}, "text": ""}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_found(separator: str) -> None:
    table = separator.join(("age", "site")) + "\n" + separator.join(("62", "leg"))
    assert read_batch(table, SCHEMA, KIND).cases[0]["fields"] == {"age": "62", "site": "leg"}


def test_a_table_with_one_column_is_one() -> None:
    assert [one["fields"] for one in read_batch("age\n62\n63\n", SCHEMA, KIND).cases] == [{"age": "62"}, {"age": "63"}]


def test_each_kind_of_photo_has_its_column() -> None:
    kinds = ("clinical", "dermoscopic")
    assert columns(SCHEMA, kinds) == ["case", *kinds, *SCHEMA.field_names, "text"]
    (one,) = read_batch("clinical,dermoscopic\na.jpg,b.jpg\n", SCHEMA, kinds).cases
    assert one["photos"] == {"clinical": "a.jpg", "dermoscopic": "b.jpg"}


def test_what_is_not_read_is_said() -> None:
    assert read_batch("age,doctor,fee\n62,X,9\n", SCHEMA, KIND).remarks == ["columns that are not read: doctor, fee"]
    assert read_batch("age\n62\n", SCHEMA, KIND).remarks == []


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "this file is no table in CSV"),
        ("age,site\n1,2,3,4\n5\n", "this file is no table in CSV"),
        (
            "doctor,fee\nX,9\n",
            "no column of this table is read; columns are: case, photo, age, since, site",
        ),
        ("itch,Does it itch?\nyes,no\n", "two columns of this table are read as the same: itch"),
        ("age\n" + "6\n" * (MOST + 1), f"the table has {MOST + 1} rows; at most {MOST} are taken"),
    ],
)
def test_what_is_no_table_of_cases_is_refused_in_one_line(table: str, said: str) -> None:
    with pytest.raises(UserError) as error:
        read_batch(table, SCHEMA, KIND)
    assert said in str(error.value)


def test_an_answer_is_a_row(page: Page) -> None:  # noqa: F811
    page.warnings = ("mind this",)
    name = page.photos.keep(phone_photo(), ANN)
    row = page.answer_row({"image": name}, {"itch": "yes"}, "it scabs", from_(ANN))
    assert row["triage"] == "See a physician urgently"
    assert (row["most_likely"], row["probability"], row["answer_set"]) == ("Melanoma <b>", "75%", "MEL+NEV")
    assert (row["probability_MEL"], row["probability_NEV"]) == (0.75, 0.25)
    assert row["remarks"].startswith("mind this; ")
    assert page.predict(name, {}, "x", from_(ANN))["remarks"][0] == "mind this"


def test_a_row_that_cannot_be_answered_says_why(page: Page) -> None:  # noqa: F811
    name = page.photos.keep(phone_photo(), ANN)
    assert "no longer kept" in page.answer_row({"image": name}, {}, None, from_(BOB))["problem"]
    assert page.answer_row({}, {"age": "500"}, None, from_(ANN))["problem"].startswith("Age: 500 is not possible")
    assert page.answer_row({}, {}, "boom", from_(ANN))["problem"].startswith("something went wrong")
    assert "too long" not in page.answer_row({}, {}, "x", from_(ANN))
    assert page.answer_row({}, {}, "x" * 9000, from_(ANN))["problem"].startswith("the text has 9,000 characters")


def test_a_page_reads_tables(page: Page) -> None:  # noqa: F811
    assert page.read_table("age\n62\n")["cases"][0]["fields"] == {"age": "62"}
    assert page.read_table("")["error"].startswith("this file is no table")
