from __future__ import annotations

import doctest
import inspect
import subprocess
import sys
from typing import Any

import pandas as pd
import pytest
from made_predictions import make

import mmskin

NO_EXAMPLE = {  # data and contracts, which other examples use
    "Cases", "Comparison", "Encoder", "Explainer", "Features", "Field", "Fusion", "FusionOutput", "History", "Loss",
    "Schema", "collate",
}  # fmt: skip
PUBLIC = [name for name in mmskin.__all__ if name != "__version__"]


def test_the_door_opens_at_once_and_without_torch_and_pandas() -> None:
    code = (
        "import sys, time\n"
        "start = time.process_time()\n"
        "import mmskin\n"
        "seconds = time.process_time() - start\n"
        "assert not {'torch', 'pandas', 'numpy', 'pydantic'} & set(sys.modules)\n"
        "assert seconds < 0.1, seconds\n"
        "mmskin.register_fusion\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_name_of_the_door_is_there_and_no_other() -> None:
    assert sorted(PUBLIC) == sorted(mmskin._HOME)
    assert all(getattr(mmskin, name).__module__.startswith("mmskin.") for name in PUBLIC)
    assert set(PUBLIC) <= set(dir(mmskin))
    with pytest.raises(AttributeError, match="module 'mmskin' has no attribute 'fti'"):
        mmskin.fti  # noqa: B018


@pytest.mark.parametrize("name", PUBLIC)
def test_every_name_has_a_docstring_and_its_example_runs(name: str) -> None:
    thing = getattr(mmskin, name)
    assert inspect.getdoc(thing)
    examples = doctest.DocTestFinder(recurse=False).find(thing, name, globs=_names(name))
    assert name in NO_EXAMPLE or any(test.examples for test in examples), f"{name} has no example"
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    said: list[str] = []
    for test in examples:
        runner.run(test, out=said.append)
    assert not runner.summarize(verbose=False).failed, "".join(said)


def _names(name: str) -> dict[str, Any]:
    """What the examples may use."""
    ages = [20 + row for row in range(30)]
    frame = pd.DataFrame({"dx": ["nevus", "nevus", "melanoma"] * 10, "age": ages})
    cases = mmskin.read_table(frame, target="dx", fields={"age": {"kind": "numeric"}})
    names = {"mmskin": mmskin, "pd": pd, "cases": cases}
    if name == "Predictor":
        parts: dict[str, Any] = {"fusion": "metadata_only", "encoders": {"metadata": "tokens"}}
        names["model"] = mmskin.fit(cases, **parts, training={"epochs": 1}, say=None)
    return names | {"table_a": make(arm="x"), "table_b": make(arm="x", skill=0.1, rng_seed=1)}
