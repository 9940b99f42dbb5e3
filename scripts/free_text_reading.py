"""How well is free text read? Facts of histories in three styles, read by a taught text encoder, by style.

`tests/data/free_text_300.jsonl` is read, and with --texts other files of the same form. A folder that does not exist
is written first: MiniLM is taught the ten fields that the texts are about. --untaught reads with the same encoder as it
was before: frozen, only its reader of fields is taught, on the same lessons.

About 7 CPU minutes on one core to teach MiniLM, 2 for an untaught reader, 10 seconds to read 360 texts.

    python scripts/free_text_reading.py runs/taught --texts ../shared/cases/free_text/histories.jsonl
    python scripts/free_text_reading.py runs/taught --untaught
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import torch

from mmskin.config.teaching_options import TeachingOptions
from mmskin.encoders.field_reader import Reading
from mmskin.encoders.taught_text import RECORD, read_record
from mmskin.report.numbers import number
from mmskin.teaching.free_text_scores import score_free_texts
from mmskin.teaching.free_texts import free_text_schema, read_free_texts
from mmskin.teaching.taught import TaughtEncoder, learner, load_taught, write_taught
from mmskin.teaching.teach import teach

GRAMMAR = Path(__file__).parents[1] / "tests" / "data" / "free_text_300.jsonl"
MINILM = {"name": "transformers"}
ReadNotes = Callable[[Sequence[str]], list[dict[str, Reading]]]
"""Texts → by text, what is read of every field."""


def table_of(file: Path, read_notes: ReadNotes) -> pd.DataFrame:
    """Scores of a reader on a file of free texts, a row a score and a column a style, each with its count."""
    schema = free_text_schema()
    texts = read_free_texts(file, schema)
    readings = read_notes([text.text for text in texts])
    values = [{name: reading.value for name, reading in of_text.items()} for of_text in readings]
    scores = score_free_texts(texts, values, schema)
    scores["said"] = [f"{number(value, digits=2)} ({n})" for value, n in zip(scores["value"], scores["n"], strict=True)]
    return scores.pivot(index="score", columns="style", values="said").loc[
        scores["score"].drop_duplicates(), scores["style"].drop_duplicates()
    ]


def untaught(folder: Path) -> TaughtEncoder:
    """The kind of encoder that was taught into a folder, with the weights it starts from and a reader of its own."""
    record = read_record(folder)
    options = TeachingOptions.model_validate(record["options"])
    encoder = learner({"name": record["slot"]["name"]}, options)
    for parameter in encoder.parameters():
        parameter.requires_grad_(False)
    schema = free_text_schema()
    teach(encoder, schema, options, say=print)
    return TaughtEncoder(encoder, schema.fields)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("taught", type=Path, help="folder of a taught encoder; written if it is not there")
    parser.add_argument("--texts", type=Path, nargs="*", default=[], help="further files of free texts")
    parser.add_argument("--untaught", action="store_true", help="read with the encoder as it was before")
    parser.add_argument("--seed", type=int, default=0, help="of the teaching, where the folder is not there")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if not (options.taught / RECORD).is_file():
        teaching = TeachingOptions(seed=options.seed)
        write_taught(learner(MINILM, teaching), MINILM, free_text_schema(), teaching, options.taught, say=print)
    reader = untaught(options.taught) if options.untaught else load_taught(options.taught)
    for file in (GRAMMAR, *options.texts):
        print(f"\n{file.name}, {'untaught' if options.untaught else 'taught'}")
        print(table_of(file, reader.read_notes).to_string())


if __name__ == "__main__":
    main()
