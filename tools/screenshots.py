"""`make screenshots`: the pictures of the README, taken from the running demo during a leak.

The real program with the real boards: level 2 at the restaurant's alarm, nothing acknowledged. One run, the page in
both languages. Exit code 3 where a program is missing, 1 where the page did not come to show the leak.
"""

import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Error, Page, ViewportSize, sync_playwright

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "images"
LANGUAGES = {"zh": "zh-CN", "en": "en-GB"}
SIZE = ViewportSize(width=1440, height=900)
PATIENCE_MS = 30_000
MOST_BYTES = 400_000
DEVICE = "demo:gas:0001"
STORY = (
    f"li[data-alarm='{DEVICE}~CK-04']",
    f"li[data-alarm='{DEVICE}~CK-02']",
    "[data-action='close-valve'][data-status='done']",
    "[data-run][data-stage='full']",
)
"""What must be on the page before a picture is taken."""
ALL_GOOD = """() => {
  const cells = [...document.querySelectorAll("[data-device] .cell.key")];
  return cells.length > 0 && cells.every((cell) => cell.dataset.trust === "good");
}"""
ALL_DRAWN = "() => document.fonts.status === 'loaded' && document.querySelector('#panel-chart canvas') !== null"


@contextmanager
def demo(folder: Path) -> Iterator[str]:
    """The running demo; its one-time link. Ended as by Ctrl-C."""
    command = [sys.executable, "-m", "gengfu.cli", "demo", "--data", str(folder), "--port", "0", "--coap-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if link := re.search(r"http://\S+/enter\?key=\S+", line):
                    yield link[0]
                    return
            raise SystemExit(process.wait())
        finally:
            process.terminate()
            process.stdout.read()


def main() -> int:
    """Take the pictures."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print(
            "screenshots: Chromium is missing; sudo apt-get install --no-install-recommends chromium", file=sys.stderr
        )
        return 3
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, demo(Path(folder) / "demo") as link, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        try:
            _leak(browser, link)
            return max(_picture(browser, link, language) for language in LANGUAGES)
        except Error as error:
            print(f"screenshots: {error}", file=sys.stderr)
            return 1
        finally:
            browser.close()


def _open(browser: Browser, link: str, locale: str) -> Page:
    context = browser.new_context(locale=locale, viewport=SIZE, color_scheme="light", reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(link)
    return page


def _leak(browser: Browser, link: str) -> None:
    page = _open(browser, link, LANGUAGES["zh"])
    # Good values of every device: only the leak shall be abnormal in the picture.
    page.wait_for_function(ALL_GOOD)
    page.locator("#demo-board").select_option(DEVICE)
    page.locator("[data-demo='leak']").click()
    page.locator(STORY[0]).wait_for()
    page.context.close()


def _picture(browser: Browser, link: str, language: str) -> int:
    page = _open(browser, link, LANGUAGES[language])
    for selector in STORY:
        page.locator(selector).first.wait_for()
    page.wait_for_function(ALL_DRAWN)
    picture = smaller(page.screenshot())
    page.context.close()
    path = PICTURES / f"duty-desk-leak.{language}.png"
    path.write_bytes(picture)
    print(f"{path.relative_to(ROOT)}  {len(picture) // 1000} kB")
    if len(picture) > MOST_BYTES:
        print(f"screenshots: {path.name} is larger than {MOST_BYTES // 1000} kB", file=sys.stderr)
        return 1
    return 0


def smaller(picture: bytes) -> bytes:
    """The same PNG (ISO/IEC 15948), its image data packed as tightly as zlib can."""
    head, at, data, chunks = picture[:8], 8, b"", []
    while at < len(picture):
        (length,) = struct.unpack_from(">I", picture, at)
        kind, body = picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]
        if kind == b"IDAT":
            data += body
        elif kind in (b"IHDR", b"IEND"):
            chunks.append((kind, body))
        at += length + 12
    chunks.insert(1, (b"IDAT", zlib.compress(zlib.decompress(data), 9)))
    return head + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


if __name__ == "__main__":
    sys.exit(main())
