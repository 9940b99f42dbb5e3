"""Makes the model that `mmskin demo` shows where no other is given: mmskin/page/demo_model.

python scripts/make_demo_model.py [--output DIR] [--cases 2400] [--epochs 4]

It learns from invented cases alone. The same versions give the same model; minutes, on one thread.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from mmskin.page.default_model import CASES, DEFAULT_RUN, EPOCHS, train_default
from mmskin.report.numbers import rough


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, default=DEFAULT_RUN, help="folder that is replaced")
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    given = parser.parse_args()
    train_default(given.output, cases=given.cases, epochs=given.epochs)
    size = sum(path.stat().st_size for path in given.output.rglob("*") if path.is_file())
    print(f"{given.output}: {rough(size / 1e6)} MB, {rough(time.process_time())} CPU seconds")


if __name__ == "__main__":
    main()
