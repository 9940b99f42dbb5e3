"""Seconds that a visitor waits: for a photo to appear, for the answer, for its explanation; of a page just started.

python scripts/page_speed.py http://127.0.0.1:7860 [--repeats 5] [--side 4000x3000]
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from mmskin.report.numbers import rough

CHROMIUM = "/usr/bin/chromium"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("address")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--side", default="4000x3000", help="pixels of the photo; the default is 12 megapixels")
    given = parser.parse_args()
    photo = a_photo(*map(int, given.side.split("x")))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        visits = [seconds(browser, given.address, photo) for _ in range(given.repeats)]
    for what in visits[0]:
        taken = [visit[what] for visit in visits]
        print(
            f"{what}: first {rough(taken[0])} s, median {rough(statistics.median(taken))} s, most {rough(max(taken))} s"
        )


def seconds(browser: Any, address: str, photo: bytes) -> dict[str, float]:
    """One visit: a photo and an age are given, and the answer is asked for."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(address)
    page.wait_for_function("window.mmskin")
    found = {}
    with_file = {"name": "lesion.jpg", "mimeType": "image/jpeg", "buffer": photo}
    start = time.perf_counter()
    page.locator(".mm-photo input[type=file]").first.set_input_files(with_file)
    page.wait_for_function("document.querySelector('.mm-photo img').naturalWidth > 0")
    found["photo of that size on the screen"] = time.perf_counter() - start
    start = time.perf_counter()
    page.locator("#ask").click()
    page.locator("#answer .triage").wait_for()
    found["answer"] = time.perf_counter() - start
    page.locator("#why a.save").wait_for()
    found["explanation"] = time.perf_counter() - start
    context.close()
    return found


def a_photo(width: int, height: int) -> bytes:
    """JPEG of a grainy disc, about as large a file as a phone's."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(90, 200, (height // 20, width // 20, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=92)
    return file.getvalue()


if __name__ == "__main__":
    main()
