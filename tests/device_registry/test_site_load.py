"""Site files: what is refused and what a good one becomes."""

import dataclasses
from pathlib import Path

import pytest

from device_registry.errors import SiteError
from device_registry.load import compile_site, load_site
from device_registry.rules import check
from device_registry.site import SiteConfig
from protocols.profile.loader import shipped_profiles
from protocols.profile.parts_payload import MqttCommandPart

HERE = Path(__file__).parent
CASES = sorted(case.name for case in (HERE / "refused").iterdir())
ACCEPTED = HERE / "accepted/site.toml"
DEMO = HERE.parents[1] / "sites/demo/site.toml"


@pytest.mark.parametrize("name", CASES)
def test_wrong_site_is_refused_with_every_wrong_key(name):
    case = HERE / "refused" / name
    with pytest.raises(SiteError) as caught:
        load_site(case / "site.toml", shipped_profiles())
    assert str(caught.value).replace(f"{case}/", "") + "\n" == (case / "expected.txt").read_text(encoding="utf-8")


def test_the_file_that_the_refused_ones_are_made_of_is_right():
    site = load_site(ACCEPTED, shipped_profiles())
    assert list(site.devices) == ["east:gas:0001", "east:gas:0002"]
    assert site.time_zone == "Asia/Shanghai"


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SiteError, match=r"none\.toml: cannot be read: No such file or directory"):
        load_site(tmp_path / "none.toml", {})


def test_a_file_in_another_encoding_is_named(tmp_path):
    (tmp_path / "site.toml").write_bytes('[site]\nid = "东"'.encode("gbk"))
    with pytest.raises(SiteError, match=r"site\.toml: byte 13: is not UTF-8: save the file as UTF-8"):
        load_site(tmp_path / "site.toml", {})


def test_the_demo_site_joins_devices_with_profile_area_and_connection():
    site = load_site(DEMO, shipped_profiles())
    alarm = site.devices["demo:gas:0001"]
    assert alarm.profile is shipped_profiles()["gengfu/gas-alarm"]
    assert alarm.area is site.areas["street/hotpot"]
    assert site.connections[alarm.connection].transport == "modbus-rtu"
    assert site.connections[site.devices["demo:bin:0001"].connection].listen == "127.0.0.1:5683"
    assert alarm.points[0].name == "methane"
    assert alarm.part.fan.ex_rated is True


def test_the_profile_is_found_for_registered_devices_only():
    site = load_site(DEMO, shipped_profiles())
    assert site.find_profile("demo:bin:0001") is shipped_profiles()["gengfu/smart-bin"]
    assert site.find_profile("demo:bin:9999") is None


def test_period_is_the_devices_own_or_its_profiles():
    site = load_site(DEMO, shipped_profiles())
    pushing, polled = site.devices["demo:gas:0002"], site.devices["demo:gas:0001"]
    assert pushing.part.period_s is None
    assert pushing.period_s == pushing.profile.file.profile.period_s
    assert polled.period_s == polled.part.period_s != polled.profile.file.profile.period_s


def _without_registers(keep: int):
    """The shipped profiles, with only the first ``keep`` points of the gas alarm in Modbus registers."""
    profile = shipped_profiles()["gengfu/gas-alarm"]
    points = tuple(
        point if number < keep else point.model_copy(update={"modbus": None})
        for number, point in enumerate(profile.file.point)
    )
    file = profile.file.model_copy(update={"point": points})
    return {**shipped_profiles(), profile.id: dataclasses.replace(profile, file=file)}


def test_a_modbus_device_whose_profile_names_no_register_is_refused():
    with pytest.raises(SiteError, match=r"device\[east:gas:0002\]\.profile: 'gengfu/gas-alarm' names no Modbus"):
        load_site(ACCEPTED, _without_registers(keep=0))


def test_a_modbus_device_with_some_points_in_registers_is_accepted():
    assert "east:gas:0002" in load_site(ACCEPTED, _without_registers(keep=1)).devices


@pytest.mark.parametrize(("down", "told"), [("gengfu/m1/down", []), ("valves/m1", ["device[m1].mqtt.down"])])
def test_a_device_does_not_listen_where_one_command_alone_is_told(down, told):
    profile = shipped_profiles()["gengfu/gas-alarm"]
    own = MqttCommandPart(payload="close", topic="valves/{device}")
    commands = tuple(
        command.model_copy(update={"mqtt": own}) if command.name == "close-valve" else command
        for command in profile.file.command
    )
    file = profile.file.model_copy(update={"command": commands})
    config = SiteConfig.model_validate(
        {
            "site": {"id": "west", "title": {"zh": "西区", "en": "West"}},
            "area": [{"id": "well", "title": {"zh": "井", "en": "Well"}, "kind": "well"}],
            "connection": [{"id": "broker", "transport": "mqtt", "host": "broker"}],
            "device": [
                {
                    "id": "m1",
                    "profile": profile.id,
                    "title": {"zh": "表", "en": "Meter"},
                    "area": "well",
                    "connection": "broker",
                    "mqtt": {"down": down},
                }
            ],
        },
        strict=False,
    )
    found = check(config, {profile.id: dataclasses.replace(profile, file=file)})
    assert [path for path, _ in found] == told


def test_a_document_from_elsewhere_is_checked_and_compiled_alike():
    config = SiteConfig.model_validate_json(
        """{"site": {"id": "west", "title": {"zh": "西区", "en": "West"}, "time_zone": "Europe/Paris"},
            "area": [{"id": "well/1", "title": {"zh": "井", "en": "Well"}, "kind": "well"}],
            "connection": [{"id": "coap", "transport": "coap", "listen": "[::1]:5683"}]}"""
    )
    assert list(check(config, {})) == []
    assert compile_site(config, {}).time_zone == "Europe/Paris"
