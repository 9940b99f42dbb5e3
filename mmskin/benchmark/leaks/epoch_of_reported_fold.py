"""The fold that is reported chooses the epoch: cross-validation without a test part, the best epoch of each fold."""

from __future__ import annotations

from mmskin.benchmark.leaks.leak_contract import Leak, Protocol

CHOSEN = {"keep": "best_balanced_accuracy", "validate_epochs": True}


def epoch_of_reported_fold(protocol: Protocol) -> Protocol:
    """Validation rows choose the epoch, fit the temperature, and are reported; training parts are as large as before.

    An arm that draws nothing from epochs, such as a regression, is what it was, its calibration aside.
    """
    benchmark = protocol.benchmark
    training = benchmark.training.model_copy(update=CHOSEN)
    return protocol._replace(benchmark=benchmark.model_copy(update={"test": False, "training": training}))


LEAK = Leak("Epoch chosen on the reported fold", epoch_of_reported_fold)
