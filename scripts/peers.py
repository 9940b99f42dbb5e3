"""mmskin beside AutoGluon-MM and Ludwig: the same folds, photos, fields, CNN with its weights, epochs, and one thread.

    python scripts/peers.py prepare runs/peers               # where mmskin is installed; so do mmskin and report
    python scripts/peers.py mmskin runs/peers --fold 0
    python scripts/peers.py autogluon runs/peers --fold 0    # where autogluon.multimodal is; tried with 1.6.3
    python scripts/peers.py ludwig runs/peers --fold 0       # where ludwig and timm are; tried with 0.17.10
    python scripts/peers.py report runs/peers

`prepare` writes the CNN and, for each fold, three tables of photos and fields into the folder: data of patients, which
belong in no repository. It finds both in an experiment of mmskin, which is also what `mmskin` trains. Each peer does
what it does by default, but for the CNN, the number of epochs, and what its function below says. CPU seconds are those
of the whole process and its children, imports and answers included; peak memory is that of the largest of them. Set
OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

if TYPE_CHECKING:
    from mmskin.config.experiment import Experiment

CONFIG = Path(__file__).parents[1] / "configs" / "pad_ufes_20" / "peers.yaml"
METRICS = ("balanced_accuracy", "macro_auroc")
PARTS = ("train", "val", "test")


class Task(NamedTuple):
    """What a peer is given.

    train, val, test: `image`, the path of a photo; `target`; a column a field, empty where it is not recorded.
    numeric: the fields that are numbers; the others are words.
    cnn: folder of the CNN, as timm reads it under "local-dir:".
    work: folder that the peer may fill.
    """

    train: pd.DataFrame
    val: pd.DataFrame
    test: pd.DataFrame
    numeric: list[str]
    epochs: int
    seed: int
    cnn: Path
    work: Path


def autogluon(task: Task) -> pd.DataFrame:
    """AutoGluon-MM; of the three states with the best accuracy on validation rows, those are averaged that help.

    Balanced accuracy is not among the metrics by which it can choose. Batches are of 32, as of the others; its default
    of 128 makes 30 steps in five epochs of 741 photos.
    """
    from autogluon.multimodal import MultiModalPredictor

    asked = {
        "model.names": ["timm_image", "ft_transformer", "fusion_mlp"],
        "model.timm_image.checkpoint_name": str(task.cnn),
        "optim.max_epochs": task.epochs,
        "env.batch_size": 32,
        "env.num_gpus": 0,
        "env.num_workers": 0,
        "env.num_workers_inference": 0,
    }
    predictor = MultiModalPredictor(label="target", problem_type="multiclass", path=str(task.work))
    predictor.fit(task.train, tuning_data=task.val, hyperparameters=asked, seed=task.seed)
    answers: pd.DataFrame = predictor.predict_proba(task.test, as_pandas=True)
    return answers


def ludwig(task: Task) -> pd.DataFrame:
    """Ludwig; the epoch with the best accuracy on validation rows is kept.

    Batches are of 32, for the size that it would choose depends on how fast the machine is. Of its two ways to scale
    photos, neither of which is the CNN's own, this is the one for pretrained encoders.
    """
    from ludwig.api import LudwigModel

    fields = [name for name in task.train if name not in ("image", "target")]
    photo = {
        "name": "image",
        "type": "image",
        "encoder": {"type": "timm", "model_name": f"local-dir:{task.cnn}", "trainable": True},
        "preprocessing": {"height": 224, "width": 224, "num_channels": 3, "standardize_image": "imagenet1k"},
    }
    columns = [{"name": name, "type": "number" if name in task.numeric else "category"} for name in fields]
    asked = {
        "input_features": [photo, *columns],
        "output_features": [{"name": "target", "type": "category"}],
        "trainer": {"epochs": task.epochs, "batch_size": 32},
    }
    model = LudwigModel(asked, backend="local")
    model.train(
        training_set=task.train, validation_set=task.val, random_seed=task.seed, output_directory=str(task.work)
    )
    prefix = "target_probabilities_"
    answered = model.predict(task.test.drop(columns="target"), output_directory=str(task.work))[0]
    answers: pd.DataFrame = answered.filter(regex=f"^{prefix}.")
    return answers.rename(columns=lambda column: str(column).removeprefix(prefix))


PEERS: dict[str, tuple[str, Callable[[Task], pd.DataFrame]]] = {
    "autogluon": ("autogluon.multimodal", autogluon),
    "ludwig": ("ludwig", ludwig),
}


def prepare(folder: Path, experiment: Experiment) -> None:
    """cnn/, facts.json and, for each fold to be tested, train.csv, val.csv and test.csv."""
    import torch

    from mmskin.config.build import build
    from mmskin.data.load import folds_of, folds_to_test, load_cases, prepare_fold
    from mmskin.encoders import IMAGE_ENCODERS

    cases = load_cases(experiment.data)
    folds = folds_of(experiment.data, cases)
    for number in folds_to_test(experiment.data, folds):
        place = folder / f"fold_{number}"
        place.mkdir(parents=True, exist_ok=True)
        fold = prepare_fold(experiment.data, cases, folds, number)
        for part, rows in fold.split._asdict().items():
            kept = rows[["case_id", "patient_id", "target", *fold.schema.field_names]]
            kept.assign(image=rows.images.str[0]).to_csv(place / f"{part}.csv", index=False)
    facts = {
        "classes": cases.schema.classes,
        "numeric": [field.name for field in cases.schema.fields if field.kind == "numeric"],
        "epochs": experiment.training.epochs,
        "seed": experiment.seed,
    }
    (folder / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")
    slot = experiment.encoders["image"]
    cnn: Any = build("image encoder", IMAGE_ENCODERS, slot)
    (folder / "cnn").mkdir(exist_ok=True)
    torch.save(cnn.model.state_dict(), folder / "cnn" / "pytorch_model.bin")
    described = {"architecture": slot["model"], "num_classes": 0, "num_features": cnn.model.num_features}
    described |= {"pretrained_cfg": cnn.model.pretrained_cfg}
    (folder / "cnn" / "config.json").write_text(json.dumps(described, indent=1) + "\n")


def read_part(folder: Path, fold: int, part: str) -> pd.DataFrame:
    """One of the tables that `prepare` wrote, with words left as they are."""
    numeric = json.loads((folder / "facts.json").read_text())["numeric"]
    table = pd.read_csv(folder / f"fold_{fold}" / f"{part}.csv", dtype=str, keep_default_na=False, na_values=[""])
    return table.astype({name: float for name in numeric if name in table})


def task_of(folder: Path, fold: int, work: Path) -> Task:
    facts = json.loads((folder / "facts.json").read_text())
    train, val, test = (read_part(folder, fold, part).drop(columns=["case_id", "patient_id"]) for part in PARTS)
    return Task(
        train,
        val,
        test,
        numeric=facts["numeric"],
        epochs=facts["epochs"],
        seed=facts["seed"],
        cnn=(folder / "cnn").resolve(),
        work=work,
    )


def measure(folder: Path, fold: int, name: str, config: Path) -> None:
    """Train and answer in this process; probabilities go to NAME.csv, what it took to NAME.json."""
    began = time.perf_counter()
    place = folder / f"fold_{fold}"
    work = place / name
    if work.exists():
        raise SystemExit(f"{work} is there already, and what it holds would not be computed again: remove it")
    if name == "mmskin":
        package, answers = name, mmskin_answers(config, fold, work)
    else:
        import torch

        torch.set_num_threads(1)
        package, peer = PEERS[name]
        answers = peer(task_of(folder, fold, work))
        answers.insert(0, "case_id", read_part(folder, fold, "test").case_id.to_numpy())
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cost = {
        "version": version(package),
        "seconds": time.perf_counter() - began,
        "cpu_seconds": sum(one.ru_utime + one.ru_stime for one in used),
        "peak_gib": max(one.ru_maxrss for one in used) / 2**20,
    }
    answers.to_csv(place / f"{name}.csv", index=False)
    (place / f"{name}.json").write_text(json.dumps(cost, indent=1) + "\n")
    print(name, json.dumps(cost))


def mmskin_answers(config: Path, fold: int, work: Path) -> pd.DataFrame:
    """The experiment trained on one fold: case ids and probabilities of its test rows, by class."""
    from mmskin.benchmark.run.run import run_experiment
    from mmskin.config.experiment import read_experiment
    from mmskin.evaluation.predictions import PROB, class_names, reported_rows

    rows = reported_rows(run_experiment(read_experiment(config, [f"data.test_folds=[{fold}]"]), work, progress=False))
    columns = {PROB + name: name for name in class_names(rows)}
    return rows[["case_id", *columns]].rename(columns=columns)


def gathered(folder: Path) -> pd.DataFrame:
    """The predictions of everything that has answered a fold, as a table that mmskin evaluates."""
    from mmskin.evaluation.predictions import PROB, check_predictions

    facts = json.loads((folder / "facts.json").read_text())
    tables = []
    for path in sorted(folder.glob("fold_*/*.json")):
        fold = int(path.parent.name.removeprefix("fold_"))
        answers = pd.read_csv(path.with_suffix(".csv"), dtype={"case_id": str}).set_index("case_id")
        cases = read_part(folder, fold, "test")[["case_id", "patient_id", "target"]]
        probs = answers.loc[list(cases.case_id), facts["classes"]].add_prefix(PROB).reset_index(drop=True)
        facts_of_run = {"fold": fold, "seed": facts["seed"], "arm": path.stem, "split": "test"}
        tables.append(pd.concat([cases.assign(**facts_of_run), probs], axis=1))
    return check_predictions(pd.concat(tables, ignore_index=True))


def report(folder: Path) -> str:
    """A Markdown table: a row an arm, with its metrics on test rows and the costs of all folds that it answered."""
    from mmskin.evaluation.differences import paired_difference
    from mmskin.evaluation.intervals import evaluate_some
    from mmskin.evaluation.predictions import arm_names
    from mmskin.report.numbers import NOTHING, difference, rough, with_interval

    table = gathered(folder)
    metrics = {(row["arm"], row["metric"]): row for row in evaluate_some(table, METRICS).to_dict("records")}
    lines = [
        "| | folds | cases | balanced accuracy | macro AUROC | mmskin minus it | CPU s | peak GiB |",
        "|---" * 8 + "|",
    ]
    for arm in arm_names(table):
        rows = table[table.arm == arm]
        costs = [json.loads(path.read_text()) for path in folder.glob(f"fold_*/{arm}.json")]
        cells = [f"{arm} {costs[0]['version']}", str(rows.fold.nunique()), str(len(rows))]
        cells += [with_interval(metrics[arm, name]) for name in METRICS]
        mine = table[(table.arm == "mmskin") & table.fold.isin(rows.fold)]
        is_compared = arm != "mmskin" and len(mine) == len(rows)
        cells.append(difference(paired_difference(mine, rows, metric=METRICS[0])._asdict()) if is_compared else NOTHING)
        cells += [rough(sum(cost["cpu_seconds"] for cost in costs)), rough(max(cost["peak_gib"] for cost in costs))]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("step", choices=["prepare", "mmskin", *PEERS, "report"])
    parser.add_argument("folder", type=Path, help="where everything is written; outside the repository")
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--config", type=Path, default=CONFIG, help="an experiment of mmskin")
    asked = parser.parse_args()
    if asked.step == "prepare":
        from mmskin.config.experiment import read_experiment

        prepare(asked.folder, read_experiment(asked.config))
    elif asked.step == "report":
        print(report(asked.folder))
    else:
        measure(asked.folder, asked.fold, asked.step, asked.config)


if __name__ == "__main__":
    main()
