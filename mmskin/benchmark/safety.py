"""What calibration, answer sets and triage of an arm are worth on test cases of other patients, folds pooled.

In each fold they are fitted to its validation rows, exactly as those of a saved model, and applied to its test rows;
nothing of a test row is used but to measure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mmskin.evaluation.calibration_error import debiased_ece, mean_classwise_ece
from mmskin.evaluation.decision_curve import biopsies_per_cancer, decision_curve
from mmskin.evaluation.intervals import Resamples, draw_patients, interval
from mmskin.evaluation.metrics import Floats, Ints, brier, ece, log_loss
from mmskin.evaluation.operating_points import at_sensitivity, at_specificity
from mmskin.evaluation.predictions import PROB, arm_names, class_names, probabilities, read_predictions, target_codes
from mmskin.evaluation.proportions import exact_interval, one_per_patient
from mmskin.evaluation.reliability import reliability_bins
from mmskin.evaluation.risk_coverage import risk_coverage
from mmskin.report.pages import Section
from mmskin.report.sections.safeguards import AS_TRAINED, Safety, safeguards_section
from mmskin.schema import Schema
from mmskin.trained.answer_sets import LEVEL, Promise, members, p_values
from mmskin.trained.calibration import log_of
from mmskin.trained.class_calibration import METHODS, Method
from mmskin.trained.safeguards import OfParts, Validated, fit_of_parts
from mmskin.trained.triage import Bools, Groups, Level, groups_of, levels

PROBABILITY_METRICS: Mapping[str, Callable[[Ints, Floats, Floats], Floats]] = {
    "debiased_ece": debiased_ece,
    "ece": ece,
    "classwise_ece": mean_classwise_ece,
    "brier": brier,
    "log_loss": log_loss,
}
RISKS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)  # from which an excision may be thought right
AIMS = (0.9, 0.95)
RELIABILITY_BINS = 10
DRAWS = 100_000


class Held(NamedTuple):
    """Test rows of one set of parts, folds pooled, and what a fold's safeguards say of each.

    rows: predictions as trained. calibrated: by method, (N, C). inside: by promise, (N, C). levels: (N,), None where no
    class is dangerous. counted: by class, (validation cases of the fold, test cases) of each fold; {} where not known.
    """

    rows: pd.DataFrame
    calibrated: Mapping[Method, Floats]
    inside: Mapping[Promise, Bools]
    levels: Ints | None
    counted: Mapping[str, Sequence[tuple[int, int]]]


def safeguards_of_run(run: Path, *, replicates: int) -> list[Section]:
    """What the safeguards of the arm that a run has asked by parts are worth; [] where it has asked none.

    Args:
        run: folder of a finished run.
        replicates: resamples of the patients.
    """
    if not (run / "parts.parquet").exists():
        return []
    table = read_predictions(run / "parts.parquet")
    schema = Schema.model_validate_json((run / "schema.json").read_text(encoding="utf-8"))
    safety = evaluate_safety(table, schema.class_groups, groups_of(schema), replicates=replicates)
    (arm,) = arm_names(table)
    return [] if safety is None else [safeguards_section(safety, arm=arm, titles=schema.class_titles)]


def evaluate_safety(
    table: pd.DataFrame, class_groups: Mapping[str, Sequence[str]], groups: Groups | None, *, replicates: int = 2000
) -> Safety | None:
    """Everything that safeguards are worth; None where a fold has no validation or test case of the whole.

    Args:
        table: see `mmskin.benchmark.parts_cells`; the whole case first.
        class_groups: named sets of classes, for the counts of triage.
        groups: see `mmskin.trained.triage.groups_of`.
        replicates: resamples of the patients.
    """
    found = {str(key): held_out(rows, groups) for key, rows in table.groupby("scenario", sort=False)}
    held = {key: of for key, of in found.items() if of is not None}
    if not held:
        return None
    whole = next(iter(held.values()))
    dangerous = (
        [] if groups is None else [n for n, is_in in zip(class_names(table), groups.dangerous, strict=True) if is_in]
    )
    return Safety(
        pd.concat([calibration(of, replicates).assign(parts=key) for key, of in held.items()], ignore_index=True),
        pd.concat([coverage(of).assign(parts=key) for key, of in held.items()], ignore_index=True),
        pd.concat([triage(of, class_groups).assign(parts=key) for key, of in held.items()], ignore_index=True),
        operating_points(whole, dangerous, replicates) if dangerous else pd.DataFrame(),
        decisions(whole, dangerous, replicates) if dangerous else pd.DataFrame(),
        risk_coverage(with_probabilities(whole), replicates=replicates),
        pd.concat([reliability(of).assign(parts=key) for key, of in held.items()], ignore_index=True),
    )


def held_out(table: pd.DataFrame, groups: Groups | None) -> Held | None:
    """The test rows of one set of parts; None where a fold has no validation or test case with it."""
    classes = class_names(table)
    rows: list[pd.DataFrame] = []
    calibrated: dict[Method, list[Floats]] = {method: [] for method in METHODS}
    inside: dict[Promise, list[Bools]] = {"by_class": [], "marginal": []}
    found: list[Ints] = []
    counted: dict[str, list[tuple[int, int]]] = {name: [] for name in classes}
    for _, of_fold in table.groupby(["fold", "seed"], sort=True):
        val, test = (of_fold[of_fold["split"] == split] for split in ("val", "test"))
        if val.empty or test.empty:
            return None
        rows.append(test)
        logs = log_of(probabilities(test))
        by_method = {method: _fitted(val, groups, method) for method in METHODS}
        for method, of_method in by_method.items():
            calibrated[method].append(of_method.calibration.probabilities(logs))
        fitted, probs = by_method["bias_corrected"], calibrated["bias_corrected"][-1]
        for promise in inside:
            inside[promise].append(members(p_values(fitted.scores, probs, promise=promise), probs, level=LEVEL))
        if groups is not None and fitted.thresholds is not None:
            found.append(levels(probs, test["red_flag"].to_numpy(dtype=bool), fitted.thresholds, groups))
        once = test.drop_duplicates("patient_id")
        for name in classes:
            counted[name].append((len(fitted.scores[name]), int((once["target"] == name).sum())))
    return Held(
        pd.concat(rows, ignore_index=True),
        {method: np.concatenate(of) for method, of in calibrated.items()},
        {promise: np.concatenate(of) for promise, of in inside.items()},
        np.concatenate(found) if found else None,
        counted,
    )


def _fitted(val: pd.DataFrame, groups: Groups | None, method: Method) -> OfParts:
    validated = Validated(
        log_of(probabilities(val)),
        target_codes(val),
        val["patient_id"].tolist(),
        val["red_flag"].to_numpy(dtype=bool),
    )
    return fit_of_parts(validated, class_names(val), groups, method=method)


def with_probabilities(held: Held, method: Method = "bias_corrected") -> pd.DataFrame:
    """The rows with calibrated probabilities in place of those as trained."""
    columns = [PROB + name for name in class_names(held.rows)]
    return held.rows.assign(**dict(zip(columns, held.calibrated[method].T, strict=True)))


def calibration(held: Held, replicates: int) -> pd.DataFrame:
    """Every metric before and after each method, with intervals over patients."""
    weights = _draws(held, replicates).weights(held.rows["patient_id"])
    target = target_codes(held.rows)
    answers: dict[str, Floats] = {AS_TRAINED: probabilities(held.rows)}
    answers |= {str(method): probs for method, probs in held.calibrated.items()}
    lines: list[dict[str, Any]] = []
    for method, probs in answers.items():
        for name, compute in PROBABILITY_METRICS.items():
            drawn = compute(target, probs, weights)
            low, high = interval(drawn)
            lines.append({"method": method, "metric": name, "estimate": float(drawn[0]), "low": low, "high": high})
    return pd.DataFrame(lines)


def reliability(held: Held) -> pd.DataFrame:
    """Bins of confidence before and after calibration, with an exact interval of the share of right answers in each."""
    target, tables = target_codes(held.rows), []
    for method, probs in (
        (AS_TRAINED, probabilities(held.rows)),
        ("bias_corrected", held.calibrated["bias_corrected"]),
    ):
        bins = reliability_bins(target, probs, bins=RELIABILITY_BINS)
        some = bins[bins["n"] > 0]
        exact = [exact_interval(round(n * right), n) for n, right in zip(some["n"], some["accuracy"], strict=True)]
        tables.append(some.assign(method=method, right_low=[e.low for e in exact], right_high=[e.high for e in exact]))
    return pd.concat(tables, ignore_index=True)


def coverage(held: Held) -> pd.DataFrame:
    """By promise and class: in how many patients, one case each, the set holds the true class.

    band_low, band_high: where the count lies if the promise holds, in all classes together with 95 % (beta-binomial of
    each fold's validation and test cases, folds as if independent). size: mean classes in a set of such a case.
    """
    first = ~held.rows["patient_id"].duplicated().to_numpy(dtype=bool)
    target, classes = target_codes(held.rows), class_names(held.rows)
    rng = np.random.default_rng(0)
    lines: list[dict[str, Any]] = []
    for promise, inside in held.inside.items():
        is_covered = inside[np.arange(len(target)), target]
        for code, name in enumerate(classes):
            chosen = first & (target == code)
            k, n = int(is_covered[chosen].sum()), int(chosen.sum())
            found = exact_interval(k, n)
            is_known = promise == "by_class" and name in held.counted
            band = _band(held.counted[name], len(classes), rng) if is_known else (np.nan, np.nan)
            size = float(inside[chosen].sum(axis=1).mean()) if n else np.nan
            lines.append(
                {"promise": promise, "class": name, "n": n, "covered": k, "low": found.low, "high": found.high}
                | {"band_low": band[0], "band_high": band[1], "size": size}
            )
        found = exact_interval(int(is_covered[first].sum()), int(first.sum()))
        lines.append(
            {"promise": promise, "class": "", "n": found.n, "covered": found.k, "low": found.low, "high": found.high}
            | {"band_low": np.nan, "band_high": np.nan, "size": float(inside[first].sum(axis=1).mean())}
        )
    return pd.DataFrame(lines)


def _band(counted: Sequence[tuple[int, int]], classes: int, rng: np.random.Generator) -> tuple[float, float]:
    """Of the number covered in all folds, 1 − .05 / classes of its distribution."""
    total = np.zeros(DRAWS)
    for n_val, n_test in counted:
        left_out = int(np.floor((1 - LEVEL) * (n_val + 1) + 1e-9))
        if left_out == 0:  # a class that is never left out is always covered
            total += n_test
        else:
            total += rng.binomial(n_test, rng.beta(n_val + 1 - left_out, left_out, size=DRAWS))
    low, high = np.quantile(total, [0.025 / classes, 1 - 0.025 / classes], method="inverted_cdf")
    return float(low), float(high)


def triage(held: Held, class_groups: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """By class and class group: how many patients have a case of each level, with exact intervals.

    A patient counts at a level if any of their cases of the class is called so. "all others": of no class group.
    """
    if held.levels is None:
        return pd.DataFrame(columns=["of", "level", "k", "n", "low", "high"])
    classes = class_names(held.rows)
    grouped = {name for of in class_groups.values() for name in of}
    sets = {**{name: [name] for name in classes}, **{group: list(of) for group, of in class_groups.items()}}
    sets["all others"] = [name for name in classes if name not in grouped]
    lines: list[dict[str, Any]] = []
    for of, names in sets.items():
        chosen = held.rows["target"].isin(names).to_numpy(dtype=bool)
        for level in Level:
            found = one_per_patient(held.levels[chosen] == level, held.rows["patient_id"][chosen])
            cases = int((held.levels[chosen] == level).sum())
            lines.append(
                {
                    "of": of,
                    "level": level.name.lower(),
                    "k": found.k,
                    "n": found.n,
                    "low": found.low,
                    "high": found.high,
                }
                | {"cases": cases, "of_cases": int(chosen.sum())}
            )
    return pd.DataFrame(lines)


def operating_points(held: Held, dangerous: Sequence[str], replicates: int) -> pd.DataFrame:
    """Specificity at a sensitivity of the dangerous group and back, and the flagged cases for each one that is."""
    scores, inside, weights = _scores(held, dangerous, replicates)
    points = [("sensitivity", aim, at_sensitivity(scores, inside, sensitivity=aim, weights=weights)) for aim in AIMS]
    points += [("specificity", aim, at_specificity(scores, inside, specificity=aim, weights=weights)) for aim in AIMS]
    lines: list[dict[str, Any]] = []
    for aimed, aim, point in points:
        needed = biopsies_per_cancer(scores, inside, threshold=point.threshold.estimate, weights=weights)
        shares = {
            name: dict(zip(("estimate", "low", "high"), getattr(point, name)[:3], strict=True))
            for name in ("sensitivity", "specificity")
        }
        lines.append(
            {
                "aimed": aimed,
                "aim": aim,
                "threshold": point.threshold.estimate,
                **shares,
                "per_cancer": {"estimate": needed.estimate, "low": needed.low, "high": needed.high},
            }
        )
    return pd.DataFrame(lines)


def decisions(held: Held, dangerous: Sequence[str], replicates: int) -> pd.DataFrame:
    """Net benefit of excising what the model calls dangerous, all, or none."""
    scores, inside, weights = _scores(held, dangerous, replicates)
    return decision_curve(scores, inside, thresholds=RISKS, weights=weights)


def _scores(held: Held, dangerous: Sequence[str], replicates: int) -> tuple[Floats, Bools, Floats]:
    codes = [class_names(held.rows).index(name) for name in dangerous]
    scores = held.calibrated["bias_corrected"][:, codes].sum(axis=1)
    inside = held.rows["target"].isin(dangerous).to_numpy(dtype=bool)
    return scores, inside, _draws(held, replicates).weights(held.rows["patient_id"])


def _draws(held: Held, replicates: int) -> Resamples:
    return draw_patients(held.rows["patient_id"], replicates=replicates)
