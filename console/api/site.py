"""The site, its devices with their newest values, and the profiles."""

import json
from functools import lru_cache
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Response

from console.access import Anyone, Services, signed_in
from console.api.shapes import (
    PROBLEM,
    AreaShape,
    CommandShape,
    DeviceHead,
    Devices,
    DeviceShape,
    Latest,
    LatestValue,
    PointShape,
    Profiles,
    ProfileShape,
    SiteShape,
    SourceShape,
    StateShape,
    Text,
)
from console.present import iso, unit_text
from console.problem import Problem
from console.services import ConsoleServices, DeviceView, TextView
from protocols.profile.model import Profile
from protocols.profile.schema import PointPart
from protocols.reading import Origin

OriginName = Literal["live", "drill", "simulated"]
ORIGINS: dict[OriginName, Origin] = {
    "live": Origin.LIVE,
    "drill": Origin.DRILL,
    "simulated": Origin.SIMULATED,
}
DeviceId = Annotated[str, Path(alias="id", pattern=r"^[A-Za-z0-9._:-]{1,64}$", examples=["demo:gas:0001"])]

public = APIRouter(tags=["site"])
router = APIRouter(tags=["devices"])


def text(one: TextView) -> Text:
    """A text in both languages as the API shows it."""
    return Text(zh=one.zh, en=one.en)


def find_device(services: ConsoleServices, id_: str) -> DeviceView:
    """The device of this id. Raises 404."""
    device = services.site.devices.get(id_)
    if device is None:
        raise Problem("unknown-device", f"No device {id_!r} is registered.", f"设备 {id_} 未登记。", device=id_)
    return device


@public.get("/site", summary="The site")
async def site(services: Services) -> SiteShape:
    """Name, time zone and version; public, because the sign-in page shows it."""
    banner = services.banner
    return SiteShape(
        id=services.site.id,
        title=text(services.site.title),
        time_zone=services.site.time_zone,
        banner=None if banner is None else Text(zh=banner["zh"], en=banner["en"]),
        demo=services.demo is not None,
        version=services.version,
    )


@router.get("/devices", summary="List devices", response_model=Devices, responses={401: PROBLEM, 422: PROBLEM})
async def devices(
    _who: Anyone,
    services: Services,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    after: Annotated[str | None, Query(max_length=64, description="`next` of the page before.")] = None,
) -> Response:
    """The registered devices, by id."""
    known = services.site.devices
    ids = sorted(id_ for id_ in known if after is None or id_ > after)
    page = ids[:limit]
    # A thousand devices with their points are 8 MB: made anew for each, they would hold up the loop for a tenth of a
    # second, in which no alarm is heard.
    items = ",".join(
        f"{_head(services, known[id_]).model_dump_json()[:-1]},{_tail(known[id_].profile)}" for id_ in page
    )
    following = json.dumps(page[-1] if len(ids) > limit else None)
    return Response(f'{{"items":[{items}],"next":{following}}}', media_type="application/json")


@router.get("/devices/{id}", summary="One device", responses={401: PROBLEM, 404: PROBLEM, 422: PROBLEM})
async def device(id_: DeviceId, _who: Anyone, services: Services) -> DeviceShape:
    """What is registered of a device, and when it was last heard."""
    return _device(services, find_device(services, id_))


@router.get("/devices/{id}/latest", summary="Newest values", responses={401: PROBLEM, 404: PROBLEM, 422: PROBLEM})
async def latest(id_: DeviceId, _who: Anyone, services: Services, origin: OriginName = "live") -> Latest:
    """The newest value of each point, each with its own time and quality."""
    found = find_device(services, id_)
    values = services.live.latest(id_, ORIGINS[origin])
    items = [
        LatestValue(
            point=point.name,
            value=values[point.name].value,
            unit=point.unit,
            unit_text=unit_text(point.unit),
            quality=values[point.name].quality,
            at=values[point.name].at,
        )
        for point in found.profile.points
        if point.name in values
    ]
    return Latest(device=id_, items=items)


@router.get("/profiles", summary="List profiles", responses={401: PROBLEM})
async def profiles(_who: Anyone, services: Services) -> Profiles:
    """The device types of the site, by id."""
    known = _profiles(services)
    return Profiles(items=[_profile(known[id_]) for id_ in sorted(known)])


@router.get(
    "/profiles/{vendor}/{model}",
    summary="One profile",
    responses={401: PROBLEM, 404: PROBLEM, 422: PROBLEM},
    dependencies=[Depends(signed_in)],
)
async def profile(vendor: str, model: str, services: Services) -> ProfileShape:
    """A device type: its points, commands, and where its figures come from."""
    found = _profiles(services).get(f"{vendor}/{model}")
    if found is None:
        raise Problem("unknown-profile", "No device type of this name.", "没有这个设备类型。")
    return _profile(found)


def _profiles(services: ConsoleServices) -> dict[str, Profile]:
    used = {one.profile.id: one.profile for one in services.site.devices.values()}
    return {**services.profiles, **used}


def _device(services: ConsoleServices, one: DeviceView) -> DeviceShape:
    return DeviceShape(**dict(_head(services, one)), points=_points(one.profile))


def _head(services: ConsoleServices, one: DeviceView) -> DeviceHead:
    seen = services.live.last_seen(one.id)
    area = one.area
    return DeviceHead(
        id=one.id,
        profile=one.profile.id,
        title=text(one.title),
        area=AreaShape(id=area.id, title=text(area.title), kind=area.kind, address=area.address),
        connection=one.connection,
        last_seen=None if seen is None else iso(seen),
    )


def _points(profile: Profile) -> list[PointShape]:
    return [_point(point) for point in profile.file.point]


@lru_cache(256)
def _tail(profile: Profile) -> str:
    """What follows the head of a device of this type, as JSON."""
    points = ",".join(point.model_dump_json() for point in _points(profile))
    return f'"points":[{points}]}}'


def _point(point: PointPart) -> PointShape:
    return PointShape(
        name=point.name,
        title=text(point.title),
        type=point.type,
        unit=point.unit,
        unit_text=unit_text(point.unit),
        decimals=point.decimals,
        role=point.role,
        life_safety=point.life_safety,
        final_element=point.final_element,
        states=[StateShape(code=one.code, name=one.name, title=text(one.title)) for one in point.state],
    )


def _profile(one: Profile) -> ProfileShape:
    head = one.file.profile
    return ProfileShape(
        id=one.id,
        vendor=head.vendor,
        model=head.model,
        version=head.version,
        kind=head.kind,
        title=text(head.title),
        period_s=head.period_s,
        points=_points(one),
        commands=[
            CommandShape(name=c.name, title=text(c.title), effect=c.effect, final_element=c.final_element)
            for c in one.file.command
        ],
        sources=[SourceShape.model_validate(source.model_dump()) for source in one.file.source],
    )
