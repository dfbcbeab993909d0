"""Which devices belong to an area, as an evidence file names them."""

import json
from collections.abc import Collection
from functools import lru_cache

from device_registry.connections import CoapConnection, MqttConnection
from device_registry.devices import Device, Site
from gengfu.evidence.order import Members
from gengfu.own_devices.report_places import ReportPlaces
from journal.extract import DeviceRow
from protocols.profile.model import Profile


def members_of(site: Site, areas: Collection[str]) -> Members:
    """By area: the devices in it, those whose valves cut its gas off too, and where alarms of its reports stand."""
    found: dict[str, list[DeviceRow]] = {area: [] for area in areas}
    if found:
        for device in (*site.devices.values(), *ReportPlaces(site).values()):
            if device.area.id in found or device.part.upstream_of:
                for area in {device.area.id, *device.part.upstream_of} & found.keys():
                    found[area].append(_row(device))
    return found


def _row(device: Device) -> DeviceRow:
    return DeviceRow(device.id, device.profile.id, device.connection, _points(device.profile))


@lru_cache(256)
def _points(profile: Profile) -> str:
    return json.dumps([[point.name, point.unit] for point in profile.points], ensure_ascii=False)


def vital_connections(site: Site) -> set[str]:
    """Those with at least one device that has a point on which life hangs."""
    return {device.connection for device in site.devices.values() if any(point.life_safety for point in device.points)}


def shared_wires(site: Site) -> tuple[list[str], list[str]]:
    """Connections over which many devices may speak, each naming itself in what it says; and these devices."""
    shared = {one.id for one in site.connections.values() if isinstance(one, (CoapConnection, MqttConnection))}
    return sorted(shared), [device.id for device in site.devices.values() if device.connection in shared]
