"""RealMLP and TabM, strong networks for tables, as pytabkit has them: on fields, on frozen embeddings, or on both."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import torch

from mmskin.benchmark.baselines.table_arm_contract import (
    FIELDS,
    Facts,
    Fit,
    all_classes,
    calibrated,
    choose_parts,
    targets,
)
from mmskin.benchmark.baselines.table_columns import Columns, filled, fit_columns
from mmskin.errors import ConfigError
from mmskin.evaluation.metrics import Floats
from mmskin.trained.prior_shift import restated
from mmskin.trained.trained_model import Predict


def realmlp(facts: Facts, *, on: str | Sequence[str] = FIELDS, pca: int = 32, balanced: bool = True) -> Fit:
    """RealMLP with its tuned defaults, for cross-entropy, without label smoothing.

    Source: Holzmüller, Grinsztajn & Steinwart, *Better by default: strong pre-tuned MLPs and boosted trees on tabular
    data*, NeurIPS 2024.

    It keeps the epoch with the lowest log-loss on the validation rows, which give the temperature too. A field that is
    not recorded is filled, see `filled`: this arm cannot see what is missing.

    on: fields, text, a kind of photo (image where there is one), or several of them side by side.
    pca: principal components of each embedding.
    balanced: the answers are brought from the shares of the training rows to equal ones by Bayes' rule, for the network
        weighs cases and not classes.
    """
    return _network("RealMLP_TD_Classifier", facts, on=on, pca=pca, balanced=balanced, use_ls=False)


def tabm(facts: Facts, *, on: str | Sequence[str] = FIELDS, pca: int = 32, balanced: bool = True) -> Fit:
    """TabM with its defaults.

    Source: Gorishniy, Kotelnikov & Babenko, *TabM: Advancing tabular deep learning with parameter-efficient
    ensembling*, ICLR 2025.

    It keeps the epoch with the lowest log-loss on the validation rows, which give the temperature too. A field that is
    not recorded is filled, see `filled`: this arm cannot see what is missing.

    on, pca, balanced: as of `realmlp`.
    """
    return _network("TabM_D_Classifier", facts, on=on, pca=pca, balanced=balanced)


def _network(name: str, facts: Facts, *, on: str | Sequence[str], pca: int, balanced: bool, **options: Any) -> Fit:
    parts, size = choose_parts(on, facts.schema), len(facts.schema.classes)
    with _quiet():
        classifier = _load(name)

    def fit(train: pd.DataFrame, val: pd.DataFrame) -> Predict:
        columns = filled(fit_columns(parts, train, facts, pca=pca), train)
        codes = targets(train, facts.schema)
        seen = np.isin(targets(val, facts.schema), codes)  # a class without training rows has no output
        threads = torch.get_num_threads()
        with _quiet():
            model = classifier(
                random_state=facts.seed,
                device="cpu",
                n_threads=threads,
                n_cv=1,
                n_refit=0,
                verbosity=0,
                val_metric_name="cross_entropy",
                **options,
            )
            asked = _frame(columns, val[seen])
            model.fit(
                _frame(columns, train), codes, asked, targets(val[seen], facts.schema), cat_col_names=_codes(asked)
            )
        known, counts = np.unique(codes, return_counts=True)
        shares = counts / counts.sum()

        def predict(rows: pd.DataFrame) -> Floats:
            with _quiet():
                found = np.asarray(model.predict_proba(_frame(columns, rows)), dtype=np.float64)
            found = restated(found, of=shares, to=np.full(len(known), 1 / len(known))) if balanced else found
            return all_classes(found, known.tolist(), size)

        return calibrated(predict, val, facts.schema)

    return fit


def _frame(columns: Columns, rows: pd.DataFrame) -> pd.DataFrame:
    """Codes as words, so that they are taken for categories."""
    values = columns.read(rows)
    return pd.DataFrame(
        {
            f"{'code' if code else 'number'}_{place}": values[:, place].astype(int).astype(str)
            if code
            else values[:, place]
            for place, code in enumerate(columns.is_code)
        }
    )


def _codes(frame: pd.DataFrame) -> list[str]:
    return [str(name) for name in frame if str(name).startswith("code_")]


def _load(name: str) -> Any:
    try:
        import pytabkit
    except ModuleNotFoundError:
        raise ConfigError("the table arms realmlp and tabm need: pip install 'mmskin[tables]'") from None
    return getattr(pytabkit, name)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what pytabkit 1.8 and Lightning say on the way: TorchScript and LeafSpec are deprecated there."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
