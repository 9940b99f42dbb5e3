"""What the page does when somebody asks: a case of the form, a row of a table, a diagnosis to keep, a program."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from mmskin.api.predictor import Predictor
from mmskin.errors import UserError, one_of
from mmskin.page.answer import Case, Shown, answer_in_steps, ask, check_text, photo_kinds, refused
from mmskin.page.batch import read_batch, row_of
from mmskin.page.form import read_widgets
from mmskin.page.gate import cookie_of
from mmskin.page.kept_diagnoses import KeptDiagnoses
from mmskin.page.photos import Kept, Photos
from mmskin.page.spoken import w

log = logging.getLogger("mmskin.demo")


class Page:
    """What the page does when somebody asks.

    Args:
        predictor: of the model.
        photos: where visitors' photos are kept.
        model: how the model is called in reports.
        is_real: whether it was trained on anything but invented cases.
        order: names of fields, in the order in which the form asks for them; as declared if empty.
        warnings: which stand before all other remarks of every answer.
        diagnoses: where diagnoses are kept; None if they are not.
    """

    def __init__(
        self,
        predictor: Predictor,
        photos: Photos,
        *,
        model: str,
        is_real: bool,
        order: Sequence[str] = (),
        warnings: Sequence[str] = (),
        diagnoses: KeptDiagnoses | None = None,
    ) -> None:
        self.predictor, self.photos, self.model, self.is_real = predictor, photos, model, is_real
        self.order, self.warnings, self.diagnoses = order, warnings, diagnoses
        self.kinds = photo_kinds(predictor)

    def answer(self, request: gr.Request, *given: Any) -> Iterator[Shown]:
        """The two parts of the page, twice: without and with the explanation. A refusal stands where they would.

        Args:
            request: of the visitor.
            given: a photo's name for each of `kinds`, what the form holds, text, class to explain, and the number that
                the page in the browser gave this case, which is written into the answer.
        """
        *of_case, target, edition = given
        answer = ""
        try:
            case = self._case(of_case, request)._replace(target=target or None)
            for shown in answer_in_steps(
                self.predictor, case, model=self.model, is_real=self.is_real, warnings=self.warnings
            ):
                answer = shown.answer
                yield _of_edition(shown, edition)
        except UserError as error:
            yield _of_edition(refused(answer, error.args[0]), edition)
        except Exception as error:  # whatever it says may hold what the patient said
            log.error("an answer failed: %s", type(error).__name__)
            yield _of_edition(refused(answer, w.BROKEN), edition)

    def keep_diagnosis(self, request: gr.Request, *given: Any) -> str:
        """HTML that says that the diagnosis is kept, or why it is not. The case is asked once more: nothing is kept of
        it in between.

        Args:
            request: of the visitor.
            given: a photo's name for each of `kinds`, what the form holds, text, the diagnosis, and the number of the
                case.
        """
        *of_case, diagnosis, edition = given
        assert self.diagnoses is not None, "the page shows the button only where diagnoses are kept"
        try:
            if not diagnosis:
                raise UserError(w.DIAGNOSIS_NONE)
            prediction = ask(self.predictor, self._case(of_case, request)).prediction
            self.diagnoses.keep(prediction, diagnosis, self.predictor.schema)
        except UserError as error:
            return refused("", error.args[0]).answer
        except Exception as error:
            log.error("keeping a diagnosis failed: %s", type(error).__name__)
            return refused("", w.BROKEN).answer
        return f'<p class="mm" role="status" data-case="{int(edition or 0)}">{w.DIAGNOSIS_KEPT}</p>'

    def _case(self, given: Sequence[Any], request: gr.Request) -> Case:
        """The case in the browser: names of photos, what the form holds, text."""
        *names, held, text = given
        check_text(text)
        fields = read_widgets(self.predictor.schema.fields, held)
        return Case(self._photos(dict(zip(self.kinds, names, strict=True)), request), fields, text)

    def predict(
        self, photo: str | dict[str, str] | None, fields: dict[str, Any], text: str | None, request: gr.Request
    ) -> dict[str, Any]:
        """The answer of one case as plain values; for the API."""
        try:
            case = Case(self._photos(self._named(photo), request), fields or {}, text)
            prediction = ask(self.predictor, case, self.warnings).prediction
        except UserError as error:
            return {"error": str(error)}
        except Exception as error:
            log.error("an answer failed: %s", type(error).__name__)
            return {"error": w.BROKEN}
        return prediction.to_json()

    def read_table(self, table: str) -> dict[str, Any]:
        """The cases of a table, as the browser then asks for them with `answer_row`."""
        try:
            return read_batch(table, self.predictor.schema, self.kinds)._asdict()
        except UserError as error:
            return {"error": error.args[0]}

    def answer_row(
        self, photos: dict[str, str], fields: dict[str, Any], text: str | None, request: gr.Request
    ) -> dict[str, Any]:
        """The answer of one case of a table, as columns; or why there is none."""
        try:
            case = Case(self._photos(photos, request), fields, text or None)
            return row_of(ask(self.predictor, case, self.warnings).prediction, self.predictor.schema)
        except UserError as error:
            return {"problem": w.say(error.args[0])}
        except Exception as error:
            log.error("an answer failed: %s", type(error).__name__)
            return {"problem": w.BROKEN}

    def _named(self, photo: str | dict[str, str] | None) -> dict[str, str]:
        """Names of photos by kind, as a program gives them."""
        if isinstance(photo, dict):
            for kind in photo:
                if kind not in self.kinds:
                    raise UserError(one_of("photo kind", kind, self.kinds))
            return photo
        if photo and len(self.kinds) > 1:
            raise UserError(w.WHICH_PHOTO.format(example=json.dumps(dict.fromkeys(self.kinds, "NAME.jpg"))))
        return {self.kinds[0]: photo} if photo else {}

    def _photos(self, names: Mapping[str, str | None], request: gr.Request) -> dict[str, Kept]:
        """The photos of a visitor by kind."""
        visitor = cookie_of(request.headers.get("cookie", ""))
        kept = {kind: self.photos.get(Path(name).name, visitor) for kind, name in names.items() if name}
        if None in kept.values():
            raise UserError(w.PHOTO_GONE)
        return {kind: photo for kind, photo in kept.items() if photo is not None}


def _of_edition(shown: Shown, edition: object) -> Shown:
    """The parts marked with the number of the case that was asked, by which the browser knows what they are of."""
    number = int(edition) if isinstance(edition, int | float) else 0
    return Shown(*(part and f'<div data-case="{number}">{part}</div>' for part in shown))
