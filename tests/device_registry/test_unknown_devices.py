"""Unknown devices are listed for adoption, in bounded memory."""

from device_registry.unknown import Heard, UnknownDevices


def test_an_unknown_device_is_counted_with_its_times_and_last_peer():
    unknown = UnknownDevices()
    unknown.heard("x:1", 100, "10.0.0.1:4000")
    unknown.heard("x:1", 300, "10.0.0.2:4000")
    assert unknown.items() == [Heard("x:1", 2, 100, 300, "10.0.0.2:4000")]


def test_the_last_heard_stands_first():
    unknown = UnknownDevices()
    for at, device in enumerate(["a", "b", "c", "a"]):
        unknown.heard(device, at, "")
    assert [heard.device for heard in unknown.items()] == ["a", "c", "b"]


def test_a_flood_of_made_up_ids_pushes_out_the_longest_silent_and_stays_counted():
    unknown = UnknownDevices(limit=3)
    unknown.heard("real", 0, "")
    for number in range(10):
        unknown.heard(f"made-up:{number}", number, "")
        unknown.heard("real", number, "")
    assert [heard.device for heard in unknown.items()] == ["real", "made-up:9", "made-up:8"]
    assert len(unknown) == 3
    assert unknown.total == 21
    assert unknown.items()[0].messages == 11


def test_an_adopted_device_leaves_the_list():
    unknown = UnknownDevices()
    unknown.heard("x:1", 100, "")
    unknown.adopted("x:1")
    unknown.adopted("x:2")
    assert unknown.items() == []
