"""Which recipe to try next, by Optuna's tree-structured Parzen estimator.

Source: Bergstra et al., *Algorithms for hyper-parameter optimization*, NeurIPS 2011, section 4.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mmskin.benchmark.search.search_config import Range, Space
from mmskin.data.seeds import view_seed
from mmskin.errors import ConfigError

Options = Mapping[str, Any]


class Trial(NamedTuple):
    """options: by dotted path; {} for the arm's own recipe. loss: NaN where it could not be fitted."""

    number: int
    options: Options
    loss: float


def propose(space: Space, tried: Sequence[Trial], *, seed: int) -> dict[str, Any]:
    """Options for the next trial; the same ones for the same trials before it, so that a stopped search goes on alike.

    The first ten are drawn at random.

    Args:
        space: see `SearchConfig`.
        tried: those of this space; the arm's own recipe, which need not lie in it, is left out.
        seed: of the search.

    Raises:
        ConfigError: Optuna is not installed.
    """
    optuna = load_optuna()
    distributions = {path: _distribution(optuna, of) for path, of in space.items()}
    number = len(tried) + 1
    sampler = optuna.samplers.TPESampler(seed=view_seed("trial", number, seed) % 2**32)
    study = optuna.create_study(sampler=sampler)
    for trial in tried:
        failed = not math.isfinite(trial.loss)
        state = optuna.trial.TrialState.FAIL if failed else optuna.trial.TrialState.COMPLETE
        made = optuna.trial.create_trial(
            state=state, params=dict(trial.options), distributions=distributions, value=None if failed else trial.loss
        )
        study.add_trial(made)
    return dict(study.ask(distributions).params)


def ends_of(of: Range | Sequence[Any]) -> list[Any]:
    """The values at the ends of a range, or all that may be chosen: if these are fit for an arm, so are the others."""
    return [of.low, of.high] if isinstance(of, Range) else list(of)


def _distribution(optuna: Any, of: Range | Sequence[Any]) -> Any:
    if not isinstance(of, Range):
        return optuna.distributions.CategoricalDistribution(list(of))
    made = optuna.distributions.IntDistribution if of.is_whole else optuna.distributions.FloatDistribution
    return made(of.low, of.high, log=of.log)


def load_optuna() -> Any:
    """Raises: ConfigError if it is not installed."""
    try:
        import optuna
    except ModuleNotFoundError:
        raise ConfigError("search needs: pip install 'mmskin[search]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
