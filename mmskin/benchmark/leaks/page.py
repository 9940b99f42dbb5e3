"""What leaks are worth, as a page, as leaks.json and leaks.csv, and as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mmskin.benchmark.leaks import LEAKS
from mmskin.benchmark.leaks.study import ALL, Answers, Worth, worths
from mmskin.benchmark.leaks.study_config import LeakStudy
from mmskin.evaluation.differences import paired_difference
from mmskin.evaluation.intervals import evaluate
from mmskin.evaluation.predictions import arm_names
from mmskin.json_values import records
from mmskin.reminder import NOT_A_DIAGNOSIS
from mmskin.report.headline import in_words
from mmskin.report.numbers import MINUS, difference, with_interval
from mmskin.report.pages import Grid, Section, environment, made_section, report_page, write_page

NOTE = (
    "A leak is worth what an arm scores with it minus what it scores without it, on the same cases, with 95 % "
    "intervals over patients and training seeds. What it is worth depends on the other leaks that are there. The "
    "intervals do not hold the luck of the training sample."
)

WRONG = "Scores of leaking protocols are wrong on purpose: never quote one as a result."


def write_leak_study(
    study: LeakStudy, answers: Sequence[Answers], output: Path, *, replicates: int, command: str = ""
) -> list[str]:
    """Write leaks.html, leaks.json and leaks.csv. Returns sentences, one a leak and arm."""
    asked = study.question
    worth = list(worths(study.leaks, answers, metric=asked.metric, replicates=replicates))
    scores = pd.concat([_scores(of, asked.metric, replicates) for of in answers], ignore_index=True)
    table = pd.DataFrame([{**w._asdict(), "beside": ", ".join(w.beside), **w.difference._asdict()} for w in worth])
    table = table.drop(columns="difference")
    alone = sorted((w for w in worth if not w.beside), key=lambda w: [*study.leaks, ALL].index(w.leak))
    in_turn = [w for w in worth if w.beside or w.leak == study.leaks[-1]]
    grids = [
        _worth_grid("Each leak alone, beside the honest protocol", alone),
        _worth_grid("All leaks, and one less in every row", in_turn),
        _score_grid(scores),
        _question_grid(study, answers, replicates),
    ]
    made = environment(command)
    page = report_page(
        f"{study.name}: what leaks are worth",
        [Section(f"Worth in {in_words(asked.metric)}", NOTE, grids=grids), made_section(made)],
        headline=headline(worth, study),
        warnings=[NOT_A_DIAGNOSIS, WRONG],
    )
    output.mkdir(parents=True, exist_ok=True)
    table.to_csv(output / "leaks.csv", index=False, lineterminator="\n")
    config = study.model_dump(mode="json")
    content = {"worth": records(table), "scores": records(scores), "config": config, "environment": made}
    write_page(output / "leaks.html", page, content)
    return [sentence(w) for w in worth]


def headline(worth: Sequence[Worth], study: LeakStudy) -> list[str]:
    """What all leaks together, or else the only one, are worth for the arm of the question; then each leak alone."""
    of_arm = [w for w in worth if w.arm == study.question.arm and not w.beside]
    together = [w for w in of_arm if w.leak == ALL]
    alone = [w for w in of_arm if w.leak != ALL]
    in_metric = f"In {in_words(study.question.metric)}, beside the honest protocol."
    return [*map(sentence, together), *map(sentence, alone), in_metric]


def sentence(worth: Worth) -> str:
    """As a paper would print it."""
    beside = f" beside {_in_words(worth.beside)}" if worth.beside else ""
    found = worth.difference
    return f"{_title(worth.leak)}{beside}: worth {difference(found._asdict())} for {worth.arm}, {found.n:,} cases."


def _title(leak: str) -> str:
    return "All leaks together" if leak == ALL else LEAKS[leak].title


def _in_words(leaks: Sequence[str]) -> str:
    return ", ".join(leak.replace("_", " ") for leak in leaks) or "none"


def _worth_grid(title: str, worth: Sequence[Worth]) -> Grid:
    arms = list(dict.fromkeys(w.arm for w in worth))
    cells = {(w.leak, w.arm): difference(w.difference._asdict()) for w in worth}
    rows = [[_title(leak), *(cells[leak, arm] for arm in arms)] for leak in dict.fromkeys(w.leak for w in worth)]
    return Grid(title, ["Leak", *arms], rows)


def _scores(answers: Answers, metric: str, replicates: int) -> pd.DataFrame:
    rows = evaluate(answers.table, replicates=replicates)
    chosen = (rows["metric"] == metric) & (rows["class"] == "") & (rows["subset"] == "all")
    return rows[chosen].assign(leaks=_in_words(answers.leaks))


def _score_grid(scores: pd.DataFrame) -> Grid:
    arms = arm_names(scores)
    rows = []
    for leaks, part in scores.groupby("leaks", sort=False):
        by_arm = {row["arm"]: row for row in part.to_dict("records")}
        rows.append([str(leaks), *(with_interval(by_arm[arm]) for arm in arms)])
    return Grid("Scores under each protocol", ["Leaks in it", *arms], rows, wraps=True)


def _question_grid(study: LeakStudy, answers: Sequence[Answers], replicates: int) -> Grid:
    """How large the difference that was asked for seems under each protocol."""
    asked, rows = study.question, []
    for of in answers:
        arm, reference = (of.table[of.table.arm == name] for name in (asked.arm, asked.reference))
        found = paired_difference(arm, reference, metric=asked.metric, replicates=replicates)
        rows.append([_in_words(of.leaks), difference(found._asdict())])
    return Grid(
        "What the history seems to give", ["Leaks in it", f"{asked.arm} {MINUS} {asked.reference}"], rows, wraps=True
    )
