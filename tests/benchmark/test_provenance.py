from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mmskin.benchmark import provenance
from mmskin.benchmark.provenance import machine, source_state


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null"]
    done = subprocess.run(["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository whose folder `package` is tracked."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return package


def test_a_checkout_is_told_by_its_commit_and_whether_it_was_changed(checkout: Path) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    assert source_state(checkout).endswith(f", commit {commit}")
    (checkout / "__init__.py").write_text("changed = True")
    assert source_state(checkout).endswith(f", commit {commit} with uncommitted changes")


def test_a_package_installed_inside_somebody_elses_repository_has_no_commit(checkout: Path) -> None:
    installed = checkout.parent / "venv"
    installed.mkdir()
    (installed / "__init__.py").write_text("")
    assert source_state(installed).endswith(", as installed")


def test_without_git_the_version_is_told(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert source_state(checkout).endswith(", as installed")


def test_the_machine_is_told_where_the_system_says_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = tmp_path / "cpuinfo"
    facts.write_text("processor\t: 0\nmodel name\t: Abacus 9\nmodel name\t: Abacus 9\n")
    monkeypatch.setattr(provenance, "CPU_FACTS", facts)
    assert machine().startswith("Abacus 9, ")
    assert "GiB of memory" in machine()
    monkeypatch.setattr(provenance, "CPU_FACTS", tmp_path / "none")
    monkeypatch.setattr(provenance.os, "sysconf", _refuse)
    assert "memory not told by the system" in machine()


def _refuse(name: str) -> int:
    raise ValueError(name)
