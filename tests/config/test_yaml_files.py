from __future__ import annotations

from pathlib import Path

import pytest

from mmskin.config.yaml_files import read_yaml, write_yaml
from mmskin.errors import ConfigError


def written(folder: Path, text: str) -> Path:
    path = folder / "file.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_yaml_1_2_reads_an_exponent_as_a_number_and_no_as_text(tmp_path: Path) -> None:
    content = read_yaml(written(tmp_path, "a: 1e-3\nb: no\nc: on\nd: false\ne: 010\n"))
    assert content == {"a": 0.001, "b": "no", "c": "on", "d": False, "e": 10}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\na: 2\n", 'found duplicate key "a"'),
        ("a: [1\n", "is not valid YAML"),
        ("- 1\n", "must hold a mapping"),
        ("", "must hold a mapping"),
    ],
)
def test_what_is_no_mapping_is_refused_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        read_yaml(written(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        read_yaml(tmp_path / "nothing.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(tmp_path)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    content = {"a": [1, 2.5, None], "b": {"c": "no", "d": True}}
    assert read_yaml(written(tmp_path, write_yaml(content))) == content
