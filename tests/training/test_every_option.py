"""A new option of the recipe comes with a test."""

from __future__ import annotations

import ast
from pathlib import Path

from mmskin.config.experiment import TrainingConfig

TESTS = Path(__file__).parents[1]


def words_of(file: Path) -> set[str]:
    """Names of arguments and texts in a file of tests."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return texts | {node.arg for node in nodes if isinstance(node, ast.keyword) and node.arg}


def test_every_option_of_the_recipe_is_set_in_a_test_of_training_or_of_what_is_trained() -> None:
    files = [file for folder in ("training", "trained") for file in (TESTS / folder).glob("test_*.py")]
    untested = set(TrainingConfig.model_fields) - set().union(*map(words_of, files))
    assert untested == set()
