"""A fault of a config is told in one plain line, before torch is imported or any data are read."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from benchmark.small_benchmark import raw_benchmark
from small_experiment import small_experiment

from mmskin.config.yaml_files import write_yaml

CODE = """
import sys
from mmskin.cli.app import main
sys.argv = ["mmskin", *sys.argv[1:]]
try:
    main()
finally:
    assert "torch" not in sys.modules, "torch"
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An experiment and a benchmark over a folder that is there and empty."""
    folder = tmp_path_factory.mktemp("configs")
    train, benchmark = folder / "train.yaml", folder / "benchmark.yaml"
    train.write_text(write_yaml(small_experiment(folder).to_json()))
    benchmark.write_text(write_yaml(raw_benchmark(folder, folder)))
    return {"TRAIN": str(train), "BENCHMARK": str(benchmark), "OUT": str(folder / "out")}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("train TRAIN training.epoch=3 --output OUT", "training.epoch does not exist (did you mean training.epochs?)"),
        ("train TRAIN epochs=3 --output OUT", "epochs does not exist (did you mean training.epochs?)"),
        ("train TRAIN data.root=/nowhere --output OUT", "data.root: no such folder: /nowhere"),
        ("train TRAIN fusion.name=lat --output OUT", "fusion 'lat' does not exist. Did you mean 'late'?"),
        ("train TRAIN fusion.joit=true --output OUT", "fusion.joit does not exist (did you mean fusion.joint?)"),
        ("train TRAIN fusion.joint=1 --output OUT", "fusion.joint must be true or false, however: 1"),
        ("train TRAIN data.source.name=pad --output OUT", "source 'pad' does not exist"),
        ("train TRAIN encoders.metadata.name=onehot fusion.name=co_attention --output OUT", "gives none: choose one"),
        ("train BENCHMARK --output OUT", "is a benchmark, for it has arms: mmskin benchmark "),
        ("benchmark TRAIN --output OUT", "is an experiment of one arm: mmskin train "),
        ("benchmark BENCHMARK arms.late.fusion.joit=true --output OUT", "did you mean arms.late.fusion.joint?"),
        ("benchmark BENCHMARK data.root=/nowhere --output OUT", "data.root: no such folder: /nowhere"),
        ("audit BENCHMARK data.rot=x --output OUT", "data.rot does not exist (did you mean data.root?)"),
        ("data check TRAIN fusoin=x", "fusoin does not exist (did you mean fusion?)"),
    ],
)
def test_a_fault_of_a_config_costs_less_than_a_breath(files: dict[str, str], line: str, told: str) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = [files.get(word, word) for word in line.split()]
    done = subprocess.run([sys.executable, "-c", CODE, *words], capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("mmskin: ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert told in done.stderr
    assert not Path(files["OUT"]).exists()
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert seconds < 5  # about 0.6 on a quiet machine and 3 on a slow one; with torch it was 6 and more
