"""Photos unlike those of training: one at a time, in a table, and of several models that vote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from explain.small_predictors import PAIR, small_predictor
from small_experiment import small_experiment

from mmskin.api.predictor import Predictor
from mmskin.benchmark.run.grid import cell_folder
from mmskin.data.load import load_cases
from mmskin.evaluation.metrics import Floats
from mmskin.inputs.photo_gates import GATES
from mmskin.trained.ensemble import Trained
from mmskin.trained.familiarity import Familiarity, fit_familiarity
from mmskin.trained.judgement import UNLIKE
from mmskin.trained.photo_check import PhotoCheck, _are_one, fit_photo_check, unlike_rows, unlike_training
from mmskin.trained.reference import photo_vectors
from mmskin.trained.run_models import load_trained
from mmskin.trained.safeguards import safeguards_of, with_safeguards
from mmskin.trained.triage import Level

RNG = np.random.default_rng(0)


def known() -> Familiarity:
    """Of vectors of two classes around 0 and 1, with thresholds."""
    target = np.repeat([0, 1], 60)
    vectors = RNG.normal(size=(120, 5)) + target[:, None]
    new = RNG.normal(size=(60, 5)) + np.repeat([0, 1], 30)[:, None]
    fitted = fit_familiarity(vectors, target, num_classes=2, axes=3)
    return fitted.with_thresholds(fitted.distances(new), false_alarms=0.05)


def skin() -> torch.Tensor:
    """Something in the colours of skin, with a darker spot."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 64), indexing="ij")
    spot = torch.exp(-4 * (x**2 + y**2))
    shade = 0.04 * torch.sin(5 * x) + 0.04 * torch.cos(4 * y)
    red, green, blue = 0.8 - 0.4 * spot + shade, 0.6 - 0.4 * spot + shade, 0.5 - 0.3 * spot + shade
    return (255 * torch.stack([red, green, blue]).clamp(0, 1)).to(torch.uint8)


KNOWN = known()
NEAR: Floats = (np.array(KNOWN.mean) + np.array(KNOWN.scale) * np.array(KNOWN.axes)[0])[None]  # along the first axis
CHECK = {"image": PhotoCheck(familiarity=KNOWN, gates=tuple(GATES))}
FAR: Floats = np.full((1, 5), 30.0)


def test_a_photo_far_from_those_of_training_has_reasons_and_a_near_one_none() -> None:
    photos = {"image": [skin()]}
    assert unlike_training([CHECK], [{"image": NEAR}], photos) == ()
    reasons = unlike_training([CHECK], [{"image": FAR}], photos)
    assert "the photo is far from the training photos of every class" in reasons


def test_gates_need_no_model_and_several_models_vote() -> None:
    grey = {"image": [torch.linspace(0, 255, 64).to(torch.uint8).expand(3, 64, 64)]}
    assert GATES["grey"].reason in unlike_training([], [], grey)
    photos, far, near = {"image": [skin()]}, {"image": FAR}, {"image": NEAR}
    checks = [CHECK] * 3
    assert unlike_training(checks, [far, near, near], photos) == ()
    assert unlike_training(checks, [far, far, near], photos) != ()
    assert unlike_training([{}, CHECK], [{}, far], photos) != ()  # who knows nothing has no vote


@pytest.fixture(scope="module")
def judged(trained_run: Path, pad_folder: Path) -> Trained:
    """A saved model whose safeguards call every photo that it sees unlike those of training."""
    trained = load_trained(cell_folder(trained_run, "small", 0, 0) / "model")
    rows = load_cases(small_experiment(pad_folder).data).table
    vectors = photo_vectors(trained, rows)["image"]
    codes = np.array([trained.schema.classes.index(name) for name in rows["target"]])
    far = fit_familiarity(vectors + 1000, codes, num_classes=len(trained.schema.classes))
    far = far.with_thresholds(far.distances(vectors + 1000), false_alarms=0.2)
    safeguards = safeguards_of(trained)
    assert safeguards is not None
    return with_safeguards(
        trained, safeguards.model_copy(update={"photos": {"image": PhotoCheck(familiarity=far, gates=())}})
    )


def test_it_is_said_first_and_no_such_case_is_least_urgent(judged: Trained, pad_folder: Path) -> None:
    safeguards = safeguards_of(judged)
    assert safeguards is not None
    calm = {
        key: of.model_copy(update={"thresholds": of.thresholds.model_copy(update={"soon": 1, "soon_premalignant": 1})})
        for key, of in safeguards.by_parts.items()
        if of.thresholds is not None
    }
    calm["history"] = calm["image+history"]
    trained = with_safeguards(judged, safeguards.model_copy(update={"by_parts": calm}))
    photo = next((pad_folder / "images").rglob("*.png"))
    found = Predictor(trained).predict(photo, {"itch": "no"})
    assert found.unlike_training
    assert found.triage is not None
    assert found.triage.level == Level.SOON
    assert found.triage.reasons[0] == UNLIKE
    assert repr(found).startswith("Not like the training photos: ")
    assert found.to_json()["unlike_training"] == list(found.unlike_training)
    without = Predictor(trained).predict(None, {"itch": "no"})
    assert without.triage is not None
    assert (without.unlike_training, without.triage.level) == ((), Level.LEAST)


def test_rows_of_a_table_are_judged_as_their_cases(judged: Trained, pad_folder: Path) -> None:
    rows = load_cases(small_experiment(pad_folder).data).table.iloc[:4]
    table = Predictor(judged).predict_table(rows)
    assert table["unlike_training"].str.contains("far from the training photos").all()
    assert not (table["triage"] == "least").any()
    own = safeguards_of(judged)
    assert own is not None
    assert ["; ".join(of) for of in unlike_rows(judged, [(judged, own.photos)], rows)] == list(table["unlike_training"])


def test_too_few_photos_promise_nothing_and_are_left_to_the_gates(trained_run: Path, pad_folder: Path) -> None:
    trained = load_trained(cell_folder(trained_run, "small", 0, 0) / "model")
    rows = load_cases(small_experiment(pad_folder).data).table
    assert fit_photo_check(trained, rows, rows.iloc[:5])["image"].familiarity is None
    assert fit_photo_check(trained, rows, rows)["image"].familiarity is not None


def test_a_gate_that_stops_the_data_sets_own_photos_is_left_out(trained_run: Path, pad_folder: Path) -> None:
    """The photos of this table have all colours."""
    trained = load_trained(cell_folder(trained_run, "small", 0, 0) / "model")
    check = fit_photo_check(trained, *[load_cases(small_experiment(pad_folder).data).table] * 2)["image"]
    assert "not_skin" not in check.gates
    assert "grey" in check.gates
    green = {"image": [skin()[[1, 0, 2]]]}
    assert GATES["not_skin"].reason in unlike_training([], [], green)
    assert GATES["not_skin"].reason not in unlike_training([{"image": check}], [{}], green)


def test_a_photo_of_another_kind_is_told_where_one_encoder_reads_both() -> None:
    """A clinical photo's vectors lie around the first axis, a dermoscopic one's around the second."""
    target, spread = np.repeat([0, 1], 40), RNG.normal(scale=0.05, size=(80, 6))
    first, second = (spread + np.outer(RNG.normal(size=80), np.eye(6)[axis]) * 3 for axis in (0, 1))
    of = {
        kind: fit_familiarity(vs, target, num_classes=2, axes=1).with_thresholds(
            fit_familiarity(vs, target, num_classes=2, axes=1).distances(vs), false_alarms=0.2
        )
        for kind, vs in {"clinical": first, "dermoscopic": second}.items()
    }
    check = {
        kind: PhotoCheck(familiarity=of[kind], gates=(), swaps={other: 0.5})
        for kind, other in (("clinical", "dermoscopic"), ("dermoscopic", "clinical"))
    }
    swapped = unlike_training([check], [{"clinical": 3 * np.eye(6)[1:2]}], {"clinical": [skin()]})
    assert "the photo looks like a dermoscopic photo, not like a clinical photo" in swapped
    right = unlike_training([check], [{"clinical": 3 * np.eye(6)[:1]}], {"clinical": [skin()]})
    assert not any("looks like" in reason for reason in right)


def test_limits_between_kinds_are_set_where_the_encoders_are_one() -> None:
    predictor = small_predictor("late", *PAIR, "text", photos=PAIR)
    one, other = (predictor.trained.encoders[kind] for kind in PAIR)
    assert _are_one(one, one)
    with torch.no_grad():
        next(iter(other.parameters())).add_(1)
    assert not _are_one(one, other)
