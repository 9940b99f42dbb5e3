"""The English strings of the page, in one place, but for those of the explanation, which `mmskin.report` words.

Templates read them as `w.NAME`.
"""

from __future__ import annotations

from mmskin.features import photo_title
from mmskin.report.model_description import MEANINGS

TITLE = "mmskin: a photo, a history, a differential"
DEMONSTRATION = "A demonstration that knows nothing about real skin"
DEMONSTRATION_WHY = (
    "It was trained on invented diseases in drawn pictures, in under a minute. Do not show it a patient. "
    "Start it with --model DIR to use a model of your own."
)
PRIVACY = (
    "Photo and text stay in the memory of this computer and are never written to its disk. A photo is forgotten ten "
    "minutes after its last answer. Leave out names and dates of birth all the same: no answer needs them."
)

RUNNING = "The page: http://{host}:{port} (Ctrl-C ends it)"

ASK = "Ask"
CARD = "Model card"

CASE = "The case"
CASE_HINT = "Every part may be left out; what is left out counts as not recorded."
PHOTO = "{title} of the lesion"
PHOTO_ALT = "The {title} that was given"
PHOTO_PLACEHOLDER = "Choose, drop or paste a photo"
PHOTO_STAYS = "It stays in the memory of this computer."
PHOTO_READING = "Reading the photo …"
PHOTO_REMOVE = "Remove"
PHOTO_REMOVE_NAMED = "Remove: {title}"
TEXT = "What the patient says"
TEXT_PLACEHOLDER = "In the patient's own words. No name, no date of birth."
CHIPS = "Questions of yes or no: arrows move, space changes the answer, y and n give it"
MORE_CHIPS = "More questions of yes or no: arrows move, space changes the answer, y and n give it"
ONE_MORE_QUESTION = "One more question"
MORE_QUESTIONS = "{n} more questions"
MORE_ANSWERED = "{n} answered"
FRONT, BACK, HEAD = "front", "back", "head"
NOT_ASKED = "not asked"
NOT_RECORDED = "not recorded"
UNIT_OF = "{title}, unit"
YES, NO, UNKNOWN = "yes", "no", "unknown"
DAYS, WEEKS, MONTHS, YEARS = "days", "weeks", "months", "years"
ANSWER = "Answer"
CLEAR = "Clear"
EXAMPLE = "Example: {title}"
TARGET = "Class to explain"
TARGET_TOP = "the most likely"
ANSWERING = "The answer appears here."
ANSWER_REGION, WHY_REGION = "The answer", "Why"
ASKING = "The model is answering …"
OLD = "The case has changed: this answer is of the case before. Press Answer."
GONE = "the page does not reach its server any more: is it still running?"
ALLOW_VISIBLE = "{why}; start the page with --allow-visible-missingness to use it all the same"

DIAGNOSIS = "The diagnosis was"
DIAGNOSIS_OTHER = "another one"
DIAGNOSIS_KEEP = "Keep"
DIAGNOSIS_KEPT = "Kept."
DIAGNOSIS_NONE = "choose what the diagnosis was"
DIAGNOSIS_HINT = (
    "Whoever runs this page keeps, where Keep is pressed: the date, the model's version, its answer, which parts it "
    "used, and this diagnosis. Neither photo nor text nor any field."
)

DIFFERENTIAL = "Differential"
DIFFERENTIAL_HINT = (
    "Probabilities among patients like those of the training data, the most likely class first. Elsewhere classes have "
    "other shares, and these would be other numbers."
)
UNLIKE = "Not like the photos that this model was made with: do not rely on its answer"
SET = "Cannot be left out"
SET_HINT = "Of each class, the true one is in this set in {promised} of new patients like those of validation."
SET_TOO_FEW = " Validation had too few cases to ever leave out: {classes}."
RESTS_ON = "What this rests on"
USED = "Used"
MISSING = "Missing"
NOTHING = "nothing"
MODALITIES = {"text": "the history as a note", "metadata": "the fields as columns"}
QUALITY, QUALITY_SEVERAL = "The photo", "The photos"
QUALITY_GOOD = "Neither blurred nor dark nor tiny."
REMARKS = "Remarks"
READ = "Read in the free text"
NOTE = "The note that the model read"

EXPLAINING = "Working out why …"
SAVE = "Save a one-page report"
SAVE_HINT = (
    "The page holds the photo and the text as given, and nothing more about the patient. Mind where you keep it."
)
REPORT_NAME = "mmskin-report.html"
REPORT_TITLE = "Report of one case"
REPORT_MADE = "Made by mmskin {version} with the model {model}."

CARD_MODEL = "The model"
CARD_DATA = "Data"
CARD_RESULTS = "Results on test patients"
CARD_RESULTS_HINT = "Estimates with 95 % intervals, resampled by patient, from results.json of the run."
CARD_LIMITS = "Limits"
NOT_KNOWN = "not known: it does not stand in the model's files"
NO_RESULTS = "Not known: there is no results.json in the model's run folder."
MISSINGNESS = {mode: f"{mode}: {meaning}" for mode, meaning in MEANINGS.items()}
LIMITS = (
    "It knows its own classes only, and will name one of them for any photo whatever, a photo of a table included.",
    "Its probabilities are calibrated on patients like those of its data set; elsewhere they may be off.",
    "An explanation says what the model went by, not what is true of the skin.",
)

FULL = "too many requests at once; try again in a moment"
TOO_OFTEN = "too many requests in a minute; wait a little"
TOO_LARGE = "the file is too large: at most {limit} MB are taken"
TOO_SLOW = "the upload took too long"
NO_FILE = "send one file, as multipart/form-data under the name files"
NO_JSON = "send a JSON object whose data is a list, with finite numbers and whole characters"
NOT_FOUND = "not found"
WHICH_PHOTO = "this model reads several kinds of photo: give an object of names by kind, such as {example}"
PHOTO_GONE = "the photo is no longer kept: choose it again"
TOO_LONG = "the text has {length:,} characters; at most {limit:,} are read: shorten it"
BROKEN = "something went wrong on this side; the case was not kept. The log names the kind of error."


def modality(name: str) -> str:
    """What a modality is called in a sentence."""
    return MODALITIES.get(name) or f"the {photo_title(name)}"
