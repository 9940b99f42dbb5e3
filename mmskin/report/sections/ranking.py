"""The section that ranks the arms, and shows how far each is from the reference."""

from __future__ import annotations

from mmskin.evaluation.results import Results
from mmskin.report.headline import in_words
from mmskin.report.pages import Section
from mmskin.report.pictures import Picture
from mmskin.report.ranking_figures import difference_forest, ranking

RANKING_NOTE = "Lines are 95 % intervals from resampled patients: they overlap although differences are paired."
FOREST_NOTE = "Both arms in the same resampled patients. Better or worse: p at most 0.05, corrected for the search."


def ranking_section(results: Results) -> Section:
    """All arms, best first, and beside them their differences to the reference."""
    return Section(
        "Which arm is best",
        pictures=[
            Picture(f"Ranking by {in_words(results.metric)}", ranking(results), RANKING_NOTE),
            Picture(f"Paired difference to {results.reference}", difference_forest(results), FOREST_NOTE),
        ],
    )
