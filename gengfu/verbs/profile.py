"""``gengfu profile list | show ID | decode ID PAYLOAD | emit ID``."""

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gengfu.errors import InputError
from gengfu.sites import read_profiles
from protocols.errors import DecodeError, ProfileError
from protocols.payload import decode_payload
from protocols.profile.emit import emit_registers
from protocols.profile.model import Profile
from protocols.quality import Quality
from protocols.reading import Origin, Reading
from protocols.uplink import decode_pack


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("--profiles", type=Path, action="append", default=[], help="a further folder of profiles")
    parser.add_argument("--json", action="store_true", help="list, show: for scripts")
    what = parser.add_subparsers(dest="what", required=True)
    what.add_parser("list", help="every profile in one line")
    for name, about in (("show", "points and commands"), ("emit", "the register module for the firmware")):
        what.add_parser(name, help=about).add_argument("id", help="vendor/model")
    decode = what.add_parser(
        "decode", help="decode what a device of this profile sent: a SenML pack (JSON, or CBOR as hex), JSON, or hex"
    )
    decode.add_argument("id", help="vendor/model")
    decode.add_argument("pack", help="the payload, or - for standard input")
    decode.add_argument("--port", type=int, help="the LoRaWAN FPort of hex")


def run(options: argparse.Namespace) -> int:
    """List, show, emit or decode."""
    profiles = read_profiles(tuple(options.profiles))
    if options.what == "list":
        _list(profiles, options.json)
        return 0
    profile = profiles.get(options.id)
    if profile is None:
        raise InputError(f"no profile {options.id!r}; one of {', '.join(profiles)}")
    if options.what == "show":
        _show(profile, options.json)
    elif options.what == "emit":
        print(_emitted(profile), end="")
    else:
        _decode(profile, sys.stdin.read() if options.pack == "-" else options.pack, options.port)
    return 0


def _emitted(profile: Profile) -> str:
    try:
        return emit_registers(profile)
    except ProfileError as error:
        raise InputError(str(error)) from error


def _list(profiles: Mapping[str, Profile], as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {"id": one.id, "kind": one.kind, "points": len(one.points), "title": one.file.profile.title.model_dump()}
        for one in profiles.values()
    ]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        print(f"{row['id']:<28}{row['kind']:<16}{row['points']:>3} points  {row['title']['zh']} {row['title']['en']}")


def _show(profile: Profile, as_json: bool) -> None:
    if as_json:
        print(profile.file.model_dump_json(exclude={"golden"}))
        return
    print(f"{profile.id}: {profile.file.profile.title.zh} {profile.file.profile.title.en}")
    for point in profile.points:
        span = "" if point.high == float("inf") else f"{point.low:g} to {point.high:g} "
        print(f"  {point.name:<20}{point.type:<9}{span}{point.unit if point.unit != '1' else ''}")
    for command in profile.file.command:
        print(f"  command {command.name:<12}{command.title.zh} {command.title.en}")


def _decode(profile: Profile, text: str, port: int | None) -> None:
    text = text.strip()
    is_json = text.startswith(("[", "{"))
    try:
        payload = text.encode() if is_json else bytes.fromhex(text)
    except ValueError:
        raise InputError("the pack is neither JSON nor hex") from None
    try:
        readings = _readings(profile, payload, is_json=is_json, port=port)
    except DecodeError as error:
        raise InputError(str(error)) from None
    for reading in readings:
        print(json.dumps(_as_json(profile, reading.values, reading.quality, reading.at), ensure_ascii=False))


def _readings(profile: Profile, payload: bytes, *, is_json: bool, port: int | None) -> list[Reading]:
    now, origin = time.time_ns(), Origin.SIMULATED
    if profile.file.payload.form == "senml":
        # whatever device the pack names: it is the user who says that it has this profile
        return decode_pack(
            payload, 110 if is_json else 112, received_at=now, origin=origin, find_profile=lambda _device: profile
        )
    return decode_payload(profile, payload, device="-", received_at=now, origin=origin, port=port, is_bare=not is_json)


def _as_json(profile: Profile, values: tuple[Any, ...], quality: tuple[int, ...], at: int) -> dict[str, Any]:
    points = {
        point.name: {"value": value, "quality": Quality(code).name}
        for point, value, code in zip(profile.points, values, quality, strict=True)
        if value is not None or code
    }
    return {"at_ns": at, "points": points}
