"""Photos as evidence: files named by their hash, beside the operations database. Pure bytes: none is ever decoded.

What a photo is, is told from its bytes, never from a name or a header. Only whole PNG, JPEG and WebP pictures are kept.
A picture may carry other things behind or inside it; whoever serves it says what it is and lets no browser guess.
"""

import hashlib
import os
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from operations.errors import ActionRefused, StoreUnusable

MAX_BYTES = 20_000_000
MEDIA_TYPES: Mapping[str, str] = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
"""By the ending of the file."""
MARK = "photo:"
"""Before the id of a kept photo, where the evidence of a step names it."""

_ID = re.compile(r"[0-9a-f]{64}")
_PNG = b"\x89PNG\r\n\x1a\n"


class Photo(NamedTuple):
    """A kept photo. ``id``: SHA-256 of its bytes, hex."""

    id: str
    media_type: str
    file: Path


class PhotoStore:
    """The photos of a site. Thread-safe; blocks on the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, data: bytes) -> Photo:
        """Store it; the same photo twice is one file. Durable when it returns. Raises `ActionRefused` for what is no
        picture or too large, `StoreUnusable` where it cannot be written; nothing is left behind then."""
        if len(data) > MAX_BYTES:
            raise ActionRefused(
                f"a photo has at most {MAX_BYTES // 1_000_000} MB, this one has {len(data) / 1e6:.1f}",
                f"照片最大 {MAX_BYTES // 1_000_000} MB,此文件 {len(data) / 1e6:.1f} MB",
            )
        ending = ending_of(data)
        if ending is None:
            raise ActionRefused(
                "this is no whole PNG, JPEG or WebP picture; take the photo again or save it as JPEG",
                "不是完整的 PNG、JPEG 或 WebP 图片;请重新拍摄或另存为 JPEG",
            )
        name = hashlib.sha256(data).hexdigest()
        file = self._folder / f"{name}.{ending}"
        try:
            self._write(file, data)
        except OSError as error:
            raise StoreUnusable(f"{file.parent}: {error.strerror}; the photo is not stored; check the disk") from None
        return Photo(name, MEDIA_TYPES[ending], file)

    def find(self, photo: str) -> Photo | None:
        """A kept photo by its id; ``None`` for any other text."""
        if _ID.fullmatch(photo) is None:
            return None
        for ending, media_type in MEDIA_TYPES.items():
            file = self._folder / f"{photo}.{ending}"
            if file.is_file():
                return Photo(photo, media_type, file)
        return None

    def check(self, evidence: Mapping[str, str]) -> None:
        """Raise `ActionRefused` where a text names a photo that is not here."""
        for text in evidence.values():
            for word in text.split():
                if word.startswith(MARK) and self.find(word.removeprefix(MARK)) is None:
                    raise ActionRefused(
                        f"there is no photo {word[:80]!r}; send it first (POST /api/v1/photos)",
                        "没有这张照片,请先上传",
                    )

    def _write(self, file: Path, data: bytes) -> None:
        if file.exists():
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self._folder / f".{file.name}.{os.getpid()}.{id(data):x}"
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def ending_of(data: bytes) -> str | None:
    """What kind of whole picture the bytes are; ``None``: none of ours."""
    if data.startswith(_PNG):
        return "png" if _is_png(data) else None
    if data.startswith(b"\xff\xd8\xff"):
        return "jpg" if _is_jpeg(data) else None
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp" if _is_webp(data) else None
    return None


def _is_png(data: bytes) -> bool:
    """Chunks of (length, type, data, CRC-32), the header first, the end at the end (ISO/IEC 15948, 5.3)."""
    at, kinds = len(_PNG), []
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        end = at + 12 + size
        if end > len(data) or zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            return False
        kinds.append(data[at + 4 : at + 8])
        at = end
        if kinds[-1] == b"IEND":
            break
    return at == len(data) and kinds[:1] == [b"IHDR"] and b"IDAT" in kinds and kinds[-1] == b"IEND"


def _is_jpeg(data: bytes) -> bool:
    """Segments up to the scan, with a frame among them, and an end of image after it (ITU-T T.81, B.1). What phones
    put behind the end (a short film) stays there."""
    at, has_frame = 2, False
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xFF:  # fill
            at += 1
            continue
        if size < 2:
            return False
        has_frame |= 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)
        if marker == 0xDA:
            return has_frame and data.find(b"\xff\xd9", at + 2 + size) > 0
        at += 2 + size
    return False


def _is_webp(data: bytes) -> bool:
    """One RIFF file to its last byte, with a picture in its first chunk (RFC 9649, 2.4)."""
    size = int.from_bytes(data[4:8], "little")
    return len(data) in (8 + size, 8 + size + size % 2) and data[12:16] in (b"VP8 ", b"VP8L", b"VP8X")
