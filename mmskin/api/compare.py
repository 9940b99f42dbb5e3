"""Arms on the same patient-disjoint folds, from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mmskin.api.choices import Say, choose, described, tell
from mmskin.api.comparison import Comparison, compared
from mmskin.api.fit import in_memory
from mmskin.api.slots import Given, arm_of
from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.benchmark.run.added_parts import check_can_be_sent
from mmskin.benchmark.run.local import LocalExecutor
from mmskin.benchmark.run.run import run_benchmark
from mmskin.benchmark.run.this_process import ThisProcess
from mmskin.config.validation import validated
from mmskin.data.missingness import Missingness
from mmskin.data.table import Cases
from mmskin.errors import ConfigError, UserError, one_of
from mmskin.evaluation.predictions import arm_names
from mmskin.evaluation.results import Runs


def compare(
    cases: Cases,
    arms: Sequence[Any] | Mapping[str, Any],
    *,
    reference: str,
    primary: str | None = None,
    metric: str = "balanced_accuracy",
    folds: int | str = 5,
    test_folds: Sequence[int] | None = None,
    seeds: int | Sequence[int] = 3,
    encoders: Mapping[str, Given] | None = None,
    loss: Given | None = None,
    experts: Mapping[str, Any] | None = None,
    reduce: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    missingness: Missingness | None = None,
    photo_side: int = 256,
    output: str | Path | None = None,
    jobs: int = 1,
    replicates: int = 2000,
    say: Say | None = tell,
) -> Comparison:
    """Train and test every arm on the same patients, and compare each with the reference, patient by patient.

    >>> result = mmskin.compare(
    ...     cases, ["majority", "metadata_only"], reference="majority", folds=3, test_folds=[0], seeds=1,
    ...     encoders={"metadata": "tokens"}, training={"epochs": 2}, replicates=100, say=None,
    ... )
    >>> list(result.differences["arm"].unique())
    ['metadata_only']

    Args:
        cases: of `read_table` or `read_source`; those without a label are left out.
        arms: what is compared: names of fusions or table arms, {"name": …, option: value}, classes, instances, or whole
            arms as in a benchmark, such as {"fusion": "concat", "experts": {}, "training": {"members": 3}}; by name, or
            named after their fusion.
        reference: the arm that is subtracted from all others.
        primary: the arm of the question named in advance; the first other one if None.
        metric: of that question.
        folds: patient-disjoint ones, 3 or more; a CSV file of folds; or "official".
        test_folds: of these, all if None.
        seeds: with how many, or with which, every arm is trained.
        encoders: as in `fit`, shared by all arms; an arm takes those that its fusion reads.
        loss: as in `fit`.
        experts: as in `fit`, of all arms whose fusion joins modalities; a whole arm may have its own, or None.
        reduce: as in `fit`, of all arms that read the modality; a whole arm may have its own, or {}.
        training: as in `fit`, the same for all arms.
        missingness: as in `fit`.
        photo_side: as in `fit`.
        output: folder of the run; the same call goes on with a run that was stopped. A temporary one if None.
        jobs: processes. Results are bit-equal however many.
        replicates: resamples of the patients.
        say: is told what was chosen and what happens; None for silence.

    Raises:
        ConfigError: parts, options or arms that do not exist or do not go together.
        DataError: cases that cannot be split.
        UserError: the reference or the primary arm failed.
    """
    named = _named(arms, cases)
    choice = choose(cases, encoders=encoders, fusion="late", loss=loss, training=training)
    if reference not in named:
        raise ConfigError(one_of("reference", reference, named))
    question = primary or next((name for name in named if name != reference), reference)
    with TemporaryDirectory(prefix="mmskin-") as temporary:
        folder = Path(temporary) / "run" if output is None else Path(output)
        data = in_memory(cases, missingness=missingness, photo_side=photo_side)
        benchmark = validated(
            Benchmark,
            {
                "name": f"Comparison on {cases.schema.name}",
                "data": data | {"folds": folds, "test_folds": "all" if test_folds is None else list(test_folds)},
                "seeds": list(range(seeds)) if isinstance(seeds, int) else list(seeds),
                "primary": {"arm": question, "metric": metric, "reference": reference},
                "encoders": choice.encoders,
                "loss": choice.loss,
                "experts": experts,
                "reduce": reduce or {},
                "training": choice.training,
                "arms": named,
                "audit": False,
                "missing_parts": None,
                "safeguards": False,
                "explanations": None,
                "features": str((Path(temporary) if output is None else folder.absolute()) / "features"),
            },
            where="compare",
        )
        if say is not None:
            say(
                f"{len(named)} arms; primary question: {question} minus {reference} in {metric}; encoders "
                f"{described(choice.encoders)}, {benchmark.training.epochs} epochs, missingness "
                f"{benchmark.data.missingness} ({choice.why})"
            )
        if jobs > 1:
            check_can_be_sent(_names_of_parts(benchmark.to_json()))
        with ThisProcess() if jobs == 1 else LocalExecutor(jobs) as executor:
            table, failures = run_benchmark(
                benchmark, folder, executor=executor, say=say or _silent, quiet=True, cases=cases
            )
    for name in (reference, question):
        if name not in arm_names(table):
            reason = next((failure.reason for failure in failures if failure.arm == name), "it is not finished")
            raise UserError(f"the comparison has no answer, for {name} failed: {reason}")
    lines = [f"failed: {f.arm}, fold {f.fold}, seed {f.seed}: {f.reason}" for f in failures]
    for line in lines:
        (say or _silent)(line)
    return compared(
        Runs(
            table,
            [benchmark.to_json()],
            cases.schema.class_groups,
            cases.schema.class_titles,
            cases.schema.patient_unit,
        ),
        reference=reference,
        primary=question,
        metric=metric,
        replicates=replicates,
        title=benchmark.name,
        failures=lines,
    )


def _named(arms: Sequence[Any] | Mapping[str, Any], cases: Cases) -> dict[str, dict[str, Any]]:
    """The arms by name, as a benchmark has them.

    Raises:
        ConfigError: fewer than two arms, or two of one name.
    """
    if isinstance(arms, str):
        raise ConfigError(f"arms must be a list of two arms or more, however: {arms!r}")
    if isinstance(arms, Mapping):
        named = {name: arm_of(given, cases.schema)[1] for name, given in arms.items()}
    else:
        named = {}
        for name, arm in (arm_of(given, cases.schema) for given in arms):
            if name in named:
                raise ConfigError(f"two arms are called {name!r}: give them names, such as {{'{name}_2': …}}")
            named[name] = arm
    if len(named) < 2:
        raise ConfigError(f"two arms or more are compared, however: {', '.join(named) or 'none'}")
    return named


def _names_of_parts(config: Any) -> set[str]:
    """Every `name` anywhere in a config."""
    if isinstance(config, Mapping):
        own = {config["name"]} if isinstance(config.get("name"), str) else set()
        return own.union(*map(_names_of_parts, config.values()))
    return set().union(*map(_names_of_parts, config)) if isinstance(config, list) else set()


def _silent(line: str) -> None:
    """Nothing."""
