"""A comparison as one small table, for a paper, a notebook or a terminal."""

from __future__ import annotations

import html

import pandas as pd

from mmskin.evaluation.results import Results
from mmskin.report.numbers import MINUS, NOTHING, difference, p_cell, with_interval

Cells = list[str]
ESCAPES = str.maketrans({"\\": r"\textbackslash{}"} | {symbol: f"\\{symbol}" for symbol in "&%$#_{}"})
DIFFERENCE = {name: f"difference_{name}" for name in ("estimate", "low", "high")}
TITLES = {"balanced_accuracy": "Balanced accuracy", "macro_auroc": "Macro AUROC"}


def comparison_cells(results: Results) -> tuple[Cells, list[Cells]]:
    """The header, and a row an arm: the metrics shown with intervals, the difference to the reference, corrected p."""
    header = ["Arm", *(TITLES.get(name, name.replace("_", " ").capitalize()) for name in results.shown)]
    header += [f"Difference to {results.reference}", "p"] if results.reference else []
    compared = {row["arm"]: row for row in results.compared()}
    rows = []
    for arm in dict.fromkeys(results.overall()["arm"]):
        values = [results.overall(name).set_index("arm").loc[arm].to_dict() for name in results.shown]
        cells = [str(arm), *map(with_interval, values)]
        if results.reference:
            row = compared.get(arm)
            cells += [difference(row), p_cell(row["p_adjusted"])] if row else ["reference", ""]
        rows.append(cells)
    return header, rows


def latex_table(results: Results) -> str:
    """The table for LaTeX with the package booktabs."""
    header, rows = comparison_cells(results)
    lines = [" & ".join(map(_escaped, cells)) + r" \\" for cells in (header, *rows)]
    return "\n".join(
        [
            rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}",
            r"\toprule",
            lines[0],
            r"\midrule",
            *lines[1:],
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def csv_table(results: Results) -> str:
    """The same numbers, each in a column of its own: a row an arm and metric, estimate, interval and difference."""
    rows = pd.concat([results.overall(name) for name in results.shown], ignore_index=True)
    table = rows[["arm", "metric", "estimate", "low", "high", "n", "patients"]]
    if results.differences is not None:
        compared = results.differences.rename(columns=DIFFERENCE)
        columns = ["arm", "metric", "reference", *DIFFERENCE.values(), "p", "p_adjusted", "verdict"]
        table = table.merge(compared[columns], on=["arm", "metric"], how="left")
    return str(table.to_csv(index=False, lineterminator="\n"))


def html_table(results: Results) -> str:
    """The table for a notebook."""
    header, rows = comparison_cells(results)
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>" for cells in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _escaped(cell: str) -> str:
    return cell.translate(ESCAPES).replace(MINUS, "$-$").replace(NOTHING, "--").replace("<", "$<$")
