"""A model may learn from which fields are empty, although who was asked hangs on the suspected diagnosis."""

from __future__ import annotations

from mmskin.benchmark.leaks.leak_contract import Leak, Protocol


def missingness_visible(protocol: Protocol) -> Protocol:
    """The named mode of the data section."""
    benchmark = protocol.benchmark
    data = benchmark.data.model_copy(update={"missingness": "visible"})
    return protocol._replace(benchmark=benchmark.model_copy(update={"data": data}))


LEAK = Leak("Missing values visible", missingness_visible)
