"""Reports of people in the wired gateway: over the downlink, over a restart, into plans and evidence."""

from pathlib import Path

from gengfu.evidence.members import members_of
from gengfu.evidence.ownership import Mark, mark_of
from gengfu.evidence.show import _of_entry
from gengfu.operations_side import _areas
from gengfu.own_devices.desk_site import DeskSite
from gengfu.own_devices.report_places import place_id
from journal.entry import Entry
from protocols.report import KIND, encode_report
from tests.fixtures.tested_gateway import Running, started
from tools import journal_samples as samples

PLACE = place_id("east", "kitchen")
ODOUR = f"{PLACE}~OD-01"


def active(running: Running) -> bool:
    return next(one for one in running.gateway.watch.alarms.records() if one.alarm == ODOUR).active


async def test_odour_is_an_alarm_of_its_area_over_a_restart_until_it_is_withdrawn(tmp_path: Path) -> None:
    async with started(tmp_path) as running:
        answer = await running.ask("report", "kitchen~odour", "li", {"why": "back door", "id": "r1"})
        assert (answer is not None and answer.refusal, active(running)) == ("", True)
        site = running.gateway.site
        assert (_areas(site)[PLACE].id, DeskSite(site).devices[PLACE].area.id) == ("kitchen", "kitchen")
        assert PLACE in {row[0] for row in members_of(site, ["kitchen"])["kitchen"]}
        assert PLACE not in site.devices, "nobody can register, command or put under test what people report"
    async with started(tmp_path) as running:
        running.gateway.rearrange()
        assert active(running)
        answer = await running.ask("withdraw-report", "kitchen~r1", "wang", {"why": "paint"})
        assert (answer is not None and answer.refusal, active(running)) == ("", False)


def test_evidence_knows_whose_a_report_is_and_shows_it_in_words() -> None:
    *_, called, gone = (Entry(KIND, "x", 0, 7, encode_report(one)) for one in samples.reports())
    assert mark_of(called) == mark_of(gone) == Mark((7, samples.T0 - 60), area="east/kitchen")
    shown = [_of_entry(one, {})["text"] for one in (called, gone)]
    assert shown == [
        "report of works-damage at east/kitchen standing by li: 挖机碰到管道 138 0000 0000",
        "report of works-damage at east/kitchen withdrawn by li: 挖机碰到管道 138 0000 0000 wang 是水管",
    ]
