"""What cells need before they begin: features of frozen encoders, the audit, the searches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from mmskin.benchmark.audited import AuditTask, audited
from mmskin.benchmark.run.cell import held_threads
from mmskin.benchmark.run.feature_task import FeatureTask, compute_features
from mmskin.benchmark.search.search import SearchTask, run_search
from mmskin.errors import UserError

T = TypeVar("T")
Say = Callable[[str], None]
Preparation = FeatureTask | AuditTask | SearchTask


class Executor(Protocol):
    """Where tasks are run; see `LocalExecutor`.

    jobs: tasks at a time.
    is_elsewhere: whether they may run on other machines, which have other devices.
    """

    @property
    def jobs(self) -> int: ...

    @property
    def is_elsewhere(self) -> bool: ...

    def run(
        self, work: Callable[[T], None], tasks: Sequence[T], *, begin: Callable[[T], None]
    ) -> Iterator[tuple[T, str]]: ...


def prepare_all(tasks: Sequence[Preparation], executor: Executor, *, say: Say) -> None:
    """What cells need before they begin: every frozen encoder over all that will be read of it, and beside them the
    audit, which leaves a process free; then every search.

    Raises:
        UserError: one failed; no arm that needs it could be fitted, or what the arms say would not be worth reading.
    """

    def title(task: Preparation) -> str:
        if isinstance(task, SearchTask):
            return f"search: {task.search.name}, fold {task.fold.number}"
        return "audit of the data" if isinstance(task, AuditTask) else f"features: {task.modality}, {task.slot['name']}"

    for task, reason in executor.run(prepare, tasks, begin=lambda task: say(title(task))):
        if reason:
            raise UserError(f"{title(task)}: {reason}")


def prepare(task: Preparation) -> None:
    if isinstance(task, FeatureTask):
        return compute_features(task)
    if isinstance(task, SearchTask):
        return run_search(task)
    with held_threads(1):
        audited(task.data, task.output, command=task.command)
    return None
