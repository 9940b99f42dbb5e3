"""An encoder, a fusion and a loss that do next to nothing and write down what training does to them.

Their gradients are constants that can be written down, so that a step of AdamW can be reckoned by hand: where the sign
of a gradient never changes and its size neither, every step moves a parameter by just its learning rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.optim.optimizer import Optimizer, register_optimizer_step_post_hook
from torch.utils.data import get_worker_info

from mmskin.config.experiment import Experiment, parse_experiment
from mmskin.data.load import Fold
from mmskin.data.splits import Split
from mmskin.data.table import make_table
from mmskin.encoders import IMAGE_ENCODERS, METADATA_ENCODERS, TEXT_ENCODERS
from mmskin.encoders.encoder_contract import Encoder
from mmskin.features import Features
from mmskin.fusion import FUSIONS
from mmskin.fusion.fusion_contract import Fusion, FusionOutput
from mmskin.losses import LOSSES
from mmskin.losses.loss_contract import Loss
from mmskin.schema import Field, History, Schema
from mmskin.trained.trained_model import TrainedModel
from mmskin.training.fit_fold import fit_fold

SCHEMA = Schema(
    name="clinic",
    classes=("a", "b"),
    fields=(
        Field(name="age", kind="numeric", low=0, high=120, phrases={"value": ("Age {value}.", "{value} years old.")}),
        Field(name="itch", kind="yes_no", phrases={"yes": ("It itches.", "There is an itch.")}),
        Field(name="bleed", kind="yes_no", phrases={"yes": ("It bleeds.", "There is blood.")}),
        Field(name="grew", kind="yes_no", phrases={"yes": ("It grew.", "There is growth.")}),
    ),
    optional_block=("itch", "bleed", "grew"),
)
FUSED, BRANCHES = 0.0, {"image": 10.0, "text": 20.0, "metadata": 30.0}
"""Where the logits of the answer and of the branches start, by which the loss can tell them apart."""


class Forward(NamedTuple):
    """One pass of a batch through an encoder.

    training: whether in training mode.
    raws: what `prepare` was given for each row; None if it ran in another process.
    drawn: the encoder's randomly initialised weights.
    noise: a number drawn in this pass.
    moved: the encoder's learned matrix.
    dtype: of what a matrix product gives.
    """

    training: bool
    raws: list[Any]
    drawn: Tensor
    noise: float
    moved: Tensor
    dtype: torch.dtype


class Asked(NamedTuple):
    """One call of the loss: from where the logits are, for which targets, how far the training was."""

    of: str
    targets: list[int]
    progress: float


class Step(NamedTuple):
    """The optimiser after one step: gradients as it used them, and learned values, by the name of the parameter."""

    gradients: dict[str, Tensor]
    values: dict[str, Tensor]


@dataclass
class Diary:
    """What the parts of one test have written down."""

    raws: list[Any] = field(default_factory=list)
    fitted: list[list[History]] = field(default_factory=list)
    forwards: dict[str, list[Forward]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    class_counts: list[int] = field(default_factory=list)
    priors: list[list[float]] = field(default_factory=list)
    named: dict[str, nn.Parameter] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    memory_formats: list[bool] = field(default_factory=list)

    def of_training(self, modality: str) -> list[Forward]:
        return [forward for forward in self.forwards[modality] if forward.training]

    def of_evaluation(self, modality: str) -> list[Forward]:
        return [forward for forward in self.forwards[modality] if not forward.training]

    def losses(self, of: str = "fused") -> list[Asked]:
        return [asked for asked in self.asked if asked.of == of]

    def note_step(self, optimizer: Optimizer, *_: object) -> None:
        learning = {id(p) for group in optimizer.param_groups for p in group["params"]}
        parameters = {name: p for name, p in self.named.items() if id(p) in learning}
        gradients = {name: p.grad.clone() for name, p in parameters.items() if p.grad is not None}
        self.steps.append(Step(gradients, {name: p.detach().clone() for name, p in parameters.items()}))


class ProbeEncoder(Encoder):
    """Rows → ones (B, 2) @ matrix + vector, whatever they hold.

    pretrained: whether it says that its weights were learned elsewhere.
    """

    out_dim = 2

    def __init__(self, diary: Diary, modality: str, *, pretrained: bool = False) -> None:
        super().__init__()
        self.diary, self.modality, self.is_pretrained = diary, modality, pretrained
        self.matrix = nn.Parameter(torch.ones(2, 2))
        self.vector = nn.Parameter(torch.ones(2))
        self.drawn = nn.Parameter(torch.rand(3))
        self.kernel = nn.Parameter(torch.ones(4, 3, 2, 2))
        diary.named |= {f"{modality}.matrix": self.matrix, f"{modality}.vector": self.vector}

    def prepare(self, raw: Any) -> dict[str, Tensor]:  # type: ignore[override]
        if get_worker_info() is not None:
            return {"id": torch.tensor([-1])}
        self.diary.raws.append(raw)
        return {"id": torch.tensor([len(self.diary.raws) - 1])}

    def fit(self, histories: Sequence[History]) -> None:
        self.diary.fitted.append(list(histories))

    def forward(self, inputs: Mapping[str, Tensor]) -> Features:
        ids = inputs["id"][:, 0].tolist()
        product = torch.ones(len(ids), 2) @ self.matrix
        seen = Forward(
            self.training,
            [None if i < 0 else self.diary.raws[i] for i in ids],
            self.drawn.detach().clone(),
            float(torch.rand(())),
            self.matrix.detach().clone(),
            product.dtype,
        )
        self.diary.forwards.setdefault(self.modality, []).append(seen)
        self.diary.memory_formats.append(self.kernel.is_contiguous(memory_format=torch.channels_last))
        pooled = product.float() + self.vector
        return Features(pooled, pooled[:, None], torch.ones(len(ids), 1, dtype=torch.bool))


class ProbeFusion(Fusion):
    """Logits that are learned constants, the same for every case, and hang on the encoders without weight.

    gap: by how much the logit of the first class starts above that of the second.
    branches: whether each modality has logits of its own too.
    reads: whether the encoders' features count in the logits, with weight 1.
    """

    def __init__(
        self,
        diary: Diary,
        dims: Mapping[str, int],
        num_classes: int,
        *,
        gap: float = 0.0,
        branches: bool = False,
        reads: bool = False,
    ) -> None:
        super().__init__(num_classes)
        self.modalities, self.out_dim, self.reads, self.diary = tuple(dims), None, reads, diary
        self.answer = nn.Parameter(torch.tensor([[FUSED + gap, FUSED]]))
        self.slack = nn.Parameter(torch.ones(2))
        self.branches = nn.ParameterDict(
            {m: nn.Parameter(torch.full((1, num_classes), BRANCHES[m])) for m in self.modalities} if branches else {}
        )
        diary.named |= {"fused": self.answer, "slack": self.slack}
        diary.named |= {f"branch.{m}": p for m, p in self.branches.items()}

    def set_prior(self, prior: Tensor) -> None:
        super().set_prior(prior)
        self.diary.priors.append(self.log_prior.exp().tolist())

    def forward(self, features: Mapping[str, Features], present: Mapping[str, Tensor]) -> FusionOutput:
        size = len(present[self.modalities[0]])
        read = sum(features[m].pooled for m in self.modalities) * (1.0 if self.reads else 0.0)
        logits = self.answer.expand(size, -1) + read + 0 * self.slack
        branches = {m: p.expand(size, -1) for m, p in self.branches.items()}
        return FusionOutput(logits=logits, branch_logits=branches or None)


class ProbeLoss(Loss):
    """slope × the sum of the logits, mean over cases: the gradient of every logit is slope / B.

    nan_at: step at which it is no number.
    """

    def __init__(
        self, diary: Diary, class_counts: Sequence[int], *, slope: float = 1.0, nan_at: int | None = None
    ) -> None:
        super().__init__()
        self.diary, self.slope, self.nan_at = diary, slope, nan_at
        self.counts = torch.as_tensor(class_counts, dtype=torch.float64)
        diary.class_counts = [int(count) for count in class_counts]

    def forward(self, logits: Tensor, target: Tensor, *, progress: float = 0.0) -> Tensor:
        start = float(logits[0, -1].detach())
        of = next((m for m, at in BRANCHES.items() if abs(start - at) < 5), "fused")
        self.diary.asked.append(Asked(of, target.tolist(), progress))
        spoilt = torch.nan if len(self.diary.losses()) - 1 == self.nan_at else 1.0
        return spoilt * self.slope * logits.sum() / len(logits)

    def prior(self) -> Tensor:
        return (self.counts / self.counts.sum()).float()


def add_probes(monkeypatch: pytest.MonkeyPatch) -> Diary:
    """The parts under the name `probe` for the length of a test, and the diary that they write."""
    diary = Diary()

    def encoder(modality: str) -> Any:
        def made(*_: object, pretrained: bool = False) -> ProbeEncoder:
            return ProbeEncoder(diary, modality, pretrained=pretrained)

        return made

    def fusion(
        dims: Mapping[str, int], size: int, *, gap: float = 0.0, branches: bool = False, reads: bool = False
    ) -> Fusion:
        return ProbeFusion(diary, dims, size, gap=gap, branches=branches, reads=reads)

    def loss(counts: Sequence[int], *, slope: float = 1.0, nan_at: int | None = None) -> Loss:
        return ProbeLoss(diary, counts, slope=slope, nan_at=nan_at)

    monkeypatch.setitem(IMAGE_ENCODERS._added, "probe", encoder("image"))
    monkeypatch.setitem(TEXT_ENCODERS._added, "probe", encoder("text"))
    monkeypatch.setitem(METADATA_ENCODERS._added, "probe", encoder("metadata"))
    monkeypatch.setitem(FUSIONS._added, "probe", fusion)
    monkeypatch.setitem(LOSSES._added, "probe", loss)
    return diary


def cases(part: str, targets: str, *, photo: Path | None = None, **columns: list[Any]) -> dict[str, list[Any]]:
    """Columns of one part of a split; every history is told in the patient's own words as the case's id."""
    ids = [f"{part} {n}" for n in range(len(targets))]
    fields = {
        "age": [20.0 + n for n in range(len(ids))],
        **{name: ["yes"] * len(ids) for name in SCHEMA.optional_block},
    }
    photos = [() if photo is None else (str(photo),)] * len(ids)
    return {
        "case_id": ids,
        "patient_id": ids,
        "lesion_id": ids,
        "images": photos,
        "target": list(targets),
        "text": list(ids),
        **fields,
        **columns,
    }


def made_fold(
    *,
    train: Mapping[str, list[Any]] | str = "aabbabab",
    val: Mapping[str, list[Any]] | str = "abab",
    test: Mapping[str, list[Any]] | str = "abba",
    number: int = 0,
    schema: Schema = SCHEMA,
    photo: Path | None = None,
) -> Fold:
    """A fold of a few cases, by their targets or by their columns."""
    parts = {"train": train, "val": val, "test": test}
    columns = {name: cases(name, part, photo=photo) if isinstance(part, str) else part for name, part in parts.items()}
    return Fold(number, Split(**{name: make_table(schema, part) for name, part in columns.items()}), schema)


def probe_experiment(
    *modalities: str,
    encoder: Mapping[str, Any] | None = None,
    fusion: Mapping[str, Any] | None = None,
    loss: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
    seed: int = 0,
    photo_pooling: str = "mean",
    **training: Any,
) -> Experiment:
    """One epoch of eight cases at once without warm-up or decay, at rates so small that nothing moves unless asked."""
    recipe = {"epochs": 1, "batch_size": 8, "warmup": 0.0, "weight_decay": 0.0, "clip_norm": 1e9}
    still = {"learning_rate": 1e-9, "encoder_learning_rate": 1e-9, "save_model": False, "validate_epochs": False}
    return parse_experiment(
        {
            "name": "probe",
            "data": {"source": {"name": "csv"}, "root": ".", "missingness": "visible", **(data or {})},
            "encoders": {m: {"name": "probe", **(encoder or {})} for m in modalities or ("text",)},
            "fusion": {"name": "probe", **(fusion or {})},
            "loss": {"name": "probe", **(loss or {})},
            "photo_pooling": photo_pooling,
            "seed": seed,
            "training": recipe | still | training,
        }
    )


def trained(diary: Diary, experiment: Experiment, folder: Path, fold: Fold | None = None) -> TrainedModel:
    """What `fit_fold` makes of the experiment, every step of the optimiser noted in the diary."""
    hook = register_optimizer_step_post_hook(diary.note_step)
    try:
        return fit_fold(experiment, fold or made_fold(), folder, progress=False)
    finally:
        hook.remove()


def noise_photo(folder: Path, *, width: int = 40, height: int = 40) -> Path:
    """A photo in which no two places look alike, so that no variation of it is itself."""
    path = folder / "photo.png"
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path
