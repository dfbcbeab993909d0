"""Photos as evidence of a step: sent first, then named in the evidence. Given out as pictures and nothing else."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from starlette.responses import FileResponse

from console.access import Anyone, Officer, Services
from console.api.asking import connected
from console.api.shapes import PROBLEM
from console.problem import Problem
from operations.errors import ActionRefused, StoreError
from operations.photos import MARK

AT_ONCE = 3
"""Each photo waits in memory until it is whole."""
POLICY = "default-src 'none'; sandbox"
"""Nothing in a file that people sent runs, or fetches anything."""

_ONE: dict[int | str, dict[str, Any]] = {401: PROBLEM, 404: PROBLEM, 422: PROBLEM}

router = APIRouter(tags=["plans"])


class Gate:
    """How many photos are coming."""

    def __init__(self) -> None:
        self.coming = 0


class PhotoItem(BaseModel):
    """A kept photo."""

    id: Annotated[str, Field(description=f"SHA-256 of its bytes; evidence names it as `{MARK}ID`.")]
    media_type: str
    bytes: int


@router.post(
    "/photos",
    summary="Send a photo",
    status_code=201,
    responses={401: PROBLEM, 403: PROBLEM, 409: PROBLEM, 413: PROBLEM, 503: PROBLEM},
    openapi_extra={"requestBody": {"required": True, "content": {"image/*": {}}}},
)
async def send(request: Request, _who: Officer, services: Services) -> PhotoItem:
    """The bytes of one PNG, JPEG or WebP picture; what they are is told from themselves. Never from inside a cordon."""
    store, gate = connected(services.photos), request.app.state.photos
    if gate.coming >= AT_ONCE:
        raise Problem("busy", "Too many photos at once.", "同时上传的照片过多,请稍后再试。", {"Retry-After": "5"})
    gate.coming += 1
    try:
        data = bytearray()
        async for piece in request.stream():
            data += piece
        photo = await asyncio.to_thread(store.keep, bytes(data))
    except ActionRefused as error:
        raise Problem("refused", str(error), error.zh) from None
    except StoreError as error:
        raise Problem("photos-unavailable", f"{error}.", "照片未保存:磁盘无法写入。") from None
    finally:
        gate.coming -= 1
    return PhotoItem(id=photo.id, media_type=photo.media_type, bytes=len(data))


@router.get("/photos/{id}", summary="One photo", response_class=FileResponse, responses=_ONE)
async def photo(id_: Annotated[str, Path(alias="id", max_length=80)], _who: Anyone, services: Services) -> FileResponse:
    """The picture as it was sent."""
    found = await asyncio.to_thread(connected(services.photos).find, id_)
    if found is None:
        raise Problem("unknown-photo", "There is no such photo.", "没有这张照片。")
    headers = {
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f'inline; filename="{found.file.name}"',
        "Cache-Control": "private, max-age=86400, immutable",
    }
    return FileResponse(found.file, media_type=found.media_type, headers=headers)
