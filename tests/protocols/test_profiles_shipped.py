"""One suite of invariants over all shipped profiles."""

import json
from pathlib import Path

import pytest

from gengfu.sites import GOLDEN
from protocols.profile.emit import emit_registers, module_name
from protocols.profile.golden import check_golden
from protocols.profile.loader import SHIPPED, load_profile, shipped_profiles
from protocols.profile.model import Profile
from protocols.quality import Quality
from protocols.reading import Origin, Reading
from protocols.uplink import decode_pack, encode_readings

ROOT = Path(__file__).parents[2]
NOW = 1_700_000_000 * 10**9
POINTS: dict[str, list[str]] = json.loads((ROOT / "tests/profiles/points.json").read_text())
PROFILES = shipped_profiles()
every_profile = pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
BOARDS = {name: one for name, one in PROFILES.items() if one.file.point[0].modbus and name.startswith("gengfu/")}
"""Those whose firmware is ours."""
every_board = pytest.mark.parametrize("profile", BOARDS.values(), ids=list(BOARDS))


def take(profile: Profile, payload: bytes) -> list[Reading]:
    return decode_pack(payload, 110, received_at=NOW, origin=Origin.LIVE, find_profile=lambda _: profile)


def test_every_shipped_file_is_a_profile() -> None:
    files = {f"{path.parent.name}/{path.stem}" for path in SHIPPED.rglob("*.toml")}
    assert set(PROFILES) == files == set(POINTS)


@every_profile
def test_points_are_only_ever_appended(profile: Profile) -> None:
    """Stored readings hold values by position: names never move, change or go. Append new ones to points.json."""
    assert [point.name for point in profile.points] == POINTS[profile.id]


@every_profile
def test_golden_bytes_decode_in_every_protocol(profile: Profile) -> None:
    assert list(check_golden(profile, GOLDEN)) == []


def protocols_of(profile: Profile) -> set[str]:
    """The kinds of golden bytes that a device of this profile sends."""
    spoken = {"senml", "modbus"} if profile.id in BOARDS else set()
    if profile.file.payload.form != "senml":
        spoken.add("payload")
    if any(point.opcua is not None for point in profile.file.point):
        spoken.add("opcua")
    return spoken or {"senml"}  # what nobody sends, the gateway says of itself: written down as everything is


@every_profile
def test_every_point_has_golden_bytes_in_every_protocol_of_its_device(profile: Profile) -> None:
    assert protocols_of(profile)
    for kind in protocols_of(profile):
        covered = {name for part in profile.file.golden if getattr(part, kind) for name in part.values}
        assert covered == set(profile.by_name), kind


@every_profile
def test_golden_pack_is_one_reading_and_is_read_back_from_its_own_export(profile: Profile) -> None:
    for part in profile.file.golden:
        if part.senml is None:
            continue
        (reading,) = take(profile, part.senml.encode())
        sent = {p.name: v for p, v in zip(profile.points, reading.values, strict=True) if v is not None}
        assert sent == part.values
        assert take(profile, encode_readings([reading], PROFILES)) == [reading]


@every_profile
def test_indexes_follow_the_order_of_the_file(profile: Profile) -> None:
    assert [point.index for point in profile.points] == list(range(len(profile.file.point)))
    assert [point.name for point in profile.points] == [part.name for part in profile.file.point]


@every_profile
def test_life_safety_number_over_its_range_is_bad_over_range(profile: Profile) -> None:
    judged = [point for point in profile.points if point.life_safety and point.type == "number"]
    assert judged or profile.id not in BOARDS
    for point in judged:
        values = tuple(point.high + 1 if one is point else None for one in profile.points)
        assert profile.qualify(values)[point.index] == Quality.BAD_OVER_RANGE


@every_profile
def test_no_flag_of_the_device_hides_an_over_range(profile: Profile) -> None:
    flags = {rule.point for rule in profile.quality_rules}
    for rule in profile.quality_rules:
        if rule.quality is Quality.BAD_OVER_RANGE:
            others = tuple(1.0 if point.index in flags else 0.0 for point in profile.points)
            values = (*others[: rule.point], rule.equals, *others[rule.point + 1 :])
            quality = profile.qualify(values)
            assert [quality[index] for index in rule.affects] == [Quality.BAD_OVER_RANGE] * len(rule.affects)


@every_profile
def test_texts_are_in_both_languages(profile: Profile) -> None:
    texts = [profile.file.profile.title]
    texts += [point.title for point in profile.file.point]
    texts += [state.title for point in profile.file.point for state in point.state]
    texts += [command.title for command in profile.file.command]
    for text in texts:
        assert text.en.isascii()
        assert text.zh
        assert text.zh != text.en


@every_board
def test_committed_registers_are_those_of_the_profile(profile: Profile) -> None:
    path = ROOT / f"firmware/micropython/registers/{module_name(profile)}.py"
    assert path.read_text(encoding="utf-8") == emit_registers(profile), f"run: gengfu profile emit {profile.id}"


def test_loading_again_gives_the_same_figures() -> None:
    path = SHIPPED / "gengfu/gas-alarm.toml"
    assert load_profile(path).points == PROFILES["gengfu/gas-alarm"].points
