"""A model of one synthetic clinic at another one: do intervals hold the truth, does the prior's correction work, and is
drift found where it is and only there?

    python scripts/elsewhere_simulation.py --output runs/elsewhere_simulation

A model (photo by a frozen CNN, fields) is trained at clinic A. Two populations are answered once: more patients of A,
and clinic B, with other light in its photos, other shares of the classes, and symptoms left out more often. Then
draws of patients from them: 1,000 of 300 for intervals and priors, 500 of 200 for drift. The truth is that of the whole
population. Nothing here is tuned: the numbers are printed as they come, and written to elsewhere_simulation.json.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmskin.api.fit import fit
from mmskin.api.tables import read_source
from mmskin.data.table import Cases
from mmskin.evaluation.intervals import draw_patients, interval, replicate
from mmskin.evaluation.metrics import METRICS, Floats, Metric
from mmskin.evaluation.predictions import probabilities, target_codes
from mmskin.evaluation.two_samples import moments_of
from mmskin.external.answered import Elsewhere, answer_elsewhere
from mmskin.external.drift import LEVEL, NewPatients, Patients, compared
from mmskin.synthetic import Missing, make_clinic, read_cases
from mmskin.trained.prior_shift import estimated_prior, restated
from mmskin.trained.reference import Reference, answers_of, field_counts, one_case_a_patient, part_counts, reference_of
from mmskin.trained.run_models import load_trained

AT_HOME, THERE = 5000, 3000
DRAWS, OF = 1000, 300
DRIFT_DRAWS, DRIFT_OF = 500, 200
REMEMBERED = 1000  # patients of before
REPLICATES = 1000
COVERED = ("balanced_accuracy", "macro_auroc", "log_loss", "accuracy")
SHARES_OF_B = (0.05, 0.1, 0.1, 0.2, 0.25, 0.3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("runs/elsewhere_simulation"))
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--drift-draws", type=int, default=DRIFT_DRAWS)
    asked = parser.parse_args()
    home, more, other = clinics(asked.output)
    model = load_trained(trained_at(home, asked.output / "model"))
    there = answer_elsewhere(model, other, arm="late")
    rng = np.random.default_rng(0)

    def patients_of(cases: Cases) -> NewPatients:
        return NewPatients(model, one_case_a_patient(cases.table))

    at_home = patients_of(more)
    found = {
        "intervals": coverage(there.table, rng, draws=asked.draws),
        "prior": priors(there, rng, draws=asked.draws),
        "drift": {
            name: drift_found(at_home, at_home if cases is more else patients_of(cases), rng, draws=asked.drift_draws)
            for name, cases in (("more patients of A", more), ("clinic B", other))
        },
    }
    text = json.dumps(found, indent=1)
    (asked.output / "elsewhere_simulation.json").write_text(text + "\n", encoding="utf-8")
    print(text)


def trained_at(home: Cases, folder: Path) -> Path:
    """The folder of the model of clinic A, which is trained if it is not there."""
    if not folder.exists():
        fit(
            home,
            encoders={
                "image": {
                    "name": "timm",
                    "model": "tf_efficientnet_lite0",
                    "weights": "package",
                    "trainable": "none",
                    "image_size": 128,
                },
                "metadata": {"name": "tokens", "pooled": "columns"},
            },
            fusion={"name": "late"},
            loss={"name": "balanced_softmax"},
            training={"epochs": 15, "learning_rate": 3e-3},
            missingness="visible",
            photo_side=128,
            output=folder,
        )
    return folder


def clinics(folder: Path) -> tuple[Cases, Cases, Cases]:
    """Clinic A, more of its patients, and clinic B."""
    habits = Missing(at_random=0.05)
    places = {
        "a": {"cases": AT_HOME, "seed": 0, "missing": habits},
        "more_of_a": {"cases": THERE, "seed": 1, "missing": habits},
        "b": {"cases": 4 * THERE, "seed": 2, "missing": Missing(at_random=0.05, block=0.3)},
    }
    read = []
    for name, options in places.items():
        if not (folder / name / "truth.json").exists():
            make_clinic(folder / name, size=128, **options)  # type: ignore[arg-type]
        read.append(read_source("synthetic", folder / name))
    home, more, other = read
    light = {case.case_id: case.values["light"] for case in read_cases(folder / "b")}
    return home, more, other_place(other, light)


def other_place(cases: Cases, light: Mapping[str, str]) -> Cases:
    """Cases in warm light, with other shares of the classes."""
    rng = np.random.default_rng(0)
    rows = cases.table[cases.table["case_id"].map(light) == "warm"]
    shares = dict(zip(cases.schema.classes, SHARES_OF_B, strict=True))
    size = int(min((rows["target"] == name).sum() / share for name, share in shares.items()))
    chosen = [
        rng.choice(rows.index[rows["target"] == name], int(size * share), replace=False)
        for name, share in shares.items()
    ]
    return cases._replace(table=cases.table.loc[np.sort(np.concatenate(chosen))].reset_index(drop=True))


def drawn(table: pd.DataFrame, rng: np.random.Generator, *, patients: int) -> pd.DataFrame:
    """All rows of so many patients of a population, drawn with replacement: each time they are somebody else."""
    places = table.groupby("patient_id").indices
    chosen = rng.choice(sorted(map(str, places)), patients)
    rows = table.iloc[np.concatenate([places[one] for one in chosen])].reset_index(drop=True)
    ids = np.repeat(np.arange(patients), [len(places[one]) for one in chosen])
    return rows.assign(patient_id=[f"p{one}" for one in ids], case_id=[f"c{row}" for row in range(len(rows))])


def coverage(population: pd.DataFrame, rng: np.random.Generator, *, draws: int) -> dict[str, float]:
    """By metric, the share of draws whose 95 % interval holds the value of the population."""
    metrics = {name: METRICS[name] for name in COVERED}
    truth = values(population, metrics, replicates=1)
    held = dict.fromkeys(COVERED, 0)
    for draw in range(draws):
        rows = drawn(population, rng, patients=OF)
        resamples = draw_patients(rows["patient_id"], replicates=REPLICATES, seed=draw)
        for (name, _), replicated in replicate(rows, resamples=resamples, metrics=metrics).items():
            low, high = interval(replicated)
            held[name] += low <= truth[name] <= high
    return {name: count / draws for name, count in held.items()} | {f"truth {name}": truth[name] for name in COVERED}


def values(rows: pd.DataFrame, metrics: Mapping[str, Metric], *, replicates: int) -> dict[str, float]:
    resamples = draw_patients(rows["patient_id"], replicates=replicates)
    found = replicate(rows, resamples=resamples, metrics=metrics)
    return {name: float(replicated[0]) for (name, _), replicated in found.items()}


def priors(there: Elsewhere, rng: np.random.Generator, *, draws: int) -> dict[str, float]:
    """Mean log-loss of the draws: as answered, and under shares of the classes of A, estimated, and of B itself."""
    probs, own = there.own_shares()
    target = target_codes(there.table)
    truth = np.bincount(target, minlength=len(own)) / len(target)
    answered = probabilities(there.table)
    losses: dict[str, list[float]] = {"as answered": [], "shares of A": [], "estimated": [], "shares of B": []}
    for _ in range(draws):
        rows = rng.integers(len(target), size=OF)
        variants = {
            "as answered": answered[rows],
            "shares of A": probs[rows],
            "estimated": restated(probs[rows], of=own, to=estimated_prior(probs[rows], of=own)),
            "shares of B": restated(probs[rows], of=own, to=truth),
        }
        for name, of in variants.items():
            losses[name].append(float(-np.log(of[np.arange(len(rows)), target[rows]]).mean()))
    means = {name: float(np.mean(of)) for name, of in losses.items()}
    return means | {"estimated over shares of B": means["estimated"] / means["shares of B"] - 1}


def drift_found(before: NewPatients, now: NewPatients, rng: np.random.Generator, *, draws: int) -> dict[str, float]:
    """The share of draws in which some comparison differs, corrected, and by kind of comparison uncorrected.

    Patients of before are drawn anew each time too: a model remembers one sample of them, and how lucky that is would
    else be the same in every draw. Where both come from one place, nobody stands on both sides.
    """
    some, clear, by_kind = 0, 0, dict[str, list[float]]()
    for _ in range(draws):
        order = rng.permutation(len(before.rows))
        reference = of_patients(before.some(order[:REMEMBERED]))
        new = order[REMEMBERED:] if now is before else np.arange(len(now.rows))
        tests = compared(now.some(rng.choice(new, DRIFT_OF, replace=False)), reference)
        some += bool((tests["p_adjusted"] < LEVEL).any())
        clear += bool((tests["p_adjusted"] < 0.01).any())
        for kind, rows in tests.groupby("what"):
            by_kind.setdefault(str(kind), []).extend((rows["p"] < LEVEL).tolist())
    shares = {f"{kind}, p < {LEVEL:g}": float(np.mean(of)) for kind, of in by_kind.items()}
    return {"found (Holm, 0.05)": some / draws, "found (Holm, 0.01)": clear / draws, **shares}


def of_patients(patients: Patients) -> Reference:
    """What a model would remember of these patients."""
    model, kept = patients.model, reference_of(patients.model)
    assert kept is not None
    photos = {kind: kept.photos[kind].model_copy(update=_moments(of)) for kind, of in patients.photos.items()}
    changed = {
        "patients": len(patients.rows),
        "fields": field_counts(patients.rows, model.schema, with_text="text" in model.modalities),
        "parts": part_counts(patients.rows, list(kept.parts)),
        "photos": photos,
        "answers": answers_of(patients.probs, model.schema),
    }
    return kept.model_copy(update=changed)


def _moments(features: Floats) -> dict[str, Any]:
    moments = moments_of(features)
    return {"patients": moments.n, "mean": moments.mean, "covariance": moments.covariance}


if __name__ == "__main__":
    main()
