"""The gate before an application that stands for gradio and remembers what reached it."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest

httpx = pytest.importorskip("httpx")

from page.phone_photo import phone_photo  # noqa: E402
from starlette.responses import HTMLResponse, PlainTextResponse  # noqa: E402

from mmskin.page.gate import BODY_BYTES, UPLOAD_BYTES, Gate, Rate, cookie_of  # noqa: E402
from mmskin.page.photos import Photos  # noqa: E402

PAGE = (
    '<head><meta property="og:image" content="https://raw.example.com/a.jpg" />'
    '<link rel="preconnect" href="https://fonts.example.com" crossorigin="anonymous" />'
    '<script src="https://cdn.example.com/a.js" async></script><script src="./assets/b.js"></script></head>'
)


class Inner:
    def __init__(self) -> None:
        self.reached: list[tuple[str, bytes]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        self.reached.append((scope["path"], message.get("body", b"")))
        response = HTMLResponse(PAGE) if scope["path"] == "/" else PlainTextResponse("gradio")
        await response(scope, receive, send)


class Served:
    """Requests to the gate, each from a visitor with a cookie jar of its own."""

    def __init__(self, tmp_path: Path, *, most: int = 60, deadline_s: float = 5.0) -> None:
        self.inner, self.photos = Inner(), Photos(max_side=64)
        self.gate = Gate(self.inner, photos=self.photos, folder=tmp_path, rate=Rate(most), deadline_s=deadline_s)

    def visitor(self) -> Any:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.gate), base_url="http://127.0.0.1")


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return Served(tmp_path)


def run(coroutine: Any) -> Any:
    return asyncio.run(coroutine)


def files(data: bytes, name: str = "Erika Mustermann.jpg") -> dict[str, Any]:
    return {"files": (name, io.BytesIO(data), "image/jpeg")}


def test_a_photo_comes_back_to_its_visitor_and_to_nobody_else(served: Served, tmp_path: Path) -> None:
    async def visit() -> None:
        async with served.visitor() as ann, served.visitor() as bob:
            done = await ann.post("/gradio_api/upload", files=files(phone_photo()))
            (path,) = done.json()
            assert Path(path).parent == tmp_path
            assert "Mustermann" not in path
            mine = await ann.get(f"/gradio_api/file={path}")
            assert (mine.status_code, mine.headers["content-type"]) == (200, "image/jpeg")
            assert b"Mustermann" not in mine.content
            theirs = await bob.get(f"/gradio_api/file={path}")
            gone = await bob.get(f"/gradio_api/file={tmp_path}/never.jpg")
            assert (theirs.status_code, theirs.text) == (gone.status_code, gone.text) == (404, "not found")

    run(visit())
    assert served.inner.reached == []
    assert list(tmp_path.iterdir()) == []


def test_the_cookie_cannot_be_read_by_scripts_or_sent_from_elsewhere(served: Served) -> None:
    async def visit() -> Any:
        async with served.visitor() as ann:
            first, second = await ann.get("/config"), await ann.get("/config")
            return first.headers["set-cookie"], second.headers

    cookie, later = run(visit())
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "set-cookie" not in later


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=../../etc/passwd",
        "/gradio_api/proxy=https://example.com/",
        "/gradio_api/stream/a/1/2/playlist.m3u8",
        "/gradio_api/runs",
        "/gradio_api/run-history/records",
        "/gradio_api/deep_link",
        "/gradio_api/dev/reload",
        "/monitoring",
        "/docs",
        "/openapi.json",
        "/login",
    ],
)
def test_what_the_page_does_not_need_does_not_exist(served: Served, path: str) -> None:
    async def visit() -> Any:
        async with served.visitor() as ann:
            return [(await ann.get(path)).status_code, (await ann.post(path, json={})).status_code]

    assert run(visit()) == [404, 404]
    assert served.inner.reached == []


def test_a_file_that_is_no_photo_gets_one_plain_sentence(served: Served) -> None:
    async def visit() -> Any:
        async with served.visitor() as ann:
            return await ann.post("/gradio_api/upload", files=files(b"only text"))

    done = run(visit())
    assert done.status_code == 415
    assert "no image at all" in done.text


@pytest.mark.parametrize(
    "body", [b"", b"--x\r\nbroken", b"--x\r\nContent-Disposition: form-data\r\n\r\nA\r\n--x--\r\n"]
)
def test_a_body_that_is_no_upload_gets_one_plain_sentence(served: Served, body: bytes) -> None:
    async def visit() -> Any:
        async with served.visitor() as ann:
            return await ann.post(
                "/gradio_api/upload", content=body, headers={"content-type": "multipart/form-data; boundary=x"}
            )

    done = run(visit())
    assert (done.status_code, done.text) == (400, "send one file, as multipart/form-data under the name files")


def test_a_body_over_the_limit_is_refused_whether_it_says_its_length_or_not(served: Served) -> None:
    async def chunks() -> Any:
        for _ in range(1 + UPLOAD_BYTES // 2**20):
            yield bytes(2**20)

    async def visit() -> Any:
        async with served.visitor() as ann:
            told = await ann.post("/gradio_api/upload", content=b"", headers={"content-length": str(UPLOAD_BYTES + 1)})
            untold = await ann.post("/gradio_api/upload", content=chunks())
            text = await ann.post("/gradio_api/queue/join", content=bytes(BODY_BYTES + 1))
            return told, untold, text

    for done in run(visit()):
        assert done.status_code == 413
        assert "too large" in done.text
    assert served.inner.reached == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Mustermann",
        b"[]",
        b'{"data": "Mustermann"}',
        b'{"data": [NaN]}',
        b'{"data": [1e999]}',
        b'{"data": ["Mustermann \\ud800"]}',
        b'{"data": ' + b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_json_on_which_frameworks_stumble_is_refused_without_an_echo(served: Served, body: bytes) -> None:
    async def visit() -> Any:
        async with served.visitor() as ann:
            return await ann.post("/gradio_api/queue/join", content=body)

    done = run(visit())
    assert (done.status_code, done.text[:18]) == (422, "send a JSON object")
    assert served.inner.reached == []


def test_a_body_that_does_not_end_is_given_up(tmp_path: Path) -> None:
    served = Served(tmp_path, deadline_s=0.1)

    async def drip() -> Any:
        yield b"--x"
        await asyncio.sleep(5)
        yield b"--"

    async def visit() -> Any:
        async with served.visitor() as ann:
            return await ann.post("/gradio_api/upload", content=drip())

    assert run(visit()).status_code == 408


def test_work_is_limited_by_the_minute_and_looking_is_not(tmp_path: Path) -> None:
    served = Served(tmp_path, most=3)

    async def visit() -> Any:
        async with served.visitor() as ann:
            asked = [await ann.post("/gradio_api/queue/join", json={}) for _ in range(4)]
            return asked, await ann.get("/config")

    asked, looked = run(visit())
    assert [done.status_code for done in asked] == [200, 200, 200, 429]
    assert asked[-1].headers["retry-after"] == "10"
    assert looked.status_code == 200
    assert served.inner.reached[0] == ("/gradio_api/queue/join", b"{}")


def test_uploads_in_memory_are_bounded(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmskin.page.gate.UPLOADS_AT_ONCE", 0)

    async def visit() -> Any:
        async with served.visitor() as ann:
            return await ann.post("/gradio_api/upload", files=files(phone_photo()))

    done = run(visit())
    assert (done.status_code, done.headers["retry-after"]) == (503, "10")


@pytest.mark.parametrize(
    ("header", "visitor"),
    [
        ("mmskin-visitor=" + "a" * 32, "a" * 32),
        ("x={]odd[}; mmskin-visitor=" + "a" * 32 + "; y=1", "a" * 32),  # another program on this computer set it
        ("mmskin-visitor=" + "a" * 31, ""),
        ("not-mmskin-visitor=" + "a" * 32, ""),
        ("", ""),
    ],
)
def test_the_visitor_is_read_from_whatever_cookies_there_are(header: str, visitor: str) -> None:
    assert cookie_of(header) == visitor


def test_the_rate_is_one_of_any_sixty_seconds_and_of_each_address() -> None:
    now = [0.0]
    rate = Rate(2, clock=lambda: now[0])
    assert [rate.allows("a"), rate.allows("a"), rate.allows("a"), rate.allows("b")] == [True, True, False, True]
    now[0] = 61.0
    assert rate.allows("a")


def test_the_page_names_no_other_machine_and_forbids_reaching_one(served: Served) -> None:
    async def visit() -> Any:
        async with served.visitor() as ann:
            return await ann.get("/")

    page = run(visit())
    assert page.text == '<head><script src="./assets/b.js"></script></head>'
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy
