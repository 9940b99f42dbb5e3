"""The page as a user starts it, in a home of its own, with no way to another machine; and a browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from explain.small_predictors import PAIR, small_predictor

from mmskin.trained.saved_model import save_model

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HERE = Path(__file__).parent
START_S = 900  # training included; half a minute where nothing else runs


@dataclass(frozen=True)
class Site:
    """address: of the page. home: all places where the server may write. log: what it printed. refused: connections
    to other machines that it tried."""

    address: str
    home: Path
    log: Path
    refused: Path


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("home")) as site:
        yield site


@pytest.fixture(scope="session")
def pair_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The page of a model that reads two kinds of photo."""
    model = tmp_path_factory.mktemp("pair") / "model"
    save_model(small_predictor("late", *PAIR, "text", photos=PAIR).trained, model)
    with served(tmp_path_factory.mktemp("home"), "--model", str(model)) as site:
        yield site


@contextmanager
def served(home: Path, *options: str) -> Iterator[Site]:
    for name in ("cache", "tmp", "work"):
        (home / name).mkdir()
    port = free_port()
    site = Site(f"http://127.0.0.1:{port}", home, home / "log.txt", home / "refused.txt")
    places = {"HOME": home, "XDG_CACHE_HOME": home / "cache", "TMPDIR": home / "tmp", "MPLCONFIGDIR": home / "cache"}
    environment = {**os.environ, **{name: str(place) for name, place in places.items()}, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(HERE / "watched.py"), str(site.refused), "--port", str(port), *options]
    with site.log.open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=home / "work")
    try:
        wait_for(site, server)
        yield site
    finally:
        server.terminate()
        server.wait(30)


def wait_for(site: Site, server: subprocess.Popen[bytes]) -> None:
    for _ in range(START_S):
        assert server.poll() is None, site.log.read_text()
        try:
            urllib.request.urlopen(site.address, timeout=5).close()
            return
        except OSError:
            time.sleep(1)
    raise AssertionError(f"the page did not start in {START_S} s: {site.log.read_text()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    assert CHROMIUM, "no chromium: apt-get install chromium"
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])  # CI runs as root
        yield browser
        browser.close()
