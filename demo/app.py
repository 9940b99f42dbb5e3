"""Starts the clinician's page: see `mmskin.page.app`."""

from __future__ import annotations

import sys

from mmskin.page.app import main

if __name__ == "__main__":
    sys.exit(main())
