"""What follows from answers: the classes that are left, how soon to see a physician, and for one case why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmskin.errors import UserError
from mmskin.evaluation.metrics import Floats, Ints
from mmskin.probability_text import in_percent
from mmskin.schema import Schema
from mmskin.sentence import Sentence, all_of
from mmskin.trained.answer_sets import LEVEL, AnswerSet, Bools, members, needed_cases, p_values
from mmskin.trained.ensemble import Trained
from mmskin.trained.model_version import version_of
from mmskin.trained.parts_there import HISTORY
from mmskin.trained.safeguards import OfParts, guarded
from mmskin.trained.trained_model import TrainedModel
from mmskin.trained.triage import Level, Triage, groups_of, levels

UNLIKE = Sentence("the photo is unlike those that the model was made with: its answer cannot be relied on")
TOO_FEW = "too few validation cases had the {parts} alone: judged as a whole case is"
NO_SAFEGUARDS = Sentence(
    "this model was saved without calibration by class, answer sets and triage: its probabilities are those of its "
    "training, which may weigh rare classes up; train it again"
)


class Judged(NamedTuple):
    """Of N cases.

    probabilities: (N, C), calibrated; NaN where nothing is there that is read. inside: (N, C), the classes of the
    answer set. levels: (N,), of triage; None where the schema names no dangerous class. Of several models a class is
    inside, and a level is reached, where half of them say so. known: what each of them knows, by the parts of a case.
    unknown: sets of parts of which one of them knows nothing: judged as a whole case is, and never least urgent.
    is_split: whether the sets promise their level, as those of one model from its own validation do.
    """

    probabilities: Floats
    inside: Bools
    levels: Ints | None
    known: dict[str, list[OfParts]]
    unknown: frozenset[str]
    is_split: bool


class Judgement(NamedTuple):
    """Of one case. probabilities: (C,), calibrated. answer_set, triage: None of a model without safeguards; no triage
    without a dangerous class. remarks: what is not known of such an answer."""

    probabilities: Floats
    answer_set: AnswerSet | None
    triage: Triage | None
    remarks: tuple[str, ...] = ()


def judge_cases(
    trained: Trained,
    ask: Callable[[TrainedModel], Floats],
    parts: Sequence[str],
    *,
    flagged: Bools,
    unlike: Bools | None = None,
    level: float = LEVEL,
) -> Judged | None:
    """Of many cases; None of a model without safeguards.

    Args:
        trained: a model, or several, which vote.
        ask: one of its models → that model's answers (N, C).
        parts: of each case, the key of the parts that are there.
        flagged: (N,), whether a red flag is raised.
        unlike: (N,), whether photos are unlike those of training: such a case is never least urgent. None: of no case.
        level: that the answer sets are to have.

    Raises:
        UserError: a level outside (0, 1).
    """
    if not 0 < level < 1:
        raise UserError(f"the level of an answer set must lie between 0 and 1, such as 0.9, however: {level}")
    models = guarded(trained)
    if not models:
        return None
    answers = [one.safeguards.probabilities(one.trained.answered(ask), parts) for one in models]
    known = {key: [one.safeguards.of(key) for one in models] for key in dict.fromkeys(parts)}
    mean = np.asarray(np.mean(answers, axis=0))
    groups = groups_of(trained.schema)
    sets, found = np.zeros((len(models), *mean.shape)), np.zeros((len(models), len(mean)), dtype=np.int64)
    keys, is_answered = np.asarray(parts, dtype=object), ~np.isnan(mean).any(axis=1)
    for key, of_models in known.items():
        rows = np.flatnonzero((keys == key) & is_answered)
        for place, of in enumerate(of_models):
            probs = answers[place][rows]
            sets[place, rows] = members(p_values(of.scores, probs), probs, level=level)
            if groups is not None and of.thresholds is not None:
                found[place, rows] = levels(probs, flagged[rows], of.thresholds, groups)
    inside = sets.mean(axis=0) >= 0.5
    inside[np.arange(len(mean)), np.where(np.isnan(mean), 0, mean).argmax(axis=1)] |= is_answered
    has_triage = groups is not None and all(of.thresholds for of_models in known.values() for of in of_models)
    unknown = frozenset(key for key in known if any(key not in one.safeguards.by_parts for one in models))
    lifted = np.array([key in unknown for key in parts], dtype=bool) | (False if unlike is None else unlike)
    reached = np.maximum(_voted(found), np.where(lifted, int(Level.SOON), int(Level.LEAST)))
    is_split = len(models) == 1 and not models[0].safeguards.by_folds
    return Judged(mean, inside, reached if has_triage else None, known, unknown, is_split)


def judge(
    trained: Trained,
    ask: Callable[[TrainedModel], Floats],
    parts: str,
    *,
    flags: Sequence[str],
    is_unlike: bool = False,
    level: float = LEVEL,
) -> Judgement:
    """Of one case; see `judge_cases`.

    Args:
        trained: a model, or several.
        ask: one of its models → that model's answers (1, C).
        parts: the key of the parts that are there.
        flags: reasons of the red flags that the history raises.
        is_unlike: whether the photos are unlike those of training.
        level: that the answer set is to have.
    """
    both = {"flagged": np.array([bool(flags)]), "unlike": np.array([is_unlike])}
    judged = judge_cases(trained, ask, [parts], **both, level=level)
    if judged is None:
        remarks = (NO_SAFEGUARDS,) if version_of(trained).checksum else ()
        return Judgement(trained.answered(ask)[0], None, None, remarks)
    probs, known = judged.probabilities[0], judged.known[parts]
    remark = Sentence(TOO_FEW, parts=all_of(parts.split("+")))
    triage = None
    if judged.levels is not None:
        reached = Level(judged.levels[0])
        reasons: list[str] = [*([UNLIKE] if is_unlike else []), *([remark] if parts in judged.unknown else [])]
        reasons += _reasons(reached, probs, known, flags, trained.schema, parts)
        triage = Triage(reached, tuple(reasons))
    found = _answer_set(judged.inside[0], probs, known, trained.schema, level=level, is_split=judged.is_split)
    return Judgement(probs, found, triage, (remark,) if parts in judged.unknown else ())


def _voted(found: NDArray[np.int64]) -> Ints:
    """(N,) the most urgent level that half of the models (M, N) reach."""
    by_level = [np.where((found >= level).mean(axis=0) >= 0.5, int(level), 0) for level in Level]
    return np.asarray(np.max(by_level, axis=0))


def _answer_set(
    inside: Bools, probs: Floats, known: Sequence[OfParts], schema: Schema, *, level: float, is_split: bool
) -> AnswerSet:
    """A set that several models vote promises 1 − 2α (Gasparin and Ramdas, *Merging uncertainty sets via majority
    vote*, 2024), and so does one whose scores come from models of folds (cross-conformal: Barber et al., *Predictive
    inference with the jackknife+*, Annals of Statistics 2021, which asks that this model is as good as they are)."""
    ranked = [schema.classes[code] for code in np.argsort(-probs, kind="stable") if inside[code]]
    least = needed_cases(level)
    few = [name for name in schema.classes if sum(len(of.scores[name]) < least for of in known) >= len(known) / 2]
    return AnswerSet(tuple(ranked), level, level if is_split else 1 - 2 * (1 - level), tuple(few))


def _reasons(
    level: Level, probs: Floats, known: Sequence[OfParts], flags: Sequence[str], schema: Schema, parts: str
) -> list[str]:
    """Why the level is not lower; of the lowest, what was looked at. Thresholds of several models are their medians."""
    groups = groups_of(schema)
    assert groups is not None
    thresholds = [of.thresholds for of in known if of.thresholds is not None]
    soon = float(np.median([of.soon for of in thresholds]))
    either = float(np.median([of.soon_premalignant for of in thresholds]))
    dangerous, precancer = float(probs @ groups.dangerous), float(probs @ groups.premalignant)
    said: dict[str, object] = {"classes": _classes(schema, groups.dangerous), "share": in_percent(dangerous)}
    reasons: list[str] = []
    if level == Level.URGENT:
        reasons.append(Sentence("a dangerous class is likely ({classes}: {share})", **said))
    elif level == Level.LEAST:
        reasons.append(Sentence("no dangerous class is likely ({classes}: {share})", **said))
    elif soon == 0 or (groups.premalignant.any() and either == 0):
        reasons.append(Sentence("too few dangerous cases were seen in validation to call any case less urgent"))
    elif dangerous >= soon:
        reasons.append(Sentence("a dangerous class cannot be left aside ({classes}: {share})", **said))
    elif groups.premalignant.any() and dangerous + precancer >= either:
        said = {"classes": _classes(schema, groups.premalignant), "share": in_percent(precancer)}
        reasons.append(Sentence("it may be a precancer ({classes}: {share})", **said))
    reasons += [Sentence("red flag in the history: {flag}", flag=flag) for flag in flags]
    if HISTORY not in parts.split("+"):
        reasons.append(Sentence("no history was given, so no red flag could be seen"))
    return reasons


def _classes(schema: Schema, inside: Bools) -> list[str]:
    names = [name for name, is_in in zip(schema.classes, inside, strict=True) if is_in]
    return [schema.class_titles.get(name, name) for name in names]
