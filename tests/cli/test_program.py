"""The program as a whole: help, version, mistakes of the user, and how it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cli.conftest import Type, is_one_plain_line

import mmskin
from mmskin.cli import app as cli
from mmskin.cli.catalogue import TABLES
from mmskin.errors import ConfigError


def test_the_installed_program_says_its_version_without_torch() -> None:
    code = "import sys, mmskin.cli.app; sys.argv = ['mmskin', '--version']\ntry: mmskin.cli.app.main()\n"
    code += "finally: assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"mmskin {mmskin.__version__}\n")


@pytest.mark.parametrize(
    "line",
    ["data check no.yaml", "train no.yaml --output x", "predict nowhere", "init no.csv", "evaluate no --output x"],
)
def test_a_mistake_is_told_before_the_slow_libraries_are_imported(line: str) -> None:
    """Torch takes seconds, scikit-learn and scipy.stats one each."""
    code = f"import sys\nsys.argv = ['mmskin', *{line.split()}]\nfrom mmskin.cli.app import main\ntry: main()\n"
    code += "finally: print([name for name in ('torch', 'sklearn', 'scipy.stats') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stdout + done.stderr


def test_help_lists_every_command(mmskin_: Type) -> None:
    code, told, _ = mmskin_("--help")
    assert code == 0
    for command in (
        "quickstart",
        "train",
        "benchmark",
        "evaluate",
        "predict",
        "explain",
        "predict-table",
        "describe",
        "data",
    ):
        assert f" {command} " in told
    assert "not a diagnosis" in told


def test_describe_lists_every_part_and_one_part_with_its_options(mmskin_: Type) -> None:
    code, told, _ = mmskin_("describe")
    assert code == 0
    for title, table in TABLES.items():
        assert title in told
        assert all(f"  {name} " in told for name in table)
    code, told, _ = mmskin_("describe image_only")
    assert code == 0
    assert "options: modality=None, dropout=0.2" in told
    code, _, complaint = mmskin_("describe concta")
    assert code == 2
    assert "part 'concta' does not exist. Did you mean 'concat'?" in complaint


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("train", "Missing argument 'config'"),
        ("train nothing.yaml", "Missing option '--output'"),
        ("train nothing.yaml --output x", "no such file: nothing.yaml"),
        ("train nothing.yaml --output x --jobs 0", "Invalid value for '--jobs'"),
        ("trian", "No such command 'trian'"),
        ("predict MODEL --image nothing.png", "'nothing.png' does not exist"),
        ("predict MODEL", "there is nothing to go by: this model needs a photo or a field or free text"),
        ("predict MODEL --field age", "a field is written name=value"),
        ("predict MODEL --field biopsed=yes", "is an outcome column"),
        ("predict MODEL --field age=old --field agee=3", "Did you mean 'age'"),
        ("predict MODEL --field age=62 --heatmap x.png", "a heat map needs --image"),
        ("data describe nothing.yaml", "no such file"),
    ],
)
def test_a_mistake_of_the_user_is_one_plain_line_and_code_2(
    mmskin_: Type, trained_run: Path, line: str, told: str
) -> None:
    code, printed, complaint = mmskin_(line.replace("MODEL", str(trained_run)))
    assert code == 2
    assert printed == ""
    assert is_one_plain_line(complaint), complaint
    assert told in complaint


def test_a_bad_model_is_one_plain_line_and_code_3(mmskin_: Type, tmp_path: Path) -> None:
    code, _, complaint = mmskin_(f"predict {tmp_path} --text x")
    assert code == 3
    assert is_one_plain_line(complaint)


def test_a_folder_that_cannot_be_written_is_one_plain_line(mmskin_: Type, config: Path) -> None:
    code, _, complaint = mmskin_(f"train {config} --output {config}/run --quiet")
    assert code == 2
    assert is_one_plain_line(complaint)


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["mmskin", "--debug", "describe", "nothing"])
    with pytest.raises(ConfigError):
        cli.main()


def test_no_command_at_all_shows_the_help(mmskin_: Type) -> None:
    code, told, complaint = mmskin_("")
    assert code == 2
    assert "Usage:" in told
    assert "quickstart" in told
    assert complaint == ""


def test_demo_starts_the_page_of_the_checkout(mmskin_: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda program, words: started.append(words))
    assert mmskin_("demo --model runs/mine --port 8000")[0] == 0
    (words,) = started
    assert words[1] == str(Path(mmskin.__file__).parents[1] / "demo" / "app.py")
    assert words[2:] == ["--model", "runs/mine", "--host", "127.0.0.1", "--port", "8000", "--language", "en"]
    monkeypatch.setattr("mmskin.cli.demo.__file__", "/nowhere/mmskin/cli/app.py")
    code, _, complaint = mmskin_("demo")
    assert code == 2
    assert "/nowhere/demo/app.py does not exist" in complaint
