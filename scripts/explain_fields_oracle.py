"""Do the values of fields follow the truth? Shapley values of a trained model beside those of Bayes' own answer.

On the synthetic clinic p(y | any subset of the fields) is known, so the Shapley values of the perfect answer are too.
Models learn from histories with fields hidden at random, so that they know what a missing field means; test patients
have all fields recorded. Per case: Spearman's correlation over the fields between the model's values and the truth's,
for the model's most likely class. Beside it what a model of another seed agrees to, and what is left when the values of
one case are held against the truth of another: some fields count more than others in every case.

    python scripts/explain_fields_oracle.py --output runs/explain-oracle
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from mmskin.api.predictor import Predictor
from mmskin.benchmark.run.run import run_experiment
from mmskin.config.experiment import Experiment, parse_experiment
from mmskin.explain.answers import Answers
from mmskin.explain.fields import field_values, only
from mmskin.explain.shapley import exact_shapley
from mmskin.report.numbers import number, rough
from mmskin.schema import History
from mmskin.synthetic import ClinicDesign, bands_of, draw_cases, history_of_case, make_clinic, posterior, read_truth

CASES, HIDDEN = 4000, 0.3
ENCODERS = {
    "metadata": {"name": "tokens", "dim": 32},
    "text": {"name": "hashing", "dim": 64},
}
Floats = NDArray[np.float64]


def true_values(design: ClinicDesign, history: History, code: int) -> Floats:
    """(P,) Shapley values of the recorded fields for p(class | fields), in the order of `history.fields`."""
    names = list(history.recorded())
    unseen = np.full(len(design.photo), -1)

    def game(members: NDArray[np.bool_]) -> Floats:
        told = np.stack([bands_of(only(history, names, member).fields) for member in members])
        return posterior(design, photo=np.tile(unseen, (len(told), 1)), history=told)[:, code]

    return exact_shapley(game, len(names)).values


def model_values(predictor: Predictor, history: History, code: int) -> Floats:
    """(P,) the model's, in the same order."""
    answers = Answers(predictor.present())
    found = field_values(answers, history, code, exact_up_to=len(history.fields), pairs=2)
    assert found is not None
    by_name = {field.name: field.points for field in found.fields}
    return np.array([by_name[name] for name in history.recorded()])


def experiment(modality: str, clinic: Path, *, seed: int) -> Experiment:
    """One history alone, its fields dropped at random in training."""
    return parse_experiment(
        {
            "name": f"{modality}_only",
            "data": {"source": {"name": "synthetic"}, "root": str(clinic), "folds": 10, "test_folds": [0]},
            "encoders": {modality: ENCODERS[modality]},
            "fusion": {"name": f"{modality}_only"},
            "loss": {"name": "cross_entropy"},
            "training": {"epochs": 15, "views": 8, "learning_rate": 3e-3, "field_dropout": HIDDEN, "threads": 1},
            "seed": seed,
        }
    )


def compare(predictors: list[Predictor], design: ClinicDesign, *, cases: int, seed: int) -> dict[str, list[float]]:
    """Rank correlations of the first predictor's values per case: with the truth, the second's, another's truth."""
    histories = [History(history_of_case(case).fields) for case in draw_cases(design, cases, seed=seed)]
    codes = [design.classes.index(predictors[0].predict(metadata=history.fields).top) for history in histories]
    asked = list(zip(histories, codes, strict=True))
    truth = [true_values(design, history, code) for history, code in asked]
    first, second = ([model_values(one, history, code) for history, code in asked] for one in predictors)
    sides = {"truth": truth, "another seed": second, "truth of another case": [*truth[1:], truth[0]]}
    return {
        name: [float(spearmanr(ours, other).statistic) for ours, other in zip(first, others, strict=True)]
        for name, others in sides.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=100, help="patients whose answers are explained")
    options = parser.parse_args()
    began = time.process_time()
    clinic = options.output / "clinic"
    if not (clinic / "truth.json").exists():
        make_clinic(clinic, cases=CASES, size=96, seed=7)
    design = read_truth(clinic).design
    print("| model | values against | median | quarter below | quarter above |\n|---|---|---|---|---|")
    for modality in ENCODERS:
        folders = [options.output / f"{modality}_{seed}" for seed in (0, 1)]
        for seed, folder in enumerate(folders):
            run_experiment(
                experiment(modality, clinic, seed=seed),
                folder,
                say=lambda line: None,
                progress=False,
            )
        found = compare([Predictor.load(folder) for folder in folders], design, cases=options.cases, seed=8)
        (options.output / f"{modality}.json").write_text(json.dumps(found), encoding="utf-8")
        for against, correlations in found.items():
            cells = [number(value, digits=2) for value in np.quantile(correlations, (0.5, 0.25, 0.75))]
            print(f"| {modality} | {against} | {' | '.join(cells)} |")
    print(f"\n{options.cases} patients, {CASES:,} to learn from, {rough(time.process_time() - began)} CPU seconds.")


if __name__ == "__main__":
    main()
