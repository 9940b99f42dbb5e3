"""Runs demo/app.py with every connection to another machine refused and written down: watched.py RECORD [options]"""

from __future__ import annotations

import ipaddress
import runpy
import sys
from pathlib import Path
from typing import Any

RECORD = Path(sys.argv.pop(1))
APP = Path(__file__).parents[2] / "demo" / "app.py"


def is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in ("localhost", "")


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host or ""
    if not is_here(host):
        with RECORD.open("a") as record:
            record.write(f"{event} {host}\n")
        raise ConnectionRefusedError(f"{host} is another machine")


RECORD.touch()
sys.addaudithook(watch)
sys.path.insert(0, str(APP.parent))
sys.argv[0] = str(APP)
runpy.run_path(str(APP), run_name="__main__")
