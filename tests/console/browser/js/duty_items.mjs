// Items as the server sends them, for the tests in this folder.

const both = (text) => ({ zh: text, en: text });
export const AREA = { id: "street/hotpot", title: { zh: "厨房", en: "Kitchen" }, kind: "commercial-kitchen", address: "8 号" };
export const RAISED = Date.UTC(2026, 10, 20, 8);
export const iso = (ms) => new Date(ms).toISOString();

/** @param {object} [more] */
export function alarm(more = {}) {
  return {
    id: "d:1~CK-04",
    device: "d:1",
    device_title: both("D1"),
    area: AREA,
    point: "methane",
    point_title: both("Methane"),
    rule: "CK-04",
    title: { zh: "燃气泄漏 二级", en: "Gas leak, level 2" },
    state: "unacknowledged",
    active: true,
    priority: "critical",
    class: "life-safety",
    level: 2,
    origin: "live",
    value: 61.25,
    unit: "%{LEL}",
    unit_text: "%LEL",
    quality: "good",
    raised_at: iso(RAISED),
    changed_at: iso(RAISED),
    sampled_at: iso(RAISED),
    late: false,
    acknowledged_by: "",
    acknowledged_at: null,
    silence_until: null,
    silenced_by: "",
    silenced_why: "",
    cause: both("cause"),
    consequence: both("consequence"),
    response: [{ id: "R3", zh: "疏散", en: "Evacuate" }],
    respond_within_s: 60,
    verified: false,
    reset_needs: "role",
    orphan: false,
    actions: ["acknowledge"],
    ...more,
  };
}

/** @param {object} [more] */
export function effect(more = {}) {
  const device = { device: "d:1", device_title: both("D1") };
  return { cause: "RK-1", effect: "E1", action: "close-valve", ...device, status: "done", reason: [], ...more };
}

/** @param {object} [more] */
export function interlock(more = {}) {
  return {
    id: "street/hotpot~restaurant-kitchen",
    area: AREA,
    matrix: "restaurant-kitchen",
    title: both("Matrix"),
    mode: "act",
    origin: "live",
    state: "armed",
    tripped_at: null,
    first_out: null,
    causes: [],
    effects: [],
    closed: [],
    reset_after_s: 600,
    verified: false,
    ...more,
  };
}

/** @param {object} [more] */
export function step(more = {}) {
  return {
    id: "K01",
    title: both("Step"),
    actor: { zh: "店主、员工", en: "Owner, Staff" },
    state: "open",
    mark: "P",
    verified: false,
    after: [],
    opened_at: iso(RAISED),
    deadline: iso(RAISED + 60_000),
    overdue: false,
    done_at: null,
    done_by: "",
    why: "",
    evidence_items: [],
    evidence_after: false,
    inside: false,
    permissive: null,
    else: null,
    actions: ["start", "done"],
    roles: {},
    ...more,
  };
}

/** @param {object[]} steps @param {object} [more] */
export function run(steps, more = {}) {
  return {
    id: "r-1",
    plan: { id: "p", title: both("Plan"), version: 1 },
    notice: both("Leave first"),
    area: AREA,
    mode: "live",
    stage: "full",
    state: "open",
    opened_at: iso(RAISED),
    closed_at: null,
    trigger: { alarm: "d:1~CK-04", rule: "CK-04" },
    steps,
    close: { by: [], evidence: [] },
    log: [],
    ...more,
  };
}
