from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from benchmark.small_benchmark import ARMS, FROZEN, raw_benchmark, small_benchmark
from small_experiment import ENCODERS

import mmskin
from mmskin.benchmark.arms import NeuralArm, ResolvedArm
from mmskin.benchmark.benchmark_config import Benchmark, of_one_arm, read_benchmark
from mmskin.benchmark.resolve import resolve, waves
from mmskin.benchmark.run.run import check_table_arms
from mmskin.config.experiment import ExpertsConfig
from mmskin.config.validation import validated
from mmskin.config.yaml_files import write_yaml
from mmskin.errors import ConfigError
from mmskin.fusion import FUSIONS
from mmskin.schema import Field, Schema

HERE = Path("data")
SCHEMA = Schema(name="tiny", classes=("a", "b"), fields=(Field(name="itch", kind="yes_no"),))


def small(**changed: Any) -> Benchmark:
    return small_benchmark(HERE, HERE, **changed)


def arm_of(name: str, **changed: Any) -> ResolvedArm:
    return resolve(small(**changed), HERE)[name]


def neural_arm(name: str, **changed: Any) -> NeuralArm:
    arm = arm_of(name, **changed)
    assert isinstance(arm, NeuralArm)
    return arm


def refused(**changed: Any) -> str:
    with pytest.raises(ConfigError) as error:
        small(**changed)
    return str(error.value)


def test_a_neural_arm_stands_for_an_experiment_with_the_shared_recipe() -> None:
    experiment = neural_arm("image_only", training={"epochs": 7}).with_seed(5)
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
    experiment = neural_arm("own", arms=ARMS | {"own": own}).experiment
    assert experiment.encoders == {"image": FROZEN, "metadata": {"name": "onehot"}}
    assert experiment.loss == {"name": "focal"}


@pytest.mark.parametrize("name", FUSIONS)
def test_what_a_fusion_reads_is_what_it_says_of_itself_once_built(name: str) -> None:
    encoders = ENCODERS | {"image": FROZEN}
    read = neural_arm("it", arms=ARMS | {"it": {"fusion": {"name": name}, "encoders": encoders}})
    built = FUSIONS[name](dict.fromkeys(encoders, 64), 6)
    assert set(read.encoders) == set(built.modalities)
    assert set(read.tokens) == set(built.needs_tokens)


def test_an_arm_has_its_own_recipe_modalities_and_seeds() -> None:
    encoders = {"metadata": {"name": "tokens"}}
    own = {"fusion": {"name": "concat"}, "encoders": encoders, "modalities": ["text", "metadata"], "seeds": [1]}
    arm = neural_arm("own", arms=ARMS | {"own": own | {"training": {"learning_rate": 0.5}}}, training={"epochs": 7})
    assert list(arm.encoders) == ["text", "metadata"]
    assert arm.seeds == (1,)
    assert (arm.experiment.training.epochs, arm.experiment.training.learning_rate) == (7, 0.5)
    assert neural_arm("late").experiment.training.learning_rate == 1e-3


def test_shared_experts_go_to_the_arms_that_join_modalities_unless_they_say_otherwise() -> None:
    concat: dict[str, Any] = {"fusion": {"name": "concat"}}
    own = {"hidden_dim": 8}
    arms = ARMS | {"shared": concat, "own": {**concat, "experts": own}, "none": {**concat, "experts": None}}
    experts = {
        name: neural_arm(name, arms=arms, experts={"gate": "class"}).experiment.experts
        for name in (*list(ARMS)[:2], "shared", "own", "none")
    }
    assert experts["shared"] == ExpertsConfig(gate="class")
    assert experts["own"] == ExpertsConfig(hidden_dim=8)
    assert experts["none"] is None
    assert experts["late"] is None
    assert experts["image_only"] is None
    plain = neural_arm("shared", arms=arms)
    assert plain.experiment.experts is None
    assert plain.to_json() != neural_arm("shared", arms=arms, experts={}).to_json()


def test_shared_reductions_go_to_the_modalities_that_an_arm_reads_unless_it_has_its_own() -> None:
    own = {"fusion": {"name": "concat"}, "reduce": {"dim": 4}}
    none = {"fusion": {"name": "concat"}, "reduce": None}
    arms = ARMS | {"own": own, "none": none}
    shared = {"image": {"method": "pca", "dim": 8}, "text": {"dim": 6}}

    def reduce_of(name: str) -> dict[str, Any]:
        made: dict[str, Any] = neural_arm(name, arms=arms, reduce=shared).experiment.to_json()["reduce"]
        return {modality: (of["method"], of["dim"]) for modality, of in made.items()}

    assert reduce_of("image_only") == {"image": ("pca", 8)}
    assert reduce_of("late") == {"image": ("pca", 8), "text": ("linear", 6)}
    assert reduce_of("own") == {"all": ("linear", 4)}
    assert reduce_of("none") == {}


def test_an_experiment_is_a_run_of_one_arm() -> None:
    from small_experiment import small_experiment

    experiment = small_experiment(HERE, "text", fusion="text_only", epochs=3)
    (arm,) = resolve(of_one_arm(experiment), HERE).values()
    assert isinstance(arm, NeuralArm)
    assert arm.experiment == experiment


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
    assert "experts.gates does not exist (did you mean experts.gate?)" in refused(experts={"gates": "all"})
    assert "a table arm has no loss" in refused(
        arms=ARMS | {"a": {"table": {"name": "majority"}, "loss": {"name": "focal"}}}
    )
    assert "a cell has one thread" in refused(training={"threads": 2})
    assert "seeds must be different" in refused(seeds=[1, 1])
    assert "an arm is named by letters" in refused(arms=ARMS | {"../a": ARMS["late"]})
    over = {"table": {"name": "stacking", "over": ["late", "lat"]}}
    assert "arms.a.table.over 'lat' does not exist" in refused(arms=ARMS | {"a": over})
    again = {"table": {"name": "stacking", "over": ["late", "stacking"]}}
    assert "stacking reads other arms itself" in refused(arms=ARMS | {"a": again})


def test_parts_that_do_not_exist_are_told_with_their_arm() -> None:
    def told(arm: dict[str, Any]) -> str:
        with pytest.raises(ConfigError) as error:
            check_table_arms(resolve(small(arms=ARMS | {"a": arm}), HERE), SCHEMA)
        return str(error.value)

    assert told({"fusion": {"name": "lat"}}).startswith("arms.a: fusion 'lat' does not exist. Did you mean 'late'?")
    assert "hidden_dim must be divisible" in told({"fusion": {"name": "cross_attention", "hidden_dim": 30}})
    assert "'metadata' has no encoder" in told({"fusion": {"name": "metadata_only"}})
    assert told({"table": {"name": "majorty"}}).startswith("arms.a: table arm 'majorty' does not exist")
    assert told({"table": {"name": "majority", "c": 1}}) == "arms.a: table arm 'majority' takes no options"
    no_encoder = {"table": {"name": "logistic_regression", "on": "image"}}
    with pytest.raises(ConfigError, match=r"arms\.image_only: image has no encoder; add encoders\.image"):
        resolve(
            small(
                arms={"late": {"fusion": {"name": "text_only"}}, "image_only": no_encoder, "a": no_encoder},
                encoders={"text": ENCODERS["text"]},
            ),
            HERE,
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
    arms = resolve(small(), HERE)
    assert {name: len(arm.seeds) for name, arm in arms.items()} == {
        "late": 2,
        "image_only": 2,
        "stacking": 2,
        "regression": 1,
    }
    assert [[arm.name for arm in wave] for wave in waves(arms)] == [["late", "image_only", "regression"], ["stacking"]]
    drawn = resolve(small(data={"missingness": "equalized"}), HERE)
    assert drawn["regression"].seeds == (0, 1)  # which histories are hidden is drawn


def test_few_functions_take_a_whole_benchmark() -> None:
    """The file's check, its resolution and plan, the run, the answer: everything else is given what it needs."""
    taking = set()
    for path in Path(mmskin.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                if any(a.annotation is not None and ast.unparse(a.annotation) == "Benchmark" for a in arguments):
                    taking.add(node.name)
    assert taking == {
        "check_benchmark",
        "resolve",
        "shared_by",
        "planned",
        "run_benchmark",
        "write_answer",
        "say_run",
    }
