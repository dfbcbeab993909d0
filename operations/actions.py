"""What people may do to a step, and what each act needs: the right role, a reason, evidence. Nothing half-done."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Literal, NamedTuple

from operations.answers import TEXT_MAX, check_answer
from operations.errors import ActionRefused
from operations.plan import Evidence, Plan, Step

Verb = Literal["start", "finish", "skip", "release", "back"]
VERBS: tuple[Verb, ...] = ("start", "finish", "skip", "release", "back")
NAME_MAX = 64
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Action(NamedTuple):
    """One act of one named person. ``role``: the actor of the plan that the person is, or (a recorder) writes down
    for. ``evidence``: texts by evidence id. ``back``: the step did not succeed, go back to an earlier one."""

    step: str
    verb: str
    who: str
    role: str
    evidence: Mapping[str, str] = {}
    why: str = ""


def check_action(
    plan: Plan, step: Step, action: Action, known: Mapping[str, str], rules: Collection[str], now: int
) -> None:
    """Raise `ActionRefused` unless the act is complete and the role's to do. ``known``: evidence given before;
    ``rules``: alarm rules that belong to the run; ``now``: wall ns."""
    check_person(action.who, action.why)
    if action.verb not in VERBS:
        raise ActionRefused(
            f"{action.verb!r} is no action of a step; use one of {', '.join(VERBS)}",
            f"{action.verb!r} 不是步骤操作;可用:{', '.join(VERBS)}",
        )
    if action.role not in roles_for(plan, step, action.verb):
        raise ActionRefused(*_wrong_role(plan, step, action))
    if action.verb == "skip" and not step.may_skip:
        raise ActionRefused(f"step {step.id} cannot be skipped", f"步骤 {step.id} 不可跳过")
    if action.verb == "back" and (step.otherwise is None or step.otherwise.back_to is None):
        raise ActionRefused(f"step {step.id} leads back to no other step", f"步骤 {step.id} 没有可退回的步骤")
    if action.verb in ("skip", "back") and not action.why.strip():
        raise ActionRefused(f"{action.verb} needs a reason", "须填写原因")
    check_evidence(step.evidence, action.evidence, known, _needed_at(action.verb), rules, now)


def check_role(plan: Plan, role: str) -> None:
    """Whoever opens or escalates is one of the plan's actors. Raises `ActionRefused`."""
    if role not in plan.actors:
        raise ActionRefused(f"{role!r} is no actor of plan {plan.id}", f"预案中没有角色 {role!r}")


def check_person(who: str, why: str) -> None:
    """Every act has a name. Raises `ActionRefused`."""
    if not who.strip() or len(who) > NAME_MAX:
        raise ActionRefused(f"an act needs the name of the person (1 to {NAME_MAX} characters)", "须填写操作人姓名")
    _check_storable(who, why)
    if len(why) > TEXT_MAX:
        raise ActionRefused(f"the reason is longer than {TEXT_MAX} characters", f"原因超过 {TEXT_MAX} 字")


def roles_for(plan: Plan, step: Step, verb: str) -> frozenset[str]:
    """Who may do this to the step. A recorder writes down what others report, but releases nothing (S16)."""
    release_by = step.permissive.release_by if step.permissive else None
    if verb == "release":
        return frozenset((release_by,)) if release_by else frozenset()
    recorders = {actor.id for actor in plan.actor if actor.recorder}
    return frozenset(step.by) | recorders | ({release_by} if release_by and verb == "back" else set())


def check_evidence(
    items: Iterable[Evidence],
    given: Mapping[str, str],
    known: Mapping[str, str],
    needed: Collection[str],
    rules: Collection[str],
    now: int,
) -> None:
    """Raise `ActionRefused` for evidence that is unknown or not of its kind, or that is missing now."""
    by_id = {item.id: item for item in items}
    for name, text in given.items():
        if name not in by_id:
            raise ActionRefused(f"there is no evidence {name!r} here; give {', '.join(by_id)}", f"没有证据项 {name!r}")
        _check_storable(text)
        check_answer(by_id[name], text, now)
    have = {**known, **given}
    missing = [
        item for item in by_id.values() if item.at in needed and applies(item, rules) and not have.get(item.id, "")
    ]
    if missing:
        raise ActionRefused(
            "evidence is missing: " + "; ".join(item.title.en for item in missing),
            "缺少证据:" + ";".join(item.title.zh for item in missing),
        )


def applies(item: Evidence, rules: Collection[str]) -> bool:
    """Whether the run needs this evidence at all."""
    return not item.after_rules or not set(item.after_rules).isdisjoint(rules)


def _check_storable(*texts: str) -> None:
    """A database refuses them, and would be taken for broken."""
    if any(_UNSTORABLE.search(text) for text in texts):
        raise ActionRefused(
            "a text holds NUL or half of a character; write it anew", "文本含有无法保存的字符,请重新填写"
        )


def _needed_at(verb: str) -> tuple[str, ...]:
    return {"finish": ("finish",), "release": ("release",)}.get(verb, ())


def _wrong_role(plan: Plan, step: Step, action: Action) -> tuple[str, str]:
    actors = [plan.actors[name].title for name in sorted(roles_for(plan, step, action.verb))]
    en, zh = ", ".join(one.en for one in actors), "、".join(one.zh for one in actors)
    return (
        f"{action.role!r} may not {action.verb} step {step.id}; only: {en or 'nobody'}",
        f"角色 {action.role!r} 无权操作步骤 {step.id};仅限:{zh or '无'}",
    )
