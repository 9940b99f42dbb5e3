from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from mmskin.config.build import build
from mmskin.encoders.encoder_contract import Encoder
from mmskin.errors import ConfigError
from mmskin.features import Features
from mmskin.fusion import FUSIONS
from mmskin.fusion.late import LateFusion
from mmskin.inputs.batch import Case, Row, collate
from mmskin.losses.loss_contract import Loss
from mmskin.model.classifier import Absence, MultimodalClassifier, build_model
from mmskin.model.photo_pooling import AttentionPooling
from mmskin.schema import Field, History, Schema

SCHEMA = Schema(name="tiny", classes=("a", "b", "c"), fields=(Field(name="itch", kind="yes_no"),))
IMAGE = {"name": "timm", "model": "test_efficientnet", "image_size": 32}
TEXT = {"name": "hashing", "dim": 16, "buckets": 64}


class Given(Encoder):
    """Hands on what it is given: rows are Features already, so that expected values can be written down."""

    def __init__(self, out_dim: int) -> None:
        super().__init__()
        self.out_dim = out_dim

    def forward(self, inputs: Mapping[str, Tensor]) -> Features:
        return Features(inputs["pooled"], inputs["tokens"], torch.ones(inputs["tokens"].shape[:2], dtype=torch.bool))


def row(pooled: Sequence[float], tokens: Sequence[Sequence[float]]) -> Row:
    return {"pooled": torch.tensor(pooled), "tokens": torch.tensor(tokens)}


def given_model(photo_pooling: AttentionPooling | None = None) -> MultimodalClassifier:
    fusion = build("fusion", FUSIONS, {"name": "concat", "hidden_dim": 4}, {"image": 2, "text": 2}, 3)
    return MultimodalClassifier({"text": Given(2), "image": Given(2)}, fusion, photo_pooling=photo_pooling).eval()


def absence_of(model: MultimodalClassifier, modality: str) -> Absence:
    part = model.absence[modality]
    assert isinstance(part, Absence)
    return part


PHOTO_1 = row([1.0, 2.0], [[1.0, 1.0], [2.0, 2.0]])
PHOTO_2 = row([3.0, 6.0], [[3.0, 3.0], [4.0, 4.0]])
NOTE = row([5.0, 5.0], [[6.0, 6.0]])


def test_photos_of_a_case_are_averaged_and_their_tokens_laid_end_to_end() -> None:
    batch = collate(
        [
            Case({"image": [PHOTO_1, PHOTO_2], "text": [NOTE]}, 0, "two photos"),
            Case({"image": [PHOTO_2], "text": [NOTE]}, 1, "one photo"),
        ]
    )
    assert batch.case_index["image"].tolist() == [0, 0, 1]
    features, present = given_model().encode(batch)
    image = features["image"]
    assert image.pooled.tolist() == [[2.0, 4.0], [3.0, 6.0]]
    assert image.tokens is not None
    assert image.mask is not None
    assert image.tokens[0].tolist() == [[1, 1], [2, 2], [3, 3], [4, 4]]
    assert image.tokens[1][image.mask[1]].tolist() == [[3, 3], [4, 4]]
    assert image.mask.sum(1).tolist() == [4, 2]
    assert present["image"].tolist() == [True, True]


def test_attention_weighs_the_photos_of_a_case_and_leaves_all_else_as_it_is() -> None:
    three_to_one = AttentionPooling(2, hidden_dim=1)
    # tanh(V h) is 1 for both; sigm(U h) = 1 / (1 + 2^-h) is 2/3 for PHOTO_1, 8/9 for PHOTO_2; with w = 9/2 ln 3 their
    # scores are ln 3 apart: a quarter and three quarters.
    three_to_one.content.weight.data = torch.tensor([[20.0, 0.0]])
    three_to_one.gate.weight.data = torch.tensor([[math.log(2), 0.0]])
    three_to_one.score.weight.data = torch.tensor([[4.5 * math.log(3)]])
    batch = collate(
        [
            Case({"image": [PHOTO_1, PHOTO_2], "text": [NOTE]}, 0, "two photos"),
            Case({"image": [PHOTO_2], "text": []}, 1, "one photo"),
            Case({"image": [], "text": [NOTE]}, 2, "none"),
        ]
    )
    model, mean = given_model(three_to_one), given_model()
    mean.load_state_dict(model.state_dict(), strict=False)
    features, _ = model.encode(batch)
    plain, _ = mean.encode(batch)
    assert features["image"].pooled[0].tolist() == pytest.approx([2.5, 5.0])
    assert features["image"].pooled[1].tolist() == [3.0, 6.0]
    assert torch.equal(features["image"].pooled[2], absence_of(model, "image").pooled)
    for m in ("image", "text"):
        assert all(torch.equal(one, other) for one, other in zip(features[m][1:], plain[m][1:], strict=True))
    assert torch.equal(features["text"].pooled, plain["text"].pooled)


def test_gradients_reach_the_pooling_once_a_case_has_two_photos() -> None:
    torch.manual_seed(0)
    pooling = AttentionPooling(2, hidden_dim=3)
    model = given_model(pooling)
    model(collate([Case({"image": [PHOTO_1], "text": [NOTE]}, 0, "x")])).logits.sum().backward()
    assert all(parameter.grad is None for parameter in pooling.parameters())
    model(collate([Case({"image": [PHOTO_1, PHOTO_2], "text": [NOTE]}, 0, "x")])).logits[0, 0].backward()
    for name, parameter in pooling.named_parameters():
        assert parameter.grad is not None, name
        assert (parameter.grad != 0).any(), name


def test_the_order_of_a_cases_photos_changes_no_average() -> None:
    there = collate([Case({"image": [PHOTO_1, PHOTO_2], "text": []}, 0, "x")])
    back = collate([Case({"image": [PHOTO_2, PHOTO_1], "text": []}, 0, "x")])
    model = given_model()
    assert torch.equal(model(there).logits, model(back).logits)


def test_an_absent_modality_is_the_learned_vector_and_one_learned_token() -> None:
    model = given_model()
    batch = collate([Case({"image": [], "text": [NOTE]}, 0, "x"), Case({"image": [PHOTO_1], "text": [NOTE]}, 0, "y")])
    features, present = model.encode(batch)
    image, absence = features["image"], absence_of(model, "image")
    assert present["image"].tolist() == [False, True]
    assert image.tokens is not None
    assert image.mask is not None
    assert torch.equal(image.pooled[0], absence.pooled)
    assert image.mask[0].tolist() == [True, False]
    assert torch.equal(image.tokens[0, 0], absence.token)
    assert image.pooled[1].tolist() == [1.0, 2.0]
    assert image.tokens[1].tolist() == [[1, 1], [2, 2]]


def test_a_modality_absent_from_the_whole_batch_gives_the_same_as_from_one_case() -> None:
    model = given_model()
    alone = collate([Case({"image": [], "text": [NOTE]}, 0, "x")])
    mixed = collate([Case({"image": [], "text": [NOTE]}, 0, "x"), Case({"image": [PHOTO_1], "text": []}, 0, "y")])
    assert "image" not in alone.inputs
    assert torch.allclose(model(alone).logits[0], model(mixed).logits[0], atol=1e-6)


def test_absence_is_learned() -> None:
    model = given_model()
    model(collate([Case({"image": [], "text": [NOTE]}, 0, "x")])).logits.sum().backward()
    grad = absence_of(model, "image").pooled.grad
    assert grad is not None
    assert grad.abs().sum() > 0
    assert absence_of(model, "text").pooled.grad is None


def whole_model(fusion: Mapping[str, Any], **options: Any) -> MultimodalClassifier:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoders = {"image": IMAGE, "text": TEXT, "metadata": {"name": "tokens", "dim": 8}}
        loss = {"name": "cross_entropy"}
        model, _ = build_model(encoders, fusion, loss, schema=SCHEMA, class_counts=[6, 3, 1], **options)
    return model.eval()


def some_cases(model: MultimodalClassifier) -> list[Case]:
    generator = torch.Generator().manual_seed(1)
    photos = torch.randint(0, 256, (4, 3, 40, 40), dtype=torch.uint8, generator=generator)
    image, text, metadata = (encoder.prepare for encoder in model.encoders.values())
    return [
        Case({"image": [image(photos[0])], "text": [text("It itches.")], "metadata": []}, 0, "a"),
        Case({"image": [image(photos[1]), image(photos[2])], "text": [], "metadata": []}, 1, "b"),
        Case({"image": [], "text": [text("It has grown, and it bleeds.")], "metadata": []}, 2, "c"),
        Case({"image": [image(photos[3])], "text": [], "metadata": [metadata(History({"itch": "no"}))]}, -1, "d"),
    ]


@pytest.mark.parametrize("photo_pooling", ["mean", "attention"])
@pytest.mark.parametrize("name", ["concat", "late", "cross_attention"])
def test_a_case_alone_has_the_answer_it_has_in_any_batch(name: str, photo_pooling: str) -> None:
    options = {} if name == "late" else {"hidden_dim": 16}
    model = whole_model({"name": name} | options, photo_pooling=photo_pooling)
    cases = some_cases(model)
    with torch.no_grad():
        together = model(collate(cases)).logits
        reversed_ = model(collate(cases[::-1])).logits
        for index, case in enumerate(cases):
            alone = model(collate([case])).logits[0]
            # float32 sums in another order
            assert torch.allclose(alone, together[index], atol=1e-5)
            assert torch.allclose(alone, reversed_[-1 - index], atol=1e-5)


def test_a_pooling_is_built_for_models_that_read_photos_and_by_a_name_that_exists() -> None:
    def pooling(encoders: Mapping[str, Any], name: str) -> AttentionPooling | None:
        fusion, loss = {"name": f"{next(iter(encoders))}_only"}, {"name": "cross_entropy"}
        model, _ = build_model(encoders, fusion, loss, schema=SCHEMA, class_counts=[6, 3, 1], photo_pooling=name)
        return model.photo_pooling

    assert isinstance(pooling({"image": IMAGE}, "attention"), AttentionPooling)
    assert pooling({"image": IMAGE}, "mean") is None
    assert pooling({"text": TEXT}, "attention") is None
    with pytest.raises(ConfigError, match=r"photo_pooling 'atention' does not exist\. Did you mean 'attention'\?"):
        pooling({"image": IMAGE}, "atention")


def test_the_prior_of_late_fusion_is_the_training_shares_or_flat_under_a_balanced_sampler() -> None:
    assert whole_model({"name": "late"}).fusion.log_prior.exp().tolist() == pytest.approx([0.6, 0.3, 0.1])
    balanced = whole_model({"name": "late"}, balanced_sampler=True)
    assert balanced.fusion.log_prior.exp().tolist() == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize("balanced_sampler", [False, True])
@pytest.mark.parametrize("loss", ["cross_entropy", "weighted_cross_entropy", "logit_adjusted"])
def test_late_fusion_is_bayes_under_whatever_balances_the_classes(loss: str, balanced_sampler: bool) -> None:
    # Photo and note have three signs each, independent given the class. What the branches learn of a sign is found by
    # minimising the loss over all signs as often as the sampler shows them; together they must be the posterior of both
    # signs under the shares that sampler and loss make of 6 : 3 : 1.
    counts = torch.tensor([6.0, 3.0, 1.0], dtype=torch.float64)
    likelihood = {  # (class, sign)
        "image": torch.tensor([[0.7, 0.2, 0.1], [0.2, 0.5, 0.3], [0.1, 0.3, 0.6]], dtype=torch.float64),
        "text": torch.tensor([[0.5, 0.4, 0.1], [0.3, 0.3, 0.4], [0.2, 0.1, 0.7]], dtype=torch.float64),
    }
    drawn = torch.ones(3, dtype=torch.float64) if balanced_sampler else counts
    weights = 1 / counts if loss != "cross_entropy" else torch.ones(3)
    slots = {"image": {"name": "given"}, "text": {"name": "given"}}
    model, built = build_model(
        slots,
        {"name": "late"},
        {"name": loss},
        schema=SCHEMA,
        class_counts=[6, 3, 1],
        balanced_sampler=balanced_sampler,
        make_encoder=lambda modality, slot, schema: Given(3),
    )
    fusion = model.double().eval().fusion
    assert isinstance(fusion, LateFusion)
    features = {}
    for modality, sign_given_class in likelihood.items():
        shown = drawn[:, None] * sign_given_class
        fusion.experts.heads[modality] = torch.nn.Identity()
        features[modality] = Features(least_loss(built.double(), shown))  # (sign, class)
    present = dict.fromkeys(features, torch.ones(3, dtype=torch.bool))
    logits = fusion(features, present).logits  # sign s of the photo with sign s of the note
    assert logits is not None
    joint = drawn[:, None] * weights[:, None] * likelihood["image"] * likelihood["text"]
    torch.testing.assert_close(logits.softmax(dim=1), (joint / joint.sum(dim=0)).T, atol=1e-4, rtol=0.0)


def least_loss(loss: Loss, shown: Tensor) -> Tensor:
    """(S, C) logits with the least mean loss where class c is seen with sign s with frequency shown[c, s]."""
    classes, signs = shown.shape
    logits = torch.zeros(signs, classes, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=500, tolerance_grad=1e-12, line_search_fn="strong_wolfe")
    pairs = [(c, s) for c in range(classes) for s in range(signs)]

    def risk() -> Tensor:
        optimizer.zero_grad()
        losses = [shown[c, s] * loss(logits[s : s + 1], torch.tensor([c]), progress=1.0) for c, s in pairs]
        total = torch.stack(losses).sum()
        total.backward()
        return total

    optimizer.step(risk)
    return logits.detach()


@pytest.mark.parametrize("name", ["late", "gated"])
def test_experts_of_a_focal_loss_are_read_as_the_posteriors_that_it_bends(name: str) -> None:
    slots, focal = {"image": IMAGE, "text": TEXT}, {"name": "focal", "gamma": 1.0}
    experts = None if name == "late" else {}
    model, loss = build_model(slots, {"name": name}, focal, schema=SCHEMA, class_counts=[6, 3, 1], experts=experts)
    model.eval()
    image, _ = (encoder.prepare for encoder in model.encoders.values())
    case = Case({"image": [image(torch.zeros(3, 40, 40, dtype=torch.uint8))], "text": []}, 0, "a")
    with torch.no_grad():
        output = model(collate([case]))
    logits = dict(output.parts())["image"]
    torch.testing.assert_close(output.logits.softmax(-1), loss.log_posterior(logits).exp())
    assert not torch.allclose(output.logits.softmax(-1), logits.softmax(-1), atol=1e-3)


def test_experts_have_the_prior_and_the_posterior_of_the_loss_and_correct_no_expert() -> None:
    model = whole_model({"name": "concat"}, experts={"hidden_dim": 4, "weights": "fixed"})
    assert model.correction is not None
    assert set(model.correction.experts.heads) == {"image", "text", "metadata"}
    assert not model.correction.experts.weights["image"].requires_grad
    output = model(collate(some_cases(model)))
    assert output.branch_logits is None
    assert {modality for modality, _ in output.parts()} == {"image", "text", "metadata"}
    for name in ("late", "image_only"):
        with pytest.raises(ConfigError, match=f"experts: the fusion '{name}' is made of experts of one modality each"):
            build_model(
                {"image": IMAGE}, {"name": name}, {"name": "ldam"}, schema=SCHEMA, class_counts=[6, 3, 1], experts={}
            )
    with pytest.raises(
        ConfigError,
        match="a model with experts multiplies posteriors, which the logits of loss ldam with these options are not",
    ):
        build_model(
            {"image": IMAGE, "text": TEXT},
            {"name": "concat"},
            {"name": "ldam"},
            schema=SCHEMA,
            class_counts=[6, 3, 1],
            experts={},
        )
    with pytest.raises(ConfigError, match="experts: weights 'none' does not exist"):
        whole_model({"name": "concat"}, experts={"weights": "none"})


def test_the_head_starts_at_the_bias_that_the_loss_asks_for() -> None:
    fusion = build("fusion", FUSIONS, {"name": "text_only"}, {"text": 2}, 3)
    model = MultimodalClassifier({"text": Given(2)}, fusion, initial_bias=-1.5)
    assert model.head is not None
    assert model.head[-1].bias.tolist() == [-1.5] * 3


def test_encoders_that_the_fusion_does_not_use_are_refused() -> None:
    fusion = build("fusion", FUSIONS, {"name": "text_only"}, {"text": 2, "image": 2}, 3)
    with pytest.raises(ConfigError, match="the fusion uses text, however there are encoders for image, text"):
        MultimodalClassifier({"image": Given(2), "text": Given(2)}, fusion)


@pytest.mark.parametrize(
    ("loss", "remedy"),
    [({"name": "class_balanced_focal", "form": "sigmoid"}, "form=softmax"), ({"name": "ldam"}, "scale=1")],
)
def test_late_fusion_beside_a_loss_whose_logits_are_no_log_probabilities_is_refused(
    loss: dict[str, str], remedy: str
) -> None:
    with pytest.raises(ConfigError, match=rf"with these options are not: set .*loss\.{remedy}"):
        build_model({"text": TEXT}, {"name": "late"}, loss, schema=SCHEMA, class_counts=[6, 3, 1])


TWO_KINDS = SCHEMA.model_copy(update={"photos": ("dermoscopic", "clinical")})


@pytest.mark.parametrize("fusion", ["concat", "cross_attention", "film", "late"])
def test_kinds_of_photos_have_encoders_of_their_own_in_the_order_of_the_schema(fusion: str) -> None:
    slots = {"text": TEXT, "clinical": IMAGE, "dermoscopic": IMAGE}
    model, _ = build_model(slots, {"name": fusion}, {"name": "cross_entropy"}, schema=TWO_KINDS, class_counts=[1, 1, 1])
    turned, _ = build_model(
        dict(sorted(slots.items(), reverse=True)),
        {"name": fusion},
        {"name": "cross_entropy"},
        schema=TWO_KINDS,
        class_counts=[1, 1, 1],
    )
    assert tuple(model.encoders) == tuple(turned.encoders) == ("dermoscopic", "clinical", "text")
    turned.load_state_dict(model.state_dict())
    assert model.encoders["clinical"] is not model.encoders["dermoscopic"]


def test_attention_pools_every_kind_of_photo_with_weights_of_its_own() -> None:
    slots = {"clinical": IMAGE, "dermoscopic": IMAGE, "text": TEXT}
    model, _ = build_model(
        slots,
        {"name": "concat"},
        {"name": "cross_entropy"},
        schema=TWO_KINDS,
        class_counts=[1, 1, 1],
        photo_pooling="attention",
    )
    names = {name for name in model.state_dict() if name.startswith("photo_pooling.") and name.endswith("score.weight")}
    assert names == {"photo_pooling.clinical.score.weight", "photo_pooling.dermoscopic.score.weight"}
    photos = [model.encoders["clinical"].prepare(torch.zeros(3, 40, 40, dtype=torch.uint8)) for _ in range(2)]
    photos[1]["pixels"] = photos[1]["pixels"] + 1
    batch = collate([Case({"clinical": photos, "dermoscopic": photos, "text": []}, 0, "x")])
    model(batch).logits.sum().backward()
    assert all(p.grad is not None for name, p in model.named_parameters() if name.startswith("photo_pooling."))


def test_a_kind_of_photo_that_the_data_set_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"encoders\.close_up: tiny has no photos of that kind; it has: image"):
        build_model(
            {"close_up": IMAGE, "text": TEXT},
            {"name": "late"},
            {"name": "focal"},
            schema=SCHEMA,
            class_counts=[1, 1, 1],
        )


def test_an_encoder_without_tokens_is_refused_beside_a_fusion_that_reads_them() -> None:
    with pytest.raises(
        ConfigError, match=r"reads tokens of metadata, and its encoder 'onehot' gives none: .*\(tokens\)"
    ):
        build_model(
            {"image": IMAGE, "metadata": {"name": "onehot"}},
            {"name": "cross_attention"},
            {"name": "focal"},
            schema=SCHEMA,
            class_counts=[1, 1, 1],
        )
