from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from benchmark.small_benchmark import ARMS, FROZEN, raw_benchmark, small_benchmark
from small_experiment import ENCODERS

from mmskin.benchmark.arms import check_arms, experiment_of, reads
from mmskin.benchmark.benchmark_config import Benchmark, read_benchmark
from mmskin.benchmark.run.grid import cells_of, seeds_of
from mmskin.config.experiment import validated
from mmskin.config.yaml_files import write_yaml
from mmskin.errors import ConfigError
from mmskin.fusion import FUSIONS
from mmskin.schema import Field, Schema

HERE = Path("data")
SCHEMA = Schema(name="tiny", classes=("a", "b"), fields=(Field(name="itch", kind="yes_no"),))


def small(**changed: Any) -> Benchmark:
    return small_benchmark(HERE, HERE, **changed)


def refused(**changed: Any) -> str:
    with pytest.raises(ConfigError) as error:
        small(**changed)
    return str(error.value)


def test_a_neural_arm_stands_for_an_experiment_with_the_shared_recipe() -> None:
    experiment = experiment_of(small(training={"epochs": 7}), "image_only", seed=5)
    assert experiment.name == "image_only"
    assert experiment.encoders == {"image": FROZEN}
    assert (experiment.training.epochs, experiment.training.threads, experiment.seed) == (7, 1, 5)
    assert not experiment.training.save_model
    assert experiment.loss == {"name": "class_balanced_focal"}


def test_an_arm_brings_its_own_loss_and_encoders() -> None:
    own: dict[str, Any] = {
        "fusion": {"name": "metablock", "group_width": 16},
        "loss": {"name": "focal"},
        "encoders": {"metadata": {"name": "onehot"}},
    }
    experiment = experiment_of(small(arms=ARMS | {"own": own}), "own", seed=0)
    assert experiment.encoders == {"image": FROZEN, "metadata": {"name": "onehot"}}
    assert experiment.loss == {"name": "focal"}


@pytest.mark.parametrize("name", FUSIONS)
def test_what_a_fusion_reads_is_what_it_says_of_itself_once_built(name: str) -> None:
    encoders = ENCODERS | {"image": FROZEN}
    read = reads(small(arms=ARMS | {"it": {"fusion": {"name": name}, "encoders": encoders}}), "it")
    built = FUSIONS[name](dict.fromkeys(encoders, 64), 6)
    assert set(read.modalities) == set(built.modalities)
    assert set(read.tokens) == set(built.needs_tokens)


def test_faults_are_told_with_their_paths() -> None:
    assert "primary.arm 'lat' does not exist. Did you mean 'late'?" in refused(
        primary={"arm": "lat", "reference": "late"}
    )
    assert "primary.reference 'x' does not exist" in refused(primary={"arm": "late", "reference": "x"})
    assert "must be another arm" in refused(primary={"arm": "late", "reference": "late"})
    primary = {"arm": "late", "reference": "image_only"}
    assert "'acuracy' does not exist. Did you mean 'accuracy'?" in refused(primary=primary | {"metric": "acuracy"})
    for metric in ("calibration_slope", "sensitivity"):  # no better direction; one number per class
        assert f"primary.metric: a metric that puts arms in order {metric!r} does not exist" in refused(
            primary=primary | {"metric": metric}
        )
    assert small(primary=primary | {"metric": "log_loss"}).primary.metric == "log_loss"
    assert "training.epoch does not exist (did you mean training.epochs?)" in refused(training={"epoch": 3})
    assert "arms.late.fusoin does not exist (did you mean arms.late.fusion?)" in refused(arms={"late": {"fusoin": {}}})
    assert "arms.a: an arm has either a fusion or a table" in refused(arms=ARMS | {"a": {}})
    assert "fusion needs a name" in refused(arms=ARMS | {"a": {"fusion": {}}})
    assert "a table arm has no loss" in refused(
        arms=ARMS | {"a": {"table": {"name": "majority"}, "loss": {"name": "focal"}}}
    )
    assert "a cell has one thread" in refused(training={"threads": 2})
    assert "seeds must be different" in refused(seeds=[1, 1])
    assert "an arm is named by letters" in refused(arms=ARMS | {"../a": ARMS["late"]})
    over = {"table": {"name": "stacking", "over": ["late", "lat"]}}
    assert "arms.a.table.over 'lat' does not exist" in refused(arms=ARMS | {"a": over})
    again = {"table": {"name": "stacking", "over": ["late", "stacking"]}}
    assert "stacking stacks other arms itself" in refused(arms=ARMS | {"a": again})


def test_parts_that_do_not_exist_are_told_with_their_arm() -> None:
    def told(arm: dict[str, Any]) -> str:
        with pytest.raises(ConfigError) as error:
            check_arms(small(arms=ARMS | {"a": arm}), SCHEMA)
        return str(error.value)

    assert told({"fusion": {"name": "lat"}}).startswith("arms.a: fusion 'lat' does not exist. Did you mean 'late'?")
    assert "hidden_dim must be divisible" in told({"fusion": {"name": "cross_attention", "hidden_dim": 30}})
    assert "'metadata' has no encoder" in told({"fusion": {"name": "metadata_only"}})
    assert told({"table": {"name": "majorty"}}).startswith("arms.a: table arm 'majorty' does not exist")
    assert told({"table": {"name": "majority", "c": 1}}) == "arms.a: table arm 'majority' takes no options"
    no_encoder = {"table": {"name": "logistic_regression", "on": "image"}}
    with pytest.raises(ConfigError, match=r"arms\.image_only: image has no encoder; add encoders\.image"):
        check_arms(
            small(
                arms={"late": {"fusion": {"name": "text_only"}}, "image_only": no_encoder, "a": no_encoder},
                encoders={"text": ENCODERS["text"]},
            ),
            SCHEMA,
        )


def test_overrides_reach_a_benchmark_file(tmp_path: Path) -> None:
    path = tmp_path / "benchmark.yaml"
    path.write_text(write_yaml(raw_benchmark(HERE, HERE)))
    assert read_benchmark(path) == small()
    changed = read_benchmark(path, ["training.epochs=9", "arms.late.loss={name: focal}"])
    assert changed.training.epochs == 9
    assert changed.arms["late"].loss == {"name": "focal"}
    assert validated(Benchmark, changed.to_json(), where="again") == changed


def test_arms_that_draw_nothing_have_one_cell_a_fold_and_stacking_comes_last() -> None:
    cells = cells_of(small(), [0, 1])
    assert len(cells) == 3 * 4 + 2
    assert {cell.arm for cell in cells[-4:]} == {"stacking"}
    drawn = small(data={"missingness": "equalized"})
    assert seeds_of(drawn, "regression") == [0, 1]  # which histories are hidden is drawn
    assert seeds_of(small(), "regression") == [0]
