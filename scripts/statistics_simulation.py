"""How often the comparison of two arms is wrong, on invented data whose truth is known, beside what is often done.

A data set is like PAD-UFES-20: some 900 patients of 1 to 10 photos, six classes of 395 down to 49 cases, five
patient-disjoint folds, three training seeds an arm. Whether an answer is right depends on the patient, the photo, the
arm and the seed, so that cases of a patient are alike, and so are the differences between the arms. The share of right
answers per class, and with it the true difference, is set by construction.

    python scripts/statistics_simulation.py                                  (about 35 CPU minutes)

Prints two tables in Markdown: false positives at the 5 % level where the arms do not differ, and the coverage of 95 %
intervals with and without a difference. Row-level DeLong, McNemar and t over folds are here to be compared with, and
nowhere in the library: rows of one patient are not independent, and five folds share their training patients.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import binomtest, t, ttest_rel

from mmskin.evaluation.delong import clustered_auc_difference
from mmskin.evaluation.differences import compare_arms
from mmskin.evaluation.intervals import LEVEL
from mmskin.evaluation.metrics import balanced_accuracy
from mmskin.evaluation.permutation import permutation_test
from mmskin.report.numbers import number, percent, rough

CLASSES = ("BCC", "ACK", "NEV", "SEK", "SCC", "MEL")
COUNTS = np.array([395, 324, 222, 170, 77, 49])  # the sample of PAD-UFES-20 in BENCHMARKS.md
MALIGNANT = (0, 4, 5)
SENSITIVITY = np.array([0.70, 0.68, 0.80, 0.62, 0.40, 0.52])  # of an arm, about those measured there
PATIENTS, FOLDS, SEEDS = 900, 5, 3
PHOTOS = np.array([0.79, 0.125, 0.04, 0.02, 0.009, 0.006, 0.004, 0.003, 0.002, 0.001])  # patients with 1, 2, … 10
SAME_CLASS = 0.85  # photos of the patient's main class; two photos of a patient then agree in 3 of 4 pairs, as there
# Shares of the variance of what makes an answer right; the last three differ between the arms. A guess.
VARIANCE = {"patient": 0.35, "photo": 0.15, "patient of arm": 0.25, "photo of arm": 0.10, "photo of seed": 0.15}
GAIN = 0.06  # true difference of the coverage runs
COVERS = "covers the true difference"
LUCK = 0.04  # 1.5 points of sensitivity a fold; of that of the sample half is common to folds, which share patients


class Trial(NamedTuple):
    """One invented data set with the answers of two arms.

    target, patient, fold: (N,), int.
    probs: (2, S, N, C), of arm, seed, case and class.
    """

    target: NDArray[np.int64]
    patient: NDArray[np.int64]
    fold: NDArray[np.int64]
    probs: NDArray[np.float64]


# --- data whose truth is known ------------------------------------------------------------------------------


def draw_trial(
    rng: np.random.Generator,
    *,
    gain: float = 0.0,
    luck: float = 0.0,
    seed_luck: float = 0.0,
    patients: int = PATIENTS,
    seeds: int = SEEDS,
) -> Trial:
    """Invent patients, cases and answers.

    An answer is right if a standard normal number lies below the threshold whose probability is the sensitivity of the
    class; the number is a sum of normal parts, some of which cases, arms or seeds have in common.

    Args:
        rng: of the data set.
        gain: sensitivity of the second arm minus that of the first, in every class.
        luck: standard deviation of a fold's threshold from its training patients, the same for all its cases and seeds.
        seed_luck: standard deviation of the threshold of one model, of a fold and a seed, the same for all its cases.
        patients: how many.
        seeds: of training, an arm.
    """
    patient = np.repeat(np.arange(patients), rng.choice(len(PHOTOS), size=patients, p=PHOTOS) + 1)
    n, shares = len(patient), COUNTS / COUNTS.sum()
    main, own = rng.choice(len(COUNTS), size=patients, p=shares), rng.choice(len(COUNTS), size=n, p=shares)
    target = np.where(rng.random(n) < SAME_CLASS, main[patient], own)
    fold = (rng.permutation(patients) % FOLDS)[patient]
    scale = {name: np.sqrt(share) for name, share in VARIANCE.items()}
    hardness = (
        scale["patient"] * rng.normal(size=patients)[patient]
        + scale["photo"] * rng.normal(size=n)
        + scale["patient of arm"] * rng.normal(size=(2, 1, patients))[..., patient]
        + scale["photo of arm"] * rng.normal(size=(2, 1, n))
        + scale["photo of seed"] * rng.normal(size=(2, seeds, n))
    )
    trained = luck * np.sqrt(0.5) * (rng.normal(size=(2, 1, 1)) + rng.normal(size=(2, 1, FOLDS)))[..., fold]
    trained = trained + seed_luck * rng.normal(size=(2, seeds, FOLDS))[..., fold]
    sensitivity = SENSITIVITY + gain * np.arange(2)[:, None]
    lead = np.sqrt(1 + luck**2 + seed_luck**2) * ndtri(sensitivity)[:, None, target] + trained - hardness
    return Trial(target, patient, fold, _probabilities(rng, target, lead))


def _probabilities(
    rng: np.random.Generator, target: NDArray[np.int64], lead: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(..., C) in which the true class leads its one rival, picked at random, by 1.5 × lead nats; the others trail."""
    num_classes = len(CLASSES)
    rival = (target + rng.integers(1, num_classes, size=lead.shape)) % num_classes
    logits = np.minimum(1.5 * lead, 0)[..., None] - np.abs(rng.normal(size=(*lead.shape, num_classes)))
    np.put_along_axis(logits, np.broadcast_to(target, lead.shape)[..., None], 1.5 * lead[..., None], axis=-1)
    np.put_along_axis(logits, rival[..., None], 0.0, axis=-1)
    powers = np.exp(logits)
    found: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return found


def predictions(trial: Trial) -> pd.DataFrame:
    """The trial as a predictions table of the arms "first" and "second"."""
    seeds, n = trial.probs.shape[1:3]
    facts = pd.DataFrame(
        {
            "case_id": [f"c{i:05d}" for i in range(n)],
            "patient_id": [f"p{i:05d}" for i in trial.patient],
            "fold": trial.fold,
            "split": "test",
            "target": np.array(CLASSES)[trial.target],
        }
    )
    table: pd.DataFrame = pd.concat([facts] * 2 * seeds, ignore_index=True)
    table["arm"] = np.repeat(["first", "second"], seeds * n)
    table["seed"] = np.tile(np.repeat(np.arange(seeds), n), 2)
    table[[f"prob_{name}" for name in CLASSES]] = trial.probs.reshape(-1, len(CLASSES))
    return table


# --- verdicts on one data set -------------------------------------------------------------------------------


def our_p(trial: Trial, differences: pd.DataFrame) -> dict[str, float]:
    """p of what the library offers, patients as clusters; of the bootstrap what `compare_arms` found, by metric."""
    right = (trial.probs.argmax(axis=-1) == trial.target).mean(axis=1)
    malignant, score = np.isin(trial.target, MALIGNANT), trial.probs[..., MALIGNANT].sum(axis=-1)
    patients = pd.Series(trial.patient)
    swapped = permutation_test(right[1], right[0], patients, target=trial.target, replicates=2000)
    delong = clustered_auc_difference(malignant, score[1], score[0], patients, fold=trial.fold)
    return {
        **{f"bootstrap of patients, {metric}": row.p_adjusted for metric, row in differences.iterrows()},
        "permutation by patient, balanced_accuracy": swapped.p,
        "DeLong by patient, AUROC of malignant": delong.p,
    }


def naive_p(trial: Trial) -> dict[str, float]:
    """p of what is often done instead: McNemar reads the first seed, the others the mean over seeds."""
    answers = trial.probs.argmax(axis=-1) == trial.target
    malignant, score = np.isin(trial.target, MALIGNANT), trial.probs[..., MALIGNANT].sum(axis=-1)
    rows = pd.Series(np.arange(len(trial.target)))
    by_fold = np.array([_fold_accuracies(trial, fold) for fold in range(FOLDS)])
    return {
        "McNemar on rows, accuracy": mcnemar(answers[1, 0], answers[0, 0]),
        "DeLong on rows, AUROC of malignant": clustered_auc_difference(
            malignant, score[1], score[0], rows, fold=trial.fold
        ).p,
        "t over folds, balanced_accuracy": float(ttest_rel(by_fold[:, 1], by_fold[:, 0]).pvalue),
        "t over folds of Nadeau & Bengio, balanced_accuracy": corrected_t(by_fold[:, 1] - by_fold[:, 0]),
    }


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Exact two-sided p that discordant rows are a fair coin (McNemar 1947), as if every row were a patient."""
    wins, losses = int((first & ~second).sum()), int((second & ~first).sum())
    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def corrected_t(by_fold: NDArray[np.float64]) -> float:
    """Two-sided p of the mean over k folds, its variance times 1/k + 1/(k − 1), as training sets overlap.

    Source: Nadeau & Bengio, *Inference for the generalization error*, Mach. Learn. 2003, section 3.
    """
    k = len(by_fold)
    error = np.sqrt(by_fold.var(ddof=1) * (1 / k + 1 / (k - 1)))
    return float(2 * t.sf(abs(by_fold.mean()) / error, df=k - 1))


def _fold_accuracies(trial: Trial, fold: int) -> list[float]:
    rows = trial.fold == fold
    return [
        float(np.mean([balanced_accuracy(trial.target[rows], probs[rows]) for probs in arm])) for arm in trial.probs
    ]


# --- many data sets -----------------------------------------------------------------------------------------


def simulate(
    *,
    datasets: int,
    replicates: int,
    seed: int,
    gain: float = 0.0,
    luck: float = 0.0,
    seed_luck: float = 0.0,
    seeds: int = SEEDS,
    aurocs: bool = True,
) -> dict[str, float]:
    """Shares of the data sets: in which each test claims a difference, and in which the interval covers the true one.

    Args:
        datasets: how many.
        replicates: bootstrap resamples of each.
        seed: data set i is drawn from (seed, i).
        gain: see `draw_trial`.
        luck: see `draw_trial`.
        seed_luck: see `draw_trial`.
        seeds: see `draw_trial`.
        aurocs: whether to bootstrap the macro AUROC too, which takes most of the time.
    """
    found = [
        try_tests(
            draw_trial(np.random.default_rng((seed, i)), gain=gain, luck=luck, seed_luck=seed_luck, seeds=seeds),
            gain,
            replicates,
            i,
            aurocs,
        )
        for i in range(datasets)
    ]
    return {str(name): float(share) for name, share in pd.DataFrame(found).mean().items()}


def try_tests(trial: Trial, gain: float, replicates: int, seed: int, aurocs: bool) -> dict[str, bool]:
    """Which tests claim a difference at the 5 % level, and whether the interval covers the true one."""
    metrics = ["balanced_accuracy", "macro_auroc"][: 1 + aurocs]
    differences = compare_arms(
        predictions(trial), reference="first", metrics=metrics, replicates=replicates, seed=seed
    ).set_index("metric")
    claims = {name: p <= LEVEL for name, p in (our_p(trial, differences) | naive_p(trial)).items()}
    low, high = (float(differences[bound].loc["balanced_accuracy"]) for bound in ("low", "high"))
    return claims | {COVERS: low <= gain <= high}


def false_positive_table(columns: Mapping[str, Mapping[str, float]]) -> str:
    """Markdown: a line per test, a column a kind of data sets by its title."""
    lines = [f"| test | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    for name in next(iter(columns.values())):
        if name != COVERS:
            cells = [percent(of[name], digits=1) if name in of else "not run" for of in columns.values()]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def coverage_table(kinds: Mapping[tuple[str, float], Mapping[str, float]]) -> str:
    """Markdown: a line per kind of data sets and true difference."""
    lines = ["| luck | true difference | interval covers it | called better or worse |", "|---|---|---|---|"]
    for (kind, gain), shares in kinds.items():
        called = shares["bootstrap of patients, balanced_accuracy"]
        true = number(gain, digits=2, sign=True)
        cells = [kind, true, percent(shares[COVERS], digits=1), percent(called, digits=1)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=int, default=1000)
    parser.add_argument("--replicates", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began, shared = time.process_time(), vars(options)
    none = simulate(**shared)
    of_seeds = simulate(**shared, seed_luck=LUCK, aurocs=False)
    of_sample = simulate(**shared, luck=LUCK, aurocs=False)
    print(f"False positives at the 5 % level, {options.datasets} data sets without a difference:\n")
    columns = {"no luck": none, "luck of training seeds": of_seeds, "luck of the training sample": of_sample}
    print(false_positive_table(columns) + "\n")
    better = simulate(**shared, gain=GAIN, aurocs=False)
    lucky_better = simulate(**shared, gain=GAIN, seed_luck=LUCK, aurocs=False)
    print("The 95 % interval of the difference in balanced accuracy:\n")
    rows = {("none", 0.0): none, ("none", GAIN): better, ("seeds", 0.0): of_seeds, ("seeds", GAIN): lucky_better}
    print(coverage_table(rows))
    spent = rough(time.process_time() - began)
    print(f"\n{options.replicates} resamples each, seed {options.seed}, {spent} CPU seconds.")


if __name__ == "__main__":
    main()
