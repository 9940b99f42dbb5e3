"""Ten test cases of a saved model on one page, each explained in a row: to be looked at by a person; and how long
one explanation takes.

    python scripts/explain_contact_sheet.py MODEL configs/pad_ufes_20/image_only.yaml --output sheet.html

The cases are drawn, not chosen, from the test fold of the model. The page holds photos of patients and what they said:
it belongs where the data set may be kept, and never into a repository.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import torch

from mmskin.api.predictor import Predictor
from mmskin.config.experiment import read_experiment
from mmskin.data.table import history_of
from mmskin.explain.explainer import Explainer
from mmskin.explain.explanation import Explanation
from mmskin.explain.explanation_check import unseen_rows
from mmskin.report.explanation_figures import part_title
from mmskin.report.explanation_html import fields_of, words_of
from mmskin.report.explanation_sentences import sentences
from mmskin.report.numbers import percent, points, rough
from mmskin.report.pages import render
from mmskin.report.pictures import data_url

SIDE = 200  # pixels of a photo's longer side


class Shown(NamedTuple):
    """A case of the data set, its explanation, and what that took: seconds on the clock, seconds of CPU."""

    row: dict[Any, Any]
    explanation: Explanation
    wall: float
    cpu: float


def explained(predictor: Predictor, rows: pd.DataFrame, *, text: str | None) -> Iterator[Shown]:
    """The cases with a photo, in order; `text` is what all of them say beside their fields, if anything."""
    explainer = Explainer(predictor.trained)
    for row in rows.to_dict("records"):
        if not row["images"] and "image" in predictor.modalities:
            continue
        history = history_of(row, predictor.schema)
        wall, cpu = time.perf_counter(), time.process_time()
        explanation = explainer.explain(list(row["images"]) or None, dict(history.fields), text or history.text)
        yield Shown(row, explanation, time.perf_counter() - wall, time.process_time() - cpu)


def shown(row: dict[Any, Any], explanation: Explanation) -> dict[str, Any]:
    """What one row of the page says."""
    titles = explanation.titles
    return {
        "case": row["case_id"],
        "photo": data_url(explanation.photo, side=SIDE),
        "map": data_url(explanation.heatmap, side=SIDE),
        "truth": titles.get(row["target"], row["target"]),
        "is_right": row["target"] == explanation.top,
        "answers": [(titles.get(name, name), percent(p)) for name, p in list(explanation.probabilities.items())[:3]],
        "shares": [(part_title(part), points(value)) for part, value in explanation.shares.points.items()],
        "fields": fields_of(explanation),
        "words": words_of(explanation),
        "change": sentences(explanation)[-1] if explanation.changes else "",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("config", type=Path, help="experiment with the folds of the model")
    parser.add_argument("overrides", nargs="*", help="overrides of the experiment, such as data.root=/data")
    parser.add_argument("--cases", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--text", help="free text that every case is given, to see what it adds to the time")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    predictor = Predictor.load(options.model)
    rows = unseen_rows(predictor.trained, read_experiment(options.config, options.overrides).data)
    found = explained(predictor, rows.sample(frac=1, random_state=options.seed), text=options.text)
    drawn = list(islice(found, options.cases))
    page = render(
        Path(__file__).with_name("explain_contact_sheet.html.jinja"),
        title="Explanations to be looked at",
        about=f"{options.model}, {len(drawn)} cases of its test fold, seed {options.seed}",
        cases=[shown(one.row, one.explanation) for one in drawn],
    )
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(page, encoding="utf-8")
    for name in ("wall", "cpu"):
        seconds = sorted(getattr(one, name) for one in drawn)
        print(f"{name} seconds an explanation: median {rough(seconds[len(seconds) // 2])}, most {rough(seconds[-1])}")
    print(options.output)


if __name__ == "__main__":
    main()
