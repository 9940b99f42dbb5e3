"""The table of readings of free text, for readers whose scores are known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import free_text_reading as script
import torch

from mmskin.config.teaching_options import TeachingOptions
from mmskin.encoders.field_reader import Reading
from mmskin.report.numbers import NOTHING
from mmskin.teaching.free_texts import free_text_schema, read_free_texts
from mmskin.teaching.taught import learner, write_taught

ROOT = Path(__file__).parents[2]
TEXTS = ROOT / "tests" / "data" / "free_text_300.jsonl"
STYLES = ["all", "shorthand", "voice", "letter"]


def test_a_reader_that_knows_the_facts_has_every_share_at_one() -> None:
    known = {text.text: text.fields for text in read_free_texts(TEXTS, free_text_schema())}

    def read_notes(texts: Sequence[str]) -> list[dict[str, Reading]]:
        return [{name: Reading(value, 1.0) for name, value in known[text].items()} for text in texts]

    table = script.table_of(TEXTS, read_notes)
    assert list(table.columns) == STYLES
    shares = table.drop(index="age off by (median)")
    assert {cell.partition(" ")[0] for cell in shares.to_numpy().ravel()} == {"1.00"}
    assert {cell.partition(" ")[0] for cell in table.loc["age off by (median)"]} == {"0.00"}


def test_a_reader_that_reads_nothing_is_right_only_where_nothing_is_stated() -> None:
    table = script.table_of(TEXTS, lambda texts: [{} for _ in texts])
    assert table.loc["unstated not recorded", "all"].startswith("1.00")
    assert table.loc["yes/no right", "all"].startswith("0.00")
    assert table.loc["age off by (median)", "all"] == f"{NOTHING} (0)"


def test_an_untaught_reader_has_the_encoder_as_it_was(tmp_path: Path) -> None:
    slot, options = {"name": "hashing"}, TeachingOptions(steps=1)
    write_taught(learner(slot, options), slot, free_text_schema(), options, tmp_path / "taught", say=lambda line: None)
    before = learner(slot, options).state_dict()
    reader = script.untaught(tmp_path / "taught")
    after = reader.encoder.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
    assert set(reader.read_notes(["It itches."])[0]) == set(free_text_schema().field_names)
