"""What follows from an answer: one model, several that vote, parts that are missing, and words for a clinician."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from explain.small_predictors import SCHEMA, linear_predictor, small_predictor

import mmskin
from mmskin.api.predictor import Predictor
from mmskin.benchmark.run.grid import cell_folder
from mmskin.errors import ModelError, UserError
from mmskin.red_flags import RedFlag
from mmskin.trained.ensemble import Ensemble
from mmskin.trained.judgement import NO_SAFEGUARDS, TOO_FEW
from mmskin.trained.prediction import Prediction
from mmskin.trained.run_models import load_trained
from mmskin.trained.safeguards import SAFEGUARDS, calibrated, guarded, safeguards_of, validation_shares
from mmskin.trained.trained_model import TrainedModel
from mmskin.trained.triage import Level

DANGEROUS = SCHEMA.model_copy(
    update={
        "class_groups": {"malignant": ("MEL",)},
        "red_flags": (RedFlag.model_validate({"reason": "it has bled", "when": {"bleed": "yes"}}),),
    }
)
ALIKE = {"slopes": (1.0, 1.0), "bias": (0.0, 0.0), "prior": (0.3, 0.7), "patients": 40}
MANY = tuple(np.linspace(0.01, 0.8, 20).round(6).tolist())


def of_parts(*, soon: float = 0.25, urgent: float = 0.6, **changes: Any) -> dict[str, Any]:
    thresholds = {
        "soon": soon, "soon_premalignant": 1.0, "urgent": urgent, "dangerous": 60, "premalignant": 0, "harmless": 60,
    }  # fmt: skip
    return {**ALIKE, "scores": {"MEL": MANY, "NEV": MANY}, "thresholds": thresholds, **changes}


def guarded_model(by_parts: Mapping[str, Any]) -> TrainedModel:
    """The model whose answers are sums: .2 + .15 photo + .1 itch + .3 bleed − .05 grew, of MEL."""
    (trained,) = linear_predictor().trained.models
    return replace(trained, schema=DANGEROUS, record={**trained.record, SAFEGUARDS: {"by_parts": dict(by_parts)}})


def answered(by_parts: Mapping[str, Any], fields: Mapping[str, str], **options: Any) -> Prediction:
    return Predictor(guarded_model(by_parts)).predict(None, fields, **options)


WHOLE = {"image+history": of_parts(), "history": of_parts()}


def test_levels_and_their_reasons() -> None:
    urgent = answered(WHOLE, {"itch": "yes", "bleed": "yes", "grew": "no"}).triage  # .2 + .1 + .3
    assert urgent is not None
    assert (urgent.level, urgent.title) == (Level.URGENT, "See a physician urgently")
    assert urgent.reasons == ("a dangerous class is likely (Melanoma: 60%)", "red flag in the history: it has bled")
    soon = answered(WHOLE, {"itch": "yes"}).triage  # .3
    assert soon is not None
    assert (soon.level, soon.reasons) == (Level.SOON, ("a dangerous class cannot be left aside (Melanoma: 30%)",))
    least = answered(WHOLE, {"grew": "yes"}).triage  # .15
    assert least is not None
    assert least.level == Level.LEAST
    assert least.title == "No reason found to hurry; this does not rule out cancer"
    assert least.reasons == ("no dangerous class is likely (Melanoma: 15%)",)


def test_a_red_flag_lifts_the_lowest_level_and_is_the_reason() -> None:
    high = {"history": of_parts(soon=0.9, urgent=0.95)}
    found = answered(high, {"bleed": "yes"}).triage
    assert found is not None
    assert (found.level, found.reasons) == (Level.SOON, ("red flag in the history: it has bled",))


def test_a_calibration_belongs_to_the_parts_that_are_there() -> None:
    three_to_one = of_parts(bias=(float(np.log(3)), 0.0))
    by_parts = {"image+history": of_parts(), "history": three_to_one}
    found = answered(by_parts, {"itch": "yes"})
    assert found.as_trained == pytest.approx({"NEV": 0.7, "MEL": 0.3})
    assert found.probabilities["MEL"] == pytest.approx(0.9 / 1.6)
    assert not [remark for remark in found.remarks if "too few" in remark]


def test_parts_that_validation_hardly_had_are_judged_as_the_whole_case_and_that_is_said() -> None:
    found = answered({"image+history": of_parts(bias=(float(np.log(3)), 0.0))}, {"itch": "yes"})
    assert found.probabilities["MEL"] == pytest.approx(0.9 / 1.6)
    assert TOO_FEW.format(parts="history") in found.remarks
    calm = answered({"image+history": of_parts(soon=0.9, urgent=0.95)}, {"itch": "yes"}).triage
    assert calm is not None
    assert (calm.level, calm.reasons[0]) == (Level.SOON, TOO_FEW.format(parts="history"))


def test_the_answer_set_keeps_what_cannot_be_left_out_at_its_level() -> None:
    narrow = {"MEL": MANY, "NEV": tuple(np.linspace(0.01, 0.4, 20).round(6).tolist())}
    by_parts = {"image+history": of_parts(scores=narrow), "history": of_parts(scores=narrow)}
    found = answered(by_parts, {"itch": "yes", "bleed": "yes"})  # MEL .6, NEV .4: stranger than every naevus
    assert found.answer_set is not None
    assert found.answer_set.classes == ("MEL",)
    assert (found.answer_set.level, found.answer_set.promised) == (0.9, 0.9)
    wide = answered(by_parts, {"itch": "yes", "bleed": "yes"}, level=0.99).answer_set
    assert wide is not None
    assert (wide.classes, wide.too_few) == (("MEL", "NEV"), ("MEL", "NEV"))
    with pytest.raises(UserError, match=r"level of an answer set must lie between 0 and 1, such as 0\.9, however: 2"):
        answered(by_parts, {"itch": "yes"}, level=2)


def test_several_models_vote_and_promise_less() -> None:
    calm, alarmed = of_parts(soon=0.5, urgent=0.9), of_parts(soon=0.1, urgent=0.2)
    models = [guarded_model({"history": of}) for of in (calm, calm, alarmed)]
    ask = {"itch": "yes"}  # .3: least by two of three
    two_of_three = Predictor(Ensemble(tuple(models))).predict(None, ask)
    assert two_of_three.triage is not None
    assert two_of_three.triage.level == Level.LEAST
    half = Predictor(Ensemble((models[0], models[2]))).predict(None, ask)
    assert half.triage is not None
    assert half.triage.level == Level.URGENT
    assert half.answer_set is not None
    assert half.answer_set.promised == pytest.approx(0.8)


def test_a_class_is_left_where_half_of_the_models_leave_it() -> None:
    """MEL at .3 scores .7: above all of the narrow model's melanomas, inside the wide ones'."""
    narrow = of_parts(scores={"MEL": tuple(np.linspace(0.01, 0.4, 20).round(6).tolist()), "NEV": MANY})
    by_count = {}
    for wide in (0, 1, 2):
        models = [guarded_model({"history": of_parts()})] * wide + [guarded_model({"history": narrow})] * (3 - wide)
        found = Predictor(Ensemble(tuple(models))).predict(None, {"itch": "yes"}).answer_set
        assert found is not None
        by_count[wide] = found.classes
    assert by_count == {0: ("NEV",), 1: ("NEV",), 2: ("NEV", "MEL")}


def test_of_several_models_the_mean_of_what_each_means() -> None:
    tilted = guarded_model({"history": of_parts(bias=(float(np.log(3)), 0.0))})
    plain = guarded_model({"history": of_parts()})
    found = Predictor(Ensemble((tilted, plain))).predict(None, {"itch": "yes"}).probabilities
    assert found["MEL"] == pytest.approx((0.9 / 1.6 + 0.3) / 2)
    assert validation_shares(Ensemble((tilted, plain))) == pytest.approx([0.3, 0.7])


def test_a_model_without_safeguards_answers_as_trained() -> None:
    plain = Predictor(linear_predictor().trained).predict(None, {"itch": "yes"})
    assert plain.probabilities == plain.as_trained
    assert (plain.answer_set, plain.triage) == (None, None)
    with_them = guarded_model({"history": of_parts(bias=(float(np.log(3)), 0.0))})
    mixed = Ensemble((replace(with_them, record={}), with_them))
    assert not guarded(mixed)
    assert calibrated(mixed, lambda model: np.array([[0.3, 0.7]]), ["history"]) == pytest.approx(np.array([[0.3, 0.7]]))


def test_once_it_was_saved_without_them_every_answer_says_so(tmp_path: Path) -> None:
    small_predictor("late", "image", "text").save(tmp_path / "model")
    assert NO_SAFEGUARDS in mmskin.load(tmp_path / "model").predict(None, {"itch": "yes"}).remarks


def test_a_saved_model_keeps_them_and_a_row_answers_as_the_case_does(trained_run: Path, pad_folder: Path) -> None:
    folder = cell_folder(trained_run, "small", 0, 0) / "model"
    trained = load_trained(folder)
    safeguards = safeguards_of(trained)
    assert safeguards is not None
    assert next(iter(safeguards.by_parts)) == "image+history"
    predictor = mmskin.load(folder)
    fields = {"age": 60, "itch": "yes"}
    one = predictor.predict(metadata=fields)
    frame = predictor.predict(pd.DataFrame([fields]))
    assert frame.iloc[0].to_dict() == pytest.approx(dict(one.probabilities), abs=1e-6)
    assert one.model.checksum


def test_damaged_safeguards_are_refused() -> None:
    broken = guarded_model({"history": {**of_parts(), "slopes": "steep"}})
    with pytest.raises(
        ModelError, match=r"safeguards of this model are damaged, at safeguards\.by_parts\.history\.slopes"
    ):
        safeguards_of(broken)
