"""gradio wants an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


def in_a_loop(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call where an event loop runs; without one gradio opens some and never closes them."""

    async def call() -> Any:
        return function(*arguments)

    return asyncio.run(call())
