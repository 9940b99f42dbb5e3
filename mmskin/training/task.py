"""What Lightning runs: one step of training, one of validation, the optimiser."""

from __future__ import annotations

from typing import Any

import lightning
import torch
from torch import Tensor

from mmskin.data.seeds import view_seed
from mmskin.inputs.batch import Batch
from mmskin.losses.loss_contract import Loss
from mmskin.model.classifier import MultimodalClassifier, Output
from mmskin.training.optimisation import Recipe, make_optimizer


class ClassificationTask(lightning.LightningModule):
    """Training of one model under one loss.

    Args:
        model: to be trained.
        loss: also gives the validation loss.
        recipe: learning rates, decay and schedule.
        branch_weight: weight of the mean branch loss beside the fused one.
        seed: dropout of a batch depends on it and on the batch's number alone, so that a resumed run is the same run.
    """

    def __init__(
        self, model: MultimodalClassifier, loss: Loss, *, recipe: Recipe, branch_weight: float = 1.0, seed: int = 0
    ) -> None:
        super().__init__()
        self.model, self.loss, self.recipe = model, loss, recipe
        self.branch_weight, self.seed = branch_weight, seed
        self.validated: list[tuple[Tensor, Tensor]] = []

    def on_train_batch_start(self, batch: Batch, batch_index: int) -> None:
        # By batch and not by epoch: Lightning draws a number of its own on the way, at another time when it resumes.
        batches = self.current_epoch * int(self.trainer.num_training_batches) + batch_index
        torch.manual_seed(view_seed("dropout", batches, self.seed))

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        progress = self.global_step / max(1, int(self.trainer.estimated_stepping_batches))
        loss = self._loss(self.model(batch), batch, progress=min(1.0, progress))
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"the loss became {loss.item()} at step {self.global_step}, cases {', '.join(batch.case_id[:10])}; "
                f"lower training.learning_rate or training.encoder_learning_rate"
            )
        self.log("train_loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(batch.case_id))
        return loss

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        log_probs = self.loss.log_probabilities(self.model(batch).logits)
        log_loss = torch.nn.functional.nll_loss(log_probs, batch.target)
        self.log("val_log_loss", log_loss, prog_bar=True, batch_size=len(batch.case_id))
        self.validated.append((log_probs.argmax(1) == batch.target, batch.target))

    def on_validation_epoch_start(self) -> None:
        self.validated = []

    def on_validation_epoch_end(self) -> None:
        right, target = (torch.cat(parts) for parts in zip(*self.validated, strict=True))
        recalls = [right[target == code].float().mean() for code in sorted(set(target.tolist()))]
        self.log("val_balanced_accuracy", torch.stack(recalls).mean())

    def configure_optimizers(self) -> Any:  # Lightning's union of a dozen shapes
        steps = int(self.trainer.estimated_stepping_batches)
        optimizer, schedule = make_optimizer(self.model, self.recipe, steps=steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _loss(self, output: Output, batch: Batch, *, progress: float) -> Tensor:
        """The fused loss, and the mean loss of branches and experts, each on the cases that have its modality."""
        total: Tensor = self.loss(output.logits, batch.target, progress=progress)
        branches = [
            self.loss(logits[there], batch.target[there], progress=progress)
            for modality, logits in output.parts()
            if (there := batch.present[modality]).any()
        ]
        if branches:
            total = total + self.branch_weight * torch.stack(branches).mean()
        return total
