"""Plans and runs as the API shows them, made from the views of `operations`."""

from collections.abc import Iterable
from typing import Any

from console.duty.places import find_area, iso_or_none, text
from console.services import SiteView, TextView
from operations.events import PlanEvent
from operations.plan import Plan, Step
from operations.views import ActorView, EvidenceView, RunView, SensorView, StepView

WORDS = {"finish": "done"}
"""What the API calls a verb of `operations.actions`, where the two differ."""


def plan_item(plan: Plan) -> dict[str, Any]:
    """A plan without its steps."""
    verified = all(step.verified for step in plan.step) and all(source.verified for source in plan.source)
    return {
        "id": plan.id,
        "version": plan.plan.version,
        "title": text(plan.plan.title),
        "steps": len(plan.step),
        "verified": verified,
    }


def plan_detail(plan: Plan) -> dict[str, Any]:
    """A plan with its steps."""
    return {
        **plan_item(plan),
        "notice": text(plan.plan.notice),
        "areas": list(plan.plan.areas),
        "drill_allowed": plan.plan.drill_allowed,
        "contacts": [{"id": one.id, "title": text(one.title), "phone": one.phone} for one in plan.contact],
        "zones": [
            {
                "id": one.id,
                "title": text(one.title),
                "radius_m": one.radius_m,
                "step": one.step,
                "verified": one.verified,
            }
            for one in plan.zone
        ],
        "steps": [_plan_step(plan, step) for step in plan.step],
    }


def _plan_step(plan: Plan, step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "title": text(step.title),
        "actor": _joined(plan.actors[name].title for name in step.by),
        "stage": step.stage,
        "mark": step.mark,
        "verified": step.verified,
        "after": list(step.after),
        "only_if": step.only_if.model_dump(mode="json") if step.only_if else None,
        "start_min": step.start_min,
        "done_min": step.done_min,
        "evidence": _joined(item.title for item in step.evidence) if step.evidence else None,
        "permissive": text(step.sensor.text) if step.sensor else None,
        "else": text(step.otherwise.text) if step.otherwise else None,
    }


def run_item(site: SiteView, run: RunView) -> dict[str, Any]:
    """A run with its steps and its log."""
    opened = next((event for event in run.events if event.event == "opened"), None)
    return {
        "id": run.id,
        "plan": {"id": run.plan, "title": text(run.title), "version": run.version},
        "notice": text(run.notice),
        "area": _area(site, run),
        "mode": run.mode,
        "stage": _stage(run),
        "state": "open" if run.state in ("verify", "full") else run.state,
        "opened_at": iso_or_none(run.opened_at),
        "closed_at": iso_or_none(run.ended_at),
        "trigger": {"alarm": opened.alarm if opened else "", "rule": opened.rule if opened else ""},
        "steps": [_step(step) for step in run.steps],
        "close": {"by": [_actor(one) for one in run.close_by], "evidence": [_evidence(one) for one in run.close]},
        "log": [_logged(event) for event in run.events],
    }


def _area(site: SiteView, run: RunView) -> dict[str, Any]:
    """Where it is; the gateway is in no area of the site, and has a plan all the same."""
    if run.area.id in site.areas:
        return find_area(site.areas, run.area.id)
    return {"id": run.area.id, "title": text(run.area.title), "kind": run.area.kind, "address": ""}


def _stage(run: RunView) -> str:
    """The stage; of a run that ended, the one it had come to."""
    if run.state in ("verify", "full"):
        return run.state
    return "full" if any(event.event == "escalated" for event in run.events) else "verify"


def _step(step: StepView) -> dict[str, Any]:
    ended = step.state in ("done", "skipped")
    judged = step.sensor is not None and step.sensor.judged
    return {
        "id": step.id,
        "title": text(step.title),
        "actor": _joined(actor.title for actor in step.actors),
        "state": step.state,
        "mark": step.mark,
        "verified": step.verified,
        "after": list(step.after),
        "opened_at": iso_or_none(step.released_at if judged else step.ready_at),
        "deadline": _deadline(step),
        "overdue": step.overdue,
        "done_at": iso_or_none(step.ended_at),
        "done_by": step.who if ended else "",
        "why": step.why,
        "evidence": _joined(item.title for item in step.evidence) if step.evidence else None,
        "evidence_items": [_evidence(item) for item in step.evidence],
        "evidence_after": step.evidence_after,
        "inside": step.inside,
        "permissive": _permissive(step.sensor) if step.sensor else None,
        "else": text(step.otherwise) if step.otherwise else None,
        "actions": [WORDS.get(verb, verb) for verb in step.may],
        "roles": {WORDS.get(verb, verb): [_actor(one) for one in actors] for verb, actors in step.may.items()},
    }


def _deadline(step: StepView) -> str | None:
    """The one that was missed first while the step is overdue, else the next."""
    times = [one.due_at for one in step.deadlines if bool(one.fired_at) is step.overdue]
    return iso_or_none(min(times, default=0))


def _permissive(sensor: SensorView) -> dict[str, Any]:
    return {
        "text": text(sensor.text),
        "state": _sensor_state(sensor),
        "verified": sensor.verified,
        "left_s": sensor.left_s,
        "reasons": [text(reason) for reason in sensor.reasons],
        "release_by": _actor(sensor.release_by) if sensor.release_by else None,
    }


def _sensor_state(sensor: SensorView) -> str:
    """``held`` and ``not-held`` are said of the condition. Nobody but people judges an advisory one."""
    if not sensor.judged:
        return "advisory"
    if sensor.fulfilled:
        return "held"
    return "not-held" if sensor.reasons else "unknown"


def _evidence(item: EvidenceView) -> dict[str, Any]:
    return {
        "id": item.id,
        "kind": item.kind,
        "title": text(item.title),
        "at": item.at,
        "at_least": item.at_least,
        "unit": item.unit,
        "options": [{"id": one.id, "title": text(one.title)} for one in item.options],
        "given": item.given,
    }


def _actor(actor: ActorView) -> dict[str, Any]:
    return {"id": actor.id, "title": text(actor.title)}


def _logged(event: PlanEvent) -> dict[str, Any]:
    return {
        "at": iso_or_none(event.at),
        "step": event.step,
        "event": event.event,
        "who": event.who,
        "role": event.role,
        "why": event.why,
        "text": {"zh": event.zh, "en": event.en} if event.en else None,
    }


def _joined(titles: Iterable[TextView]) -> dict[str, str]:
    known = list(titles)
    return {"zh": "、".join(one.zh for one in known), "en": ", ".join(one.en for one in known)}
