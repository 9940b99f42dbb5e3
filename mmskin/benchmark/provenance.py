"""Where numbers come from: the state of the source code and the machine, as far as either can be told."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

import torch

import mmskin

CPU_FACTS = Path("/proc/cpuinfo")
NOT_TOLD = "not told by the system"


def source_state(package: Path | None = None) -> str:
    """The commit of the checkout that the package is imported from; its version where it is no checkout.

    Args:
        package: folder of the package; that of mmskin if not given.
    """
    folder = package or Path(mmskin.__file__).parent
    # A package installed inside somebody's repository is no part of that repository: only a tracked file is.
    if _git(folder, "ls-files", "--error-unmatch", "__init__.py") is None:
        return f"mmskin {mmskin.__version__}, as installed"
    commit, changed = _git(folder, "rev-parse", "HEAD"), _git(folder, "status", "--porcelain", "--", ".")
    return f"mmskin {mmskin.__version__}, commit {commit}{' with uncommitted changes' if changed else ''}"


def _git(folder: Path, *words: str) -> str | None:
    """What git answers; None if it refuses or is not there."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def machine() -> str:
    """Processor, cores, memory and GPU in one line."""
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no GPU"
    return f"{_processor()}, {os.cpu_count()} cores, {_memory()}, {gpu}, {platform.system()}"


def _processor() -> str:
    lines = CPU_FACTS.read_text().splitlines() if CPU_FACTS.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or f"{platform.machine()} processor"


def _memory() -> str:
    try:
        size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # no such question on this system
        return f"memory {NOT_TOLD}"
    return f"{round(size / 2**30)} GiB of memory"
