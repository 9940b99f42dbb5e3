"""The English strings of the page, in one place, but for those of the explanation, which `mmskin.report` words.

The page and its templates read them as `w.NAME`, in its own language: see `mmskin.page.spoken`.
"""

from __future__ import annotations

from mmskin.report.model_description import MEANINGS

TITLE = "mmskin: a photo, a history, a differential"
DEMONSTRATION = "A demonstration that knows nothing about real skin"
DEMONSTRATION_WHY = (
    "It was trained on invented diseases in drawn pictures. Do not show it a patient. "
    "Start it with --model DIR to use a model of your own."
)
PRIVACY = (
    "Photo and text stay in the memory of this computer and are never written to its disk. A photo is forgotten ten "
    "minutes after its last answer. Leave out names and dates of birth all the same: no answer needs them."
)

RUNNING = "The page: http://{host}:{port} (Ctrl-C ends it)"

ASK = "Ask"
CARD = "Model card"

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

BATCH = "Many cases"
BATCH_HOW = (
    "A table with a row a case, and the folder of its photos. The cases are asked one after another, about two seconds "
    "each; nothing of them is kept. A thousand cases and more: mmskin predict-table."
)
BATCH_COLUMNS = (
    "Columns, all of which may be left out: {columns}. A photo is a file name of the folder. A duration is in days, or "
    "has its unit, such as 3 months. An empty cell is not recorded. At most {most} rows."
)
BATCH_EMPTY = "An empty table to fill in"
BATCH_EMPTY_NAME, BATCH_NAME = "mmskin-cases.csv", "mmskin-answers.csv"
BATCH_TABLE = "Table (CSV)"
BATCH_FOLDER = "Folder of photos"
BATCH_START = "Answer all"
BATCH_STOP = "Stop"
BATCH_SAVE = "Save the answers as a table (CSV)"
BATCH_ANSWERS = "Answers"
BATCH_CASE, BATCH_URGENCY, BATCH_SHARE, BATCH_MIND = "Case", "Urgency", "Probability", "Please note"
BATCH_READING = "Reading the table …"
BATCH_PROGRESS = "{done} of {all} cases asked, {problems} of them without an answer."
BATCH_NO_PHOTO = "the folder holds no {file}: not asked"
BATCH_NOT_ANSWERED = "no answer"
BATCH_NO_TABLE = "this file is no table in CSV: one header, and as many cells in every row"
BATCH_TOO_LONG = "the table has {rows:,} rows; at most {most:,} are taken"
BATCH_NO_COLUMN = "no column of this table is read; columns are: {columns}"
BATCH_TWICE = "two columns of this table are read as the same: {columns}"
BATCH_UNREAD = "columns that are not read: {columns}"

ANSWER_TO = "The answer"
MOST_LIKELY = "Most likely"
CLASS_HINT = "Open one to read what it is and what usually happens next."
NEXT = "What usually happens next:"
SOURCE = "Source: {source}"
OTHERS = "The other {n} classes"
DIFFERENTIAL_HINT = (
    "Probabilities among patients like those of the training data. Elsewhere classes have other shares, and these "
    "would be other numbers."
)
UNLIKE = "Not like the photos that this model was made with: do not rely on its answer"
SET = "Cannot be left out"
SET_HINT = "Of each class, the true one is in this set in {promised} of new patients like those of validation."
SET_TOO_FEW = "Validation had too few cases to ever leave out: {classes}."
WHY = "Why"
NOT_GIVEN = "Not given"
FREE_TEXT = "the patient's own words"
MIND = "Please note"
UNDERSTOOD = "I understood"
CORRECT = "correct"
CORRECT_FIELD = "Correct {title} in the form"
RESTS_ON = "What this answer rests on"
USED = "Used"
NOTHING = "nothing"
MODALITIES = {"text": "the history (form and free text)", "metadata": "the history (form alone)"}
QUALITY, QUALITY_SEVERAL = "The photo", "The photos"
QUALITY_GOOD = "Neither blurred nor dark nor tiny."
MODEL = "The model"
NOTE = "The note that the model read"

EXPLAINING = "Working out why …"
EXPLANATION = "The whole explanation"
SAVE = "Save a one-page report"
SAVE_HINT = (
    "The page holds the photo and the text as given, and nothing more about the patient. Mind where you keep it."
)
REPORT_NAME = "mmskin-report.html"
REPORT_TITLE = "Report of one case"
REPORT_TIME = "{time:%d %b %Y, %H:%M %Z}"
REPORT_MADE = "mmskin {version}, model {model}"
REPORT_CHECKSUM = "mmskin {version}, model {model}, checksum {checksum}"
CASE_NUMBER = "Case number"
CASE_NUMBER_HINT = "Printed, and neither sent nor stored"
PRINT = "Print or save as PDF"
HISTORY = "History"
PATIENT_SAYS = "The patient says"
LEFT_OUT = "… ({n:,} more characters are left out here)"
HEAT_MAP = "Heat map for {title}: red where most evidence lies"

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
