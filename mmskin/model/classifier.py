"""The classifier: encoders, what stands in for an absent modality, fusion, head."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mmskin.config.build import build
from mmskin.config.teaching_options import TAUGHT, is_resolved
from mmskin.encoders import METADATA_ENCODERS, encoder_table
from mmskin.encoders.encoder_contract import Encoder
from mmskin.encoders.taught_text import put_taught
from mmskin.errors import ConfigError, one_of
from mmskin.features import HISTORY, Features, is_photo
from mmskin.fusion import FUSIONS
from mmskin.fusion.experts import Experts
from mmskin.fusion.fusion_contract import Fusion
from mmskin.fusion.linear_head import linear_head
from mmskin.inputs.batch import Batch
from mmskin.losses import LOSSES
from mmskin.losses.loss_contract import Loss
from mmskin.losses.weighting import prior_of_balanced_draws
from mmskin.model.gated_correction import GatedCorrection
from mmskin.model.parts_check import are_experts_already, no_tokens
from mmskin.model.photo_pooling import PHOTO_POOLINGS, AttentionPooling, mean_by_case
from mmskin.model.reduction import METHODS, options_of, reduced_dims
from mmskin.schema import Schema

MakeEncoder = Callable[[str, Mapping[str, Any], Schema], Encoder]  # modality, its slot, what the model may see
Pool = Callable[[Tensor, Tensor, int], Tensor]  # rows (N, D), their cases, number of cases → (B, D)


class Output(NamedTuple):
    """What the model says of a batch.

    logits: (B, C), the answer.
    branch_logits: by modality, of a fusion that has branches.
    expert_logits: by modality, of experts beside the fusion. Each branch and each expert is trained with the loss of
        the answer, on the cases that have its modality.
    correction: (B, C), what the fusion adds to the product of the experts.
    """

    logits: Tensor
    branch_logits: dict[str, Tensor] | None = None
    expert_logits: dict[str, Tensor] | None = None
    correction: Tensor | None = None

    def parts(self) -> list[tuple[str, Tensor]]:
        """(modality, logits) of every branch and every expert."""
        return [*(self.branch_logits or {}).items(), *(self.expert_logits or {}).items()]


class MultimodalClassifier(nn.Module):
    """Batch → logits.

    Args:
        encoders: by modality; just those that the fusion uses.
        fusion: built for the encoders' widths.
        photo_pooling: makes one vector of a case's photos, one for all kinds or a ModuleDict by kind; None takes their
            mean.
        initial_bias: of the head, for losses that ask for one.
        reductions: by modality, what makes features narrow between encoder and fusion.
        correction: experts of one modality each, with the gate through which the fusion corrects them; None for none.

    Raises:
        ConfigError: encoders and the fusion's modalities differ.
    """

    def __init__(
        self,
        encoders: Mapping[str, Encoder],
        fusion: Fusion,
        *,
        photo_pooling: AttentionPooling | nn.ModuleDict | None = None,
        initial_bias: float | None = None,
        reductions: Mapping[str, nn.Module] | None = None,
        correction: GatedCorrection | None = None,
    ) -> None:
        super().__init__()
        if set(encoders) != set(fusion.modalities):
            raise ConfigError(
                f"the fusion uses {', '.join(fusion.modalities)}, however there are encoders for {', '.join(encoders)}"
            )
        ordered = fusion.modalities
        chosen: dict[str, nn.Module] = {modality: encoders[modality] for modality in ordered}
        # A ModuleDict is no Mapping to the type checker, and forgets that its modules are encoders.
        self.encoders: Mapping[str, Encoder] = nn.ModuleDict(chosen)  # type: ignore[assignment]
        self.photo_pooling = photo_pooling
        self.absence = nn.ModuleDict({modality: Absence(encoders[modality].out_dim) for modality in ordered})
        self.reductions = nn.ModuleDict(dict(reductions or {}))
        self.fusion = fusion
        self.head: nn.Sequential | None = None
        if fusion.out_dim is not None:
            self.head = linear_head(fusion.out_dim, fusion.num_classes, is_normed=not fusion.norms_fused)
            if initial_bias is not None:
                linear = self.head[-1]
                assert isinstance(linear, nn.Linear)
                nn.init.constant_(linear.bias, initial_bias)
        self.correction = correction

    def forward(self, batch: Batch) -> Output:
        features, present = self.encode(batch)
        return self.classify(features, present)

    def encode(self, batch: Batch) -> tuple[dict[str, Features], dict[str, Tensor]]:
        """Features by modality, one row a case, absent ones filled; and (B,) bool by modality, which are present."""
        features: dict[str, Features] = {}
        for modality, encoder in self.encoders.items():
            rows = batch.inputs.get(modality)
            encoded = rows if rows is None or isinstance(rows, Features) else encoder(rows)
            per_case = _by_case(encoded, batch.case_index[modality], len(batch.case_id), self._pool_of(modality))
            features[modality] = self.absence[modality](per_case, batch.present[modality])
        return features, {modality: batch.present[modality] for modality in self.encoders}

    def _pool_of(self, modality: str) -> Pool:
        """How several rows of a case become one: only photos come several, and only their pooling may be learned."""
        if self.photo_pooling is None or not is_photo(modality):
            return mean_by_case
        if isinstance(self.photo_pooling, nn.ModuleDict):
            return self.photo_pooling[modality]
        return self.photo_pooling

    def narrow(self, features: Mapping[str, Features]) -> dict[str, Features]:
        """Features as the fusion reads them."""
        return {m: self.reductions[m](of) if m in self.reductions else of for m, of in features.items()}

    def classify(self, features: Mapping[str, Features], present: Mapping[str, Tensor]) -> Output:
        """Logits from features, for whoever holds or changes the features: explanations, stored features.

        Args:
            features: as encoders give them; they are made narrow here, where the model does that.
            present: (B,) bool by modality.
        """
        narrow = self.narrow(features)
        answer = self.fusion(narrow, present)
        logits = answer.logits if self.head is None else self.head(answer.fused)
        if self.correction is None:
            return Output(logits, answer.branch_logits)
        product, correction, expert_logits = self.correction(logits, narrow, present, of=self.fusion)
        return Output(product + correction, answer.branch_logits, expert_logits, correction)


class Absence(nn.Module):
    """What stands where a modality is absent: a learned vector, and one learned token.

    One token stays unmasked, for a fully masked key set would give NaN in every attention.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.pooled = nn.Parameter(torch.zeros(dim))
        self.token = nn.Parameter(torch.zeros(dim))
        nn.init.normal_(self.pooled, std=0.02)
        nn.init.normal_(self.token, std=0.02)

    def forward(self, features: Features | None, present: Tensor) -> Features:
        """Replace the rows of absent cases; None means that no case of the batch has the modality."""
        size = len(present)
        if features is None:
            mask = torch.ones(size, 1, dtype=torch.bool, device=present.device)
            return Features(self.pooled.expand(size, -1), self.token.expand(size, 1, -1), mask)
        if bool(present.all()):
            return features
        pooled = torch.where(present[:, None], features.pooled, self.pooled.to(features.pooled.dtype))
        if features.tokens is None or features.mask is None:
            return Features(pooled)
        first = torch.zeros_like(features.mask)
        first[:, 0] = True
        tokens = torch.where(present[:, None, None], features.tokens, self.token.to(features.tokens.dtype))
        return Features(pooled, tokens, torch.where(present[:, None], features.mask, first))


def _by_case(rows: Features | None, case_index: Tensor, size: int, pool: Pool) -> Features | None:
    """Rows (N, …) → cases (B, …): pooled vectors pooled, tokens laid end to end. Cases without rows are zeros."""
    if rows is None:
        return None
    device = rows.pooled.device
    if torch.equal(case_index, torch.arange(size, device=device)):
        return rows
    pooled = pool(rows.pooled, case_index, size)
    if rows.tokens is None or rows.mask is None:
        return Features(pooled)
    counts = torch.bincount(case_index, minlength=size)
    slots = int(counts.max())
    rank = torch.arange(len(case_index), device=device) - (counts.cumsum(0) - counts)[case_index]
    length, dim = rows.tokens.shape[1:]
    tokens = rows.tokens.new_zeros(size, slots, length, dim)
    mask = rows.mask.new_zeros(size, slots, length)
    tokens[case_index, rank] = rows.tokens
    mask[case_index, rank] = rows.mask
    return Features(pooled, tokens.flatten(1, 2), mask.flatten(1))


def build_encoder(modality: str, slot: Mapping[str, Any], schema: Schema) -> Encoder:
    """The encoder of one modality from its slot; a taught one as it was taught.

    Raises:
        ConfigError: a name or an option that does not exist; `taught` options that no run has resolved.
        ModelError: a taught encoder that is missing, damaged or another one.
    """
    table = encoder_table(modality)
    plain = {option: value for option, value in slot.items() if option != TAUGHT}
    encoder = build(f"{modality} encoder", table, plain, *((schema,) if table is METADATA_ENCODERS else ()))
    if TAUGHT in slot:
        taught = slot[TAUGHT]
        if not is_resolved(taught):
            raise ConfigError(
                f"encoders.{modality}.taught must be resolved first, by a run or by mmskin teach: {taught}"
            )
        put_taught(encoder, taught)
    return encoder


def build_model(
    encoders: Mapping[str, Mapping[str, Any]],
    fusion: Mapping[str, Any],
    loss: Mapping[str, Any],
    *,
    schema: Schema,
    class_counts: Sequence[int],
    photo_pooling: str = "mean",
    experts: Mapping[str, Any] | None = None,
    reduce: Mapping[str, Mapping[str, Any]] | None = None,
    balanced_sampler: bool = False,
    make_encoder: MakeEncoder = build_encoder,
) -> tuple[MultimodalClassifier, Loss]:
    """Model and loss from the slots of a config.

    Args:
        encoders: slot by modality.
        fusion: its slot.
        loss: its slot.
        schema: the declaration that the model may see.
        class_counts: (C,) training cases per class.
        photo_pooling: "mean" or "attention" over the photos of a case; of no effect where no photo is read.
        experts: options of the experts that the fusion corrects; None for none.
        reduce: by modality or for `all`, how features are made narrow; None for not at all.
        balanced_sampler: the classes are drawn equally often in training.
        make_encoder: another maker, for whoever has frozen encoders already.

    Raises:
        ConfigError: a name or an option that does not exist, or parts that do not go together.
    """
    if photo_pooling not in PHOTO_POOLINGS:
        raise ConfigError(one_of("photo_pooling", photo_pooling, PHOTO_POOLINGS))
    built_loss = build("loss", LOSSES, loss, class_counts)
    parts = {modality: make_encoder(modality, slot, schema) for modality, slot in encoders.items()}
    widths = {modality: parts[modality].out_dim for modality in _in_declared_order(parts, schema)}
    dims = reduced_dims(reduce or {}, widths)
    built_fusion = build("fusion", FUSIONS, fusion, dims, len(schema.classes))
    for modality in built_fusion.needs_tokens:
        if not parts[modality].gives_tokens:
            raise ConfigError(no_tokens(fusion["name"], modality, encoders[modality]["name"]))
    correction = None if experts is None else _correction(experts, built_fusion, dims, fusion["name"])
    if (built_fusion.needs_posterior or correction is not None) and not built_loss.gives_posterior:
        what = fusion["name"] if correction is None else "a model with experts"
        raise ConfigError(
            f"{what} multiplies posteriors, which the logits of loss {loss['name']} with these options are not: "
            "set loss.label_smoothing=0, loss.form=softmax for class_balanced_focal, loss.scale=1 and loss.max_m=0 for "
            "ldam, or choose another loss"
        )
    prior = built_loss.prior()
    built_fusion.set_posterior(built_loss.log_posterior)
    built_fusion.set_prior(prior_of_balanced_draws(prior, class_counts) if balanced_sampler else prior)
    photos = {m: AttentionPooling(widths[m]) for m in widths if is_photo(m)} if photo_pooling == "attention" else {}
    pooling = next(iter(photos.values())) if len(photos) == 1 else nn.ModuleDict(photos) if photos else None
    model = MultimodalClassifier(
        parts,
        built_fusion,
        photo_pooling=pooling,
        initial_bias=built_loss.initial_bias,
        reductions=_reductions(reduce or {}, parts, tokens=built_fusion.needs_tokens),
        correction=correction,
    )
    return model, built_loss


def _reductions(
    options: Mapping[str, Mapping[str, Any]], encoders: Mapping[str, Encoder], *, tokens: Sequence[str]
) -> dict[str, nn.Module]:
    """By modality, what makes its features narrow.

    Raises:
        ConfigError: principal components of an encoder that learns.
    """
    made: dict[str, nn.Module] = {}
    for modality, encoder in encoders.items():
        of = options_of(options, modality, encoder.out_dim)
        if of is None:
            continue
        if of["method"] == "pca" and any(parameter.requires_grad for parameter in encoder.parameters()):
            raise ConfigError(
                f"reduce.{modality}: pca is fitted once, before training, and this encoder learns: freeze it "
                "(trainable: none), or take method linear"
            )
        reads_tokens = modality in tokens
        made[modality] = METHODS[of["method"]](
            encoder.out_dim, of["dim"], dropout=of["dropout"], reads_tokens=reads_tokens
        )
    return made


def _correction(options: Mapping[str, Any], fusion: Fusion, dims: Mapping[str, int], name: str) -> GatedCorrection:
    """Experts of the fusion's modalities, and the gate.

    Raises:
        ConfigError: the fusion is made of experts, or reads one modality alone; an option that it cannot have.
    """
    if fusion.needs_posterior or len(fusion.modalities) < 2:
        raise ConfigError(are_experts_already(name))
    of_experts = {key: value for key, value in options.items() if key != "gate"}
    of_gate = {key: value for key, value in options.items() if key == "gate"}
    try:
        experts = Experts({m: dims[m] for m in fusion.modalities}, fusion.num_classes, **of_experts)
        return GatedCorrection(experts, fusion.num_classes, **of_gate)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"experts: {error}") from error


def _in_declared_order(encoders: Collection[str], schema: Schema) -> tuple[str, ...]:
    """The encoders' modalities, kinds of photos as the schema declares them: a saved model must find its own again.

    Raises:
        ConfigError: an encoder of photos that the data set does not have.
    """
    for modality in encoders:
        if is_photo(modality) and modality not in schema.photos:
            raise ConfigError(
                f"encoders.{modality}: {schema.name} has no photos of that kind; it has: {', '.join(schema.photos)}"
            )
    return tuple(name for name in (*schema.photos, *HISTORY) if name in encoders)
