"""What stands between the network and gradio: limits, private photos, and a page that reaches no other machine.

Gradio by itself keeps each upload as it came, under its own name, and gives it to anybody who knows the address. Here
its routes for files are never reached: photos come and go through `Photos`, and of all other routes only those pass
that the page and the API need.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, MutableMapping
from pathlib import Path
from typing import Any

import anyio.to_thread
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mmskin.errors import ImageError
from mmskin.page.photos import Photos
from mmskin.page.spoken import w

COOKIE = "mmskin-visitor"
UPLOAD_BYTES = 20 * 1024 * 1024
BODY_BYTES = 256 * 1024  # of any other request: the longest text, escaped, is a third of it
DEADLINE_S = 60.0  # for a whole body; a client that never sends the end of its headers is the server's own affair
A_MINUTE = 60  # requests that ask for work, of one address
UPLOADS_AT_ONCE = 8  # they are held in memory
RETRY_S = b"10"
AT_ONCE = 128  # open requests of all visitors; a page holds two

GET = re.compile(
    r"/|/config|/(assets|static|svelte)/.+|/(gradio_api/)?theme\.css|/favicon\.ico|/robots\.txt"
    r"|/gradio_api/(info|app_id|startup-events|queue/data|heartbeat/.+|call/.+)"
)
POST = re.compile(r"/gradio_api/(queue/join|call/.+|cancel|reset)/?")
FILE = "/gradio_api/file="
UPLOAD = "/gradio_api/upload"
PROGRESS = "/gradio_api/upload_progress"

# Gradio starts with inline scripts and compiles templates; nothing may come from, or go to, another machine.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
FOREIGN = re.compile(rb"<(link|meta)\b[^>]*https?://[^>]*>|<script\b[^>]*src=\"https?://[^>]*>\s*</script>", re.DOTALL)


class Refused(Exception):
    """A request that gets a status and one plain sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class Rate:
    """At most so many events a minute of each address.

    Args:
        most: events in any 60 seconds.
        clock: seconds that only rise.
    """

    def __init__(self, most: int = A_MINUTE, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.most, self.clock = most, clock
        self._times: dict[str, deque[float]] = {}

    def allows(self, address: str) -> bool:
        """Whether one more may pass; it is counted if so."""
        now = self.clock()
        self._times = {who: times for who, times in self._times.items() if times[-1] > now - 60}
        times = self._times.setdefault(address, deque(maxlen=self.most))
        if len(times) == self.most and times[0] > now - 60:
            return False
        times.append(now)
        return True


class Gate:
    """ASGI middleware; see the top of this file."""

    def __init__(
        self, app: ASGIApp, *, photos: Photos, folder: Path, rate: Rate, deadline_s: float = DEADLINE_S
    ) -> None:
        self.app, self.photos, self.folder, self.rate, self.deadline_s = app, photos, folder, rate, deadline_s
        self.open = self.uploading = 0
        self.decoding = asyncio.Semaphore(2)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return  # gradio's page needs no websocket
        visitor, is_new = visitor_of(scope)
        with_headers = _with_headers(send, visitor if is_new else None)
        self.open += 1
        try:
            await self._pass(scope, receive, with_headers, visitor)
        except Refused as refused:
            await PlainTextResponse(refused.sentence, refused.status)(scope, receive, with_headers)
        finally:
            self.open -= 1

    async def _pass(self, scope: Scope, receive: Receive, send: Send, visitor: str) -> None:
        path, method = scope["path"], scope["method"]
        if self.open > AT_ONCE:
            raise Refused(503, w.FULL)
        if method in ("GET", "HEAD"):
            if path.startswith(FILE):
                await self._photo(path, visitor)(scope, receive, send)
            elif path == PROGRESS:  # an upload is taken whole: when the page asks how far it is, it is there
                await Response('data: {"msg": "done"}\n\n', media_type="text/event-stream")(scope, receive, send)
            elif GET.fullmatch(path):
                await self.app(scope, receive, _own_page(send) if path == "/" else send)
            else:
                raise Refused(404, w.NOT_FOUND)
            return
        is_upload = path == UPLOAD
        if method != "POST" or not (is_upload or POST.fullmatch(path)):
            raise Refused(404, w.NOT_FOUND)
        if not path.endswith(("/cancel", "/reset")) and not self.rate.allows((scope.get("client") or ("?",))[0]):
            raise Refused(429, w.TOO_OFTEN)
        if is_upload:
            await (await self._upload(scope, receive, visitor))(scope, receive, send)
        else:
            body = await self._read(scope, receive, BODY_BYTES)
            check_json(body)
            await self.app(scope, _replay(body, receive), send)

    def _photo(self, path: str, visitor: str) -> Response:
        kept = self.photos.get(Path(path.removeprefix(FILE)).name, visitor)
        if kept is None:
            raise Refused(404, w.NOT_FOUND)
        return Response(kept.shown, media_type="image/jpeg", headers={"cache-control": "no-store"})

    async def _upload(self, scope: Scope, receive: Receive, visitor: str) -> Response:
        """Gradio's answer to an upload: a list of paths. There is no file at this one."""
        if self.uploading >= UPLOADS_AT_ONCE:
            raise Refused(503, w.FULL)
        self.uploading += 1
        try:
            data = await _only_file(Headers(scope=scope), await self._read(scope, receive, UPLOAD_BYTES))
            async with self.decoding:
                name = await anyio.to_thread.run_sync(self.photos.keep, data, visitor)
        except ImageError as error:
            raise Refused(415, str(error)) from None
        finally:
            self.uploading -= 1
        return JSONResponse([str(self.folder / name)])

    async def _read(self, scope: Scope, receive: Receive, limit: int) -> bytes:
        """The whole body, in memory, before anybody else sees it."""
        too_large = Refused(413, w.TOO_LARGE.format(limit=f"{limit / 1024 / 1024:g}"))
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdigit() or int(announced) > limit:
            raise too_large
        parts, size = [], 0
        try:
            async with asyncio.timeout(self.deadline_s):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Refused(400, w.NO_FILE)
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > limit:
                        raise too_large
                    if not message.get("more_body"):
                        return b"".join(parts)
        except TimeoutError:
            raise Refused(408, w.TOO_SLOW) from None


def visitor_of(scope: Scope) -> tuple[str, bool]:
    """The visitor's secret from the cookie, or a new one; and whether it is new."""
    known = cookie_of(Headers(scope=scope).get("cookie", ""))
    return (known, False) if known else (secrets.token_urlsafe(24), True)


def cookie_of(header: str) -> str:
    """The visitor's secret in a Cookie header, "" if there is none or it is none of ours."""
    found = re.search(rf"(?:^|;)\s*{COOKIE}=([\w-]{{32}})\s*(?:;|$)", header)
    return found[1] if found else ""


def check_json(body: bytes) -> None:
    """Gradio would answer some of these with an error of its own, and others with what the patient said.

    Raises:
        Refused: not an object, or one with NaN, infinite numbers, halves of characters, or depths that nobody needs.
    """
    try:
        content = json.loads(body)
        json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise Refused(422, w.NO_JSON) from None
    if not isinstance(content, dict) or not isinstance(content.get("data", []), list):
        raise Refused(422, w.NO_JSON)


async def _only_file(headers: Headers, body: bytes) -> bytes:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(headers, stream(), max_files=1, max_fields=4)
    parser.spool_max_size = UPLOAD_BYTES + 1  # so that nothing is spooled to a disk
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError, AssertionError):
        raise Refused(400, w.NO_FILE) from None
    try:
        file = form.get("files")
        if not isinstance(file, UploadFile):
            raise Refused(400, w.NO_FILE)
        return await file.read()
    finally:
        await form.close()


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body once more, then whatever comes, such as that the client has gone."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed


def _with_headers(send: Send, new_visitor: str | None) -> Send:
    extra = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
    if new_visitor:
        extra.append((b"set-cookie", f"{COOKIE}={new_visitor}; Path=/; HttpOnly; SameSite=Strict".encode()))

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            busy = [(b"retry-after", RETRY_S)] if message["status"] in (429, 503) else []
            message["headers"] = [*message.get("headers", ()), *extra, *busy]
        await send(message)

    return sending


def _own_page(send: Send) -> Send:
    """The page without its links to other machines: fonts to be fetched beforehand, pictures for social networks."""
    start: Message = {}
    parts: list[bytes] = []

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
            return
        parts.append(message.get("body", b""))
        if message.get("more_body"):
            return
        page = FOREIGN.sub(b"", b"".join(parts))
        kept = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
        start["headers"] = [*kept, (b"content-length", str(len(page)).encode()), (b"cache-control", b"no-store")]
        await send(start)
        await send({"type": "http.response.body", "body": page})

    return sending
