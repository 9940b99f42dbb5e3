"""Every page that mmskin writes as a file, small: of a quickstart, its audit, and of what was made up for the page."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from benchmark.small_benchmark import ARMS, raw_benchmark
from explain.small_predictors import small_predictor
from made_predictions import make
from PIL import Image
from rich.console import Console

from mmskin.audit.page import write_audit
from mmskin.audit.run import run_audit
from mmskin.benchmark.leaks.page import write_leak_study
from mmskin.benchmark.leaks.study import Answers, protocols
from mmskin.benchmark.leaks.study_config import LeakStudy
from mmskin.benchmark.quickstart import run_quickstart
from mmskin.config.experiment import DataConfig
from mmskin.config.validation import validated
from mmskin.evaluation.results import Runs, evaluate_runs, in_order
from mmskin.explain.check import Check, Measure
from mmskin.explain.explainer import Explainer
from mmskin.external.drift import Drift
from mmskin.external.drift_page import write_drift
from mmskin.report.check_page import write_check
from mmskin.report.explanation_html import write_explanation
from mmskin.report.results_report import write_report
from mmskin.synthetic import clinic_schema

TITLES = {"ACK": "Actinic keratosis", "BCC": "Basal cell carcinoma", "MEL": "Melanoma", "NEV": "Naevus"}


def report_pages(folder: Path) -> dict[str, Path]:
    """The pages by what they are."""
    return {
        "quickstart": _quickstart(folder / "quickstart"),
        "audit": _audit(folder / "quickstart" / "clinic", folder / "audit"),
        "comparison": _comparison(folder / "comparison"),
        "drift": _drift(folder / "drift"),
        "check": _check(folder / "check"),
        "leaks": _leaks(folder / "leaks"),
        "explanation": _explanation(folder / "explanation"),
    }


def _quickstart(folder: Path) -> Path:
    run_quickstart(folder, cases=200, epochs=2, console=Console(file=StringIO()))
    return folder / "report.html"


def _audit(clinic: Path, folder: Path) -> Path:
    data = DataConfig.model_validate({"source": {"name": "synthetic"}, "root": str(clinic)})
    return write_audit(run_audit(data, replicates=200), folder, command="mmskin audit")


def _comparison(folder: Path) -> Path:
    """Five arms with long names on four classes with titles."""
    arms = [make(arm=f"an-arm-with-a-name-{k}", skill=k / 5, rng_seed=k) for k in range(5)]
    table = pd.concat(arms, ignore_index=True)
    table["group_a_column_of_very_many_values"] = "v" + (table["patient_id"].str[1:].astype(int) % 9).astype(str)
    runs = Runs(table, [{"name": "made up"}], {"malignant": ("BCC", "MEL")}, TITLES)
    results = evaluate_runs(runs, reference="an-arm-with-a-name-0", primary="an-arm-with-a-name-3", replicates=60)
    return write_report(in_order(results), folder, title="A comparison", notes=["A note."], command="mmskin evaluate")


def _drift(folder: Path) -> Path:
    what, names = ["values", "recorded", "photos", "predicted classes"], ["age", "itch", "", ""]
    tests = pd.DataFrame({"what": what, "name": names, "p": [0.0001, 0.3, 0.5, 0.04], "n": 240})
    tests = tests.assign(p_adjusted=[0.0004, 0.6, 0.6, 0.12], before="mean 42", now="mean 61")
    periods = pd.DataFrame({"period": ["2025-01", "2025-02"], "patients": [120, 120], "what": "values age"})
    periods = periods.assign(p_adjusted=[0.01, 0.2], not_recorded=[0.1, 0.12], confidence=[0.7, 0.66])
    reference: Any = SimpleNamespace(patients=160)
    drift = Drift(tests, 240, reference, periods, ("one column could not be compared",))
    return write_drift(drift, folder, schema=clinic_schema(), about={"model": "m", "data": "d"}, command="mmskin drift")


def _check(folder: Path) -> Path:
    measures = [("forgotten", 0.1, 0.05, 0.2, True), ("noise", 0.5, 0.3, 0.7, False), ("words", 0.2, 0.0, 0.4, None)]
    made = tuple(
        Measure(name, f"What is called {name}", value, low, high, {"random orders": 0.3}, "below 0.5", holds, 12)
        for name, value, low, high, holds in measures
    )
    return write_check(Check(made, ("the pointing game: no masks",), 12, 11), folder, about={"fold": 0})


def _leaks(folder: Path) -> Path:
    raw = raw_benchmark(folder, folder, data={"missingness": "equalized"})
    raw = {key: value for key, value in raw.items() if key not in ("missing_parts", "audit", "explanations")}
    raw |= {"arms": {name: ARMS[name] for name in ("late", "image_only")}}
    study = validated(LeakStudy, {**raw, "leaks": ["missingness_visible", "outcomes_as_fields"]}, where="leaks")
    answers = [
        Answers(leaks, pd.concat([make(arm=arm, skill=1 + len(leaks), rng_seed=k) for k, arm in enumerate(study.arms)]))
        for leaks in protocols(study.leaks)
    ]
    write_leak_study(study, answers, folder, replicates=60, command="mmskin leak-study")
    return folder / "leaks.html"


def _explanation(folder: Path) -> Path:
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 140, 3), dtype=np.uint8))
    fields: dict[str, Any] = {"age": 62, "region": "arm", "itch": "yes", "bleed": "unknown"}
    return write_explanation(Explainer(small_predictor("late").trained).explain(photo, fields, "it scabs"), folder)
