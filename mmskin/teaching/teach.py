"""The lessons, learned: a text encoder and its reader of fields, trained on random histories alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import nn

from mmskin.config.teaching_options import TeachingOptions
from mmskin.encoders.encoder_contract import Encoder
from mmskin.encoders.field_reader import FieldReader, Reading
from mmskin.errors import ConfigError
from mmskin.features import Features
from mmskin.inputs.batch import stack_rows
from mmskin.plain_numbers import plain_numbers
from mmskin.schema import Schema
from mmskin.teaching.lesson import Lesson, lessons
from mmskin.teaching.retention import batches, complaints, retention_loss

PRETRAINED_RATE, NEW_RATE = 3e-4, 3e-2
LINEAR_RATE, READER_RATE = 1e-3, 5e-3  # a step of the linear reading adds up over all dimensions
WARMUP = 0.05  # of the steps: the reader's first gradients are those of random heads
CLIP_NORM = 1.0
TOGETHER = 8  # batches that are drawn at once, and sorted by length
SENTENCES = 384  # on which the encoder is held to what it knew
Say = Callable[[str], None]


def teach(encoder: Encoder, schema: Schema, options: TeachingOptions, *, say: Say = lambda line: None) -> list[float]:
    """Train an encoder and a new reader of fields; the encoder is given the reader, and changed in place.

    Args:
        encoder: a text encoder of which a part learns.
        schema: all declared fields.
        options: how long and how fast.
        say: told the loss now and then.

    Returns:
        The loss of every step.

    Raises:
        ConfigError: nothing is declared that could be taught.
    """
    if not schema.fields:
        raise ConfigError(f"{schema.name} declares no field of the history, so that there is nothing to teach")
    rng = np.random.default_rng(options.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        reader = FieldReader(encoder.out_dim, schema.fields)
        encoder.field_reader = reader
        optimizer, schedule = _optimizer(encoder, reader, options)
        drawn = batches_of(lessons(schema, rng, hold="seen"), options.batch_size, rng)
        reader.standardise(pooled_of(encoder.eval(), [lesson.text for _ in range(4) for lesson in next(drawn)]))
        keeps = options.retention > 0 and encoder.is_pretrained
        sentences = complaints("taught", SENTENCES, rng) if keeps else []
        before = pooled_of(encoder, sentences).clone() if keeps else torch.empty(0)
        losses, read = [], set[str]()
        encoder.train()
        for step in range(options.steps):
            batch = next(drawn)
            read.update(lesson.text for lesson in batch)
            loss = reader.loss(encode(encoder, [lesson.text for lesson in batch]), [lesson.history for lesson in batch])
            if keeps:
                chosen, untaught = batches(before, sentences, options.batch_size // 2, rng)
                loss = loss + options.retention * retention_loss(untaught, encode(encoder, chosen).pooled)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_([p for p in encoder.parameters() if p.requires_grad], CLIP_NORM)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
            if (step + 1) % 50 == 0:
                say(f"step {step + 1} of {options.steps}, loss {np.mean(losses[-50:]):.3f}")
    for parameter in encoder.parameters():
        parameter.requires_grad_(False)
    encoder.take_vocabulary(read)
    encoder.eval()
    return losses


def batches_of(drawn: Iterator[Lesson], size: int, rng: np.random.Generator) -> Iterator[list[Lesson]]:
    """Batches of texts of about equal length, which wastes little on padding, in no order of length. Without end."""
    while True:
        some = sorted((next(drawn) for _ in range(TOGETHER * size)), key=lambda lesson: len(lesson.text))
        for place in rng.permutation(TOGETHER):
            yield some[place * size : (place + 1) * size]


def encode(encoder: Encoder, texts: Sequence[str]) -> Features:
    """Texts as one batch."""
    rows = stack_rows([encoder.prepare(text) for text in texts])
    assert not isinstance(rows, Features)
    features: Features = encoder(rows)
    return features


@torch.inference_mode()
def pooled_of(encoder: Encoder, texts: Sequence[str], *, batch_size: int = 64) -> torch.Tensor:
    """(N, D) pooled vectors."""
    parts = [texts[start : start + batch_size] for start in range(0, len(texts), batch_size)]
    return torch.cat([encode(encoder, part).pooled for part in parts])


@torch.inference_mode()
def read_notes(
    encoder: Encoder, reader: FieldReader, texts: Sequence[str], *, batch_size: int = 64
) -> list[dict[str, Reading]]:
    """What every text says of every field."""
    plain = [plain_numbers(text) for text in texts]
    parts = [plain[start : start + batch_size] for start in range(0, len(texts), batch_size)]
    return [reading for part in parts for reading in reader.read(encode(encoder, part))]


def _optimizer(
    encoder: Encoder, reader: FieldReader, options: TeachingOptions
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]:
    """AdamW with a short warmup and a cosine to 0; the reader, which starts from nothing, learns faster."""
    own = {id(parameter) for parameter in reader.parameters()}
    learned = [p for p in encoder.parameters() if p.requires_grad and id(p) not in own]
    rate = options.learning_rate or (PRETRAINED_RATE if encoder.is_pretrained else NEW_RATE)
    linear = list(reader.linear.parameters())
    finer = [p for name, p in reader.named_parameters() if not name.startswith("linear.")]
    groups = [
        {"params": learned, "lr": rate},
        {"params": linear, "lr": LINEAR_RATE},
        {"params": finer, "lr": READER_RATE},
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    warmup = max(1, round(WARMUP * options.steps))

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, options.steps - warmup)))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
