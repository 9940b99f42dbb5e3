"""What a benchmark says when it ends: the question named before the run, its answer, and then all the rest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from mmskin.audit.run import Say
from mmskin.benchmark.arms import ResolvedArm
from mmskin.benchmark.audited import FOLDER, audited
from mmskin.benchmark.benchmark_config import Arm, Benchmark
from mmskin.benchmark.record import read_record
from mmskin.benchmark.resolve import resolve, shared_by
from mmskin.benchmark.run.run import Failure
from mmskin.benchmark.safety import safeguards_of_run
from mmskin.benchmark.search.search import Search, searches_of
from mmskin.config.experiment import DataConfig
from mmskin.data.load import load_cases
from mmskin.errors import UserError, first_of
from mmskin.evaluation.intervals import evaluate_some
from mmskin.evaluation.missing_curves import evaluate_missing
from mmskin.evaluation.part_use import evaluate_part_use
from mmskin.evaluation.predictions import arm_names, read_predictions
from mmskin.evaluation.results import Results, evaluate_runs, in_order, read_runs
from mmskin.evaluation.robustness import evaluate_robustness
from mmskin.evaluation.single_part import beside_best_single_part
from mmskin.output_lock import locked
from mmskin.report.pages import Section, Sections, typed_command
from mmskin.report.results_report import write_report
from mmskin.report.sections.audit import audit_section
from mmskin.report.sections.controls import control_section
from mmskin.report.sections.costs import cost_section
from mmskin.report.sections.example_cases import example_section
from mmskin.report.sections.explanations import explanations_section
from mmskin.report.sections.methods import methods_section
from mmskin.report.sections.missing_parts import missing_section
from mmskin.report.sections.part_use import part_use_section
from mmskin.report.sections.prior import prior_section
from mmskin.report.sections.ranking import ranking_section
from mmskin.report.sections.record import Plan, PlannedArm
from mmskin.report.sections.robustness import robustness_section
from mmskin.report.sections.search import SearchedFold, search_section
from mmskin.report.sections.single_part import single_part_section
from mmskin.report.sections.tripod import tripod_section
from mmskin.trained.licences import licence_lines
from mmskin.trained.stated_prior import under_prior


def write_answer(
    benchmark: Benchmark,
    output: Path,
    failures: Sequence[Failure] = (),
    *,
    replicates: int = 2000,
    say: Say = lambda line: None,
    notes: Sequence[str] = (),
) -> Results:
    """report.html, results.json, figures/ and audit/.

    Args:
        benchmark: as it was run.
        output: its folder.
        failures: cells that failed.
        replicates: resamples of the patients.
        say: told what is done beside the evaluation.
        notes: for the reader of the report.

    Returns:
        The results of all arms but the controls, the primary arm first.

    Raises:
        UserError: the primary arm or its reference is not finished.
    """
    failed = dict.fromkeys(failure.arm for failure in failures)
    excluded = [f"{name} is excluded: it failed in one cell or more ({_why(name, failures)})." for name in failed]
    command = typed_command()
    if benchmark.primary is None:
        runs = read_runs([output])
        runs = runs if benchmark.test else runs._replace(table=validation_as_test(runs.table))
        results = evaluate_runs(runs, replicates=replicates)
        sections, added = Sections(amid=safeguards_of_run(output, replicates=replicates)), ""
    else:
        plan = Plan(
            arms={name: _planned(arm, missingness=benchmark.data.missingness) for name, arm in benchmark.arms.items()},
            primary=benchmark.primary.arm,
            reference=benchmark.primary.reference,
            metric=benchmark.primary.metric,
            data=benchmark.data,
            encoders=benchmark.encoders,
            loss=benchmark.loss,
            training=benchmark.training,
            seeds=benchmark.seeds,
            audited=benchmark.audit,
        )
        results, controls = evaluated(plan, output, failures, test=benchmark.test, replicates=replicates)
        resolved = resolve(benchmark, output)
        singles = single_parts(resolved, of=plan.primary)
        added = added_part(resolved[plan.primary], resolved[plan.reference])
        sections = _sections(
            plan,
            singles,
            results,
            controls,
            output,
            originals=originals_of(benchmark.arms),
            audit=audited(benchmark.data, output, command=command, say=say) if plan.audited else None,
            searches=searched_folds(searches_of(benchmark.arms, shared_by(benchmark), output).values()),
            replicates=replicates,
            command=command,
        )
    if benchmark.example_cases:
        sections = _with_examples(sections, results, benchmark.data, each=benchmark.example_cases)
    validated = [] if benchmark.test else [ON_VALIDATION]
    notes = [*validated, *notes, *_sources_note(benchmark.arms), *_fields_note(output), *excluded]
    notes += _licences_note(output)
    notes += [f"Of the data: {remark}." for remark in _read(output / "remarks.json", default=[])]
    with locked(output):
        write_report(
            results, output, title=benchmark.name, notes=notes, added=added, sections=sections, command=command
        )
    return results


PROBABILITY_METRICS = ("log_loss", "brier", "ece", "calibration_slope")
ON_VALIDATION = (
    "Evaluated on validation rows, to which the temperature was fitted: for choosing a recipe, not for reporting. "
    "No test row was read."
)


def validation_as_test(table: pd.DataFrame) -> pd.DataFrame:
    """The validation rows alone, in the place of test rows."""
    return table[table["split"] == "val"].assign(split="test")


def _sources_note(arms: Mapping[str, Arm]) -> list[str]:
    """Which arms read encoders that other arms of the run have trained; [] where none does."""
    readers: dict[str, list[str]] = {}
    for name, arm in arms.items():
        for source in dict.fromkeys(arm.sources.values()):
            readers.setdefault(source, []).append(name)
    return [
        f"The encoder that {source} trained on the training rows of a fold is read frozen by: {first_of(names)}."
        for source, names in readers.items()
    ]


def _fields_note(output: Path) -> list[str]:
    """The fields that `missingness: always_recorded` left out of a fold, with their reasons; [] where it left none."""
    reasons: dict[str, list[str]] = {}
    for name, reason in _read(output / "fields_excluded.json", default={}).items():
        reasons.setdefault(reason, []).append(name)
    described = [f"{', '.join(names)}: {reason}" for reason, names in reasons.items()]
    return [f"Fields excluded by missingness: always_recorded. {'. '.join(described)}."] if described else []


def _licences_note(output: Path) -> list[str]:
    """The licences of data and pretrained weights of all models of the run; [] where no cell has kept them."""
    licences: dict[str, str] = {}
    for path in sorted(output.glob("cells/*/*/*/licences.json")):
        licences |= _read(path)
    return [f"Licences of what the models learned from. {'. '.join(licence_lines(licences))}."] if licences else []


def _sections(
    plan: Plan,
    singles: Sequence[str],
    results: Results,
    controls: Results | None,
    output: Path,
    *,
    originals: Mapping[str, str],
    audit: dict[str, Any] | None,
    searches: Sequence[SearchedFold],
    replicates: int,
    command: str,
) -> Sections:
    costs = _read(output / "costs.json", default=[])
    record = read_record(plan, results, output, costs=costs, replicates=replicates, command=command)
    checked = sorted(output.glob(f"cells/{plan.primary}/*/*/explanations.json"))
    above = [] if audit is None else [audit_section(audit, address=f"{FOLDER}/audit.html")]
    beside = beside_best_single_part(
        results.table, primary=plan.primary, singles=singles, metric=plan.metric, replicates=replicates
    )
    if beside is not None:
        above.append(single_part_section(beside, primary=plan.primary))
    return Sections(
        above=[*above, ranking_section(results)],
        amid=[
            *([control_section(controls, results, originals=originals)] if controls is not None else []),
            *_restated(results, replicates=replicates),
            *safeguards_of_run(output, replicates=replicates),
            *_missing(plan, output, replicates=replicates),
            *_robustness(plan, output, replicates=replicates),
            *(explanations_section(_read(path)) for path in checked[:1]),
            cost_section(costs, results),
            *([search_section(searches)] if searches else []),
        ],
        below=[methods_section(record), tripod_section(record)],
    )


def evaluated(
    plan: Plan, output: Path, failures: Sequence[Failure], *, test: bool, replicates: int
) -> tuple[Results, Results | None]:
    """The arms that are ranked, and the controls beside the reference, if there are any.

    Raises:
        UserError: the primary arm or its reference is not finished.
    """
    runs = read_runs([output])
    runs = runs if test else runs._replace(table=validation_as_test(runs.table))
    lacking = [name for name in (plan.primary, plan.reference) if name not in arm_names(runs.table)]
    if lacking:
        raise UserError(f"the primary question has no answer, for {lacking[0]} failed: {_why(lacking[0], failures)}")
    is_control = runs.table["arm"].isin(plan.controls)
    evaluate = partial(evaluate_runs, reference=plan.reference, metric=plan.metric, replicates=replicates)
    ranked = in_order(evaluate(runs._replace(table=runs.table[~is_control]), primary=plan.primary))
    if not is_control.any():
        return ranked, None
    beside = runs.table[is_control | (runs.table["arm"] == plan.reference)]
    return ranked, evaluate(runs._replace(table=beside))


def added_part(primary: ResolvedArm, reference: ResolvedArm) -> str:
    """What the primary arm reads beside all that its reference reads, in words; "" where that is nothing."""
    added = primary.parts - reference.parts
    is_more = bool(added) and reference.parts and reference.parts < primary.parts and not primary.shuffled
    return " and ".join(f"the {part}" for part in sorted(added)) if is_more else ""


def _with_examples(sections: Sections, results: Results, data: DataConfig, *, each: int) -> Sections:
    """The sections and so many cases of each kind, right and wrong, with their photos."""
    examples, warning = example_section(
        results.table,
        load_cases(data),
        arm=results.arm,
        each=each,
        is_invented=data.source["name"] == "synthetic",
    )
    return sections._replace(amid=[examples, *sections.amid], warnings=[*sections.warnings, warning])


def single_parts(arms: Mapping[str, ResolvedArm], *, of: str) -> list[str]:
    """Arms that read photos or the history alone, in the same mode of missingness as the primary arm."""
    mode = arms[of].data.missingness
    same = {name: arm for name, arm in arms.items() if arm.data.missingness == mode and not arm.shuffled}
    return [name for name, arm in same.items() if len(arm.parts) == 1]


def originals_of(arms: Mapping[str, Arm]) -> dict[str, str]:
    """By control, the arm that is the same but for its histories, which are the patients' own."""
    # `experts: null` is another arm than one that says nothing of experts and takes the shared ones.
    plain = {name: arm.model_dump() | {"own experts": "experts" in arm.model_fields_set} for name, arm in arms.items()}
    controls = {name: arm | {"shuffle_histories": False} for name, arm in plain.items() if arm["shuffle_histories"]}
    same = {control: [name for name, arm in plain.items() if arm == own] for control, own in controls.items()}
    return {control: names[0] for control, names in same.items() if names}


def _planned(arm: Arm, *, missingness: str) -> PlannedArm:
    return PlannedArm(
        trains_network=arm.fusion is not None,
        has_own_encoders=bool(arm.encoders),
        missingness=arm.missingness or missingness,
        is_control=arm.shuffle_histories,
        is_searched=arm.search is not None,
    )


def searched_folds(searches: Iterable[Search]) -> list[SearchedFold]:
    """What every finished search took, a row an arm and fold."""
    found = []
    for search in searches:
        for path in sorted(search.folder(0).parent.glob("fold_*/chosen.json")):
            chosen = _read(path)
            kept = {key: chosen[key] for key in ("options", "gain", "error", "failed", "cpu_seconds")}
            number = int(path.parent.name.removeprefix("fold_"))
            found.append(SearchedFold(search.name, number, search.config.trials, **kept))
    return found


def _restated(results: Results, *, replicates: int) -> list[Section]:
    """What probabilities are worth under the shares of the data; nothing without validation rows to fit to."""
    table = results.table
    test, val = (
        set(table.loc[table["split"] == part, ["arm", "fold", "seed"]].itertuples(index=False, name=None))
        for part in ("test", "val")
    )
    if test - val:
        return []
    restated = evaluate_some(under_prior(table, "data"), PROBABILITY_METRICS, replicates=replicates)
    of_metrics = results.metrics["metric"].isin(PROBABILITY_METRICS) & (results.metrics["subset"] == "all")
    return [prior_section(results.metrics[of_metrics & (results.metrics["class"] == "")], restated)]


def _missing(plan: Plan, output: Path, *, replicates: int) -> list[Section]:
    """What is lost with a part and which parts are read; nothing where nothing was hidden."""
    path = output / "missing.parquet"
    if not path.exists():
        return []
    table = read_predictions(path)
    use = evaluate_part_use(table, replicates=replicates)
    losses = evaluate_missing(table, replicates=replicates)
    asked = set(losses.scores["arm"])
    lost = missing_section(losses, first=[arm for arm in (plan.primary, plan.reference) if arm in asked])
    return [*([part_use_section(use)] if len(use) else []), lost]


def _robustness(plan: Plan, output: Path, *, replicates: int) -> list[Section]:
    """What is lost with bad photos; nothing where no photo was given a fault."""
    path = output / "robustness.parquet"
    if not path.exists():
        return []
    table = read_predictions(path)
    asked = arm_names(table)
    scores = evaluate_robustness(table, reference=plan.reference, replicates=replicates)
    first = [arm for arm in (plan.primary, plan.reference) if arm in asked]
    return [robustness_section(scores, first=first, left_out=[arm for arm in plan.arms if arm not in asked])]


def _read(path: Path, *, default: Any = None) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else default


def _why(arm: str, failures: Sequence[Failure]) -> str:
    return next((failure.reason for failure in failures if failure.arm == arm), "see failures.json")
