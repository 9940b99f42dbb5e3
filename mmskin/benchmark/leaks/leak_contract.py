"""What a leak is to a study of leaks: a way to spoil a protocol that would be honest without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.data.table import Cases


class Protocol(NamedTuple):
    """How arms are trained and reported.

    benchmark: the arms and their recipe.
    cases: labelled.
    """

    benchmark: Benchmark
    cases: Cases


class Leak(NamedTuple):
    """title: what is done, as a table says it; apply: the protocol with it."""

    title: str
    apply: Callable[[Protocol], Protocol]
