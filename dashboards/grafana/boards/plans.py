"""Plans and drills: what was run, which steps were late, what the drill's own readings and alarms were.

The one place where the origin is chosen by the reader: drill, real, or simulated, never mixed.
"""

from dashboards.grafana.annotations import ALARMS, PLANS
from dashboards.grafana.board import Board, Placed, Section
from dashboards.grafana.events import event_log
from dashboards.grafana.influxql import DISTRICT, SITE, each, select
from dashboards.grafana.panels import ANY_IS_ORANGE, ANY_IS_RED, PLAIN, Line, Steps, chart, number, ranking, told
from dashboards.grafana.variables import Variable, district, site
from dashboards.grafana.words import Words

KIND = "annotation"
CHOSEN = "\"origin\" = '$origin'"
HERE = (CHOSEN, SITE, DISTRICT)
OF_PLANS = (*HERE, "\"kind\" = 'plan'")
ORIGIN = Variable(
    "origin",
    Words("来源", "origin"),
    "演练 drill : drill, 真实 live : live, 模拟 simulated : simulated",
    fixed=True,
    first=("演练 drill", "drill"),
)
OF_ORIGIN = Words(
    "只含左上所选来源(演练、真实或模拟),从不混合。",
    "Of the origin chosen above only (drill, live or simulated), never mixed.",
)


def _events(event: str) -> tuple[str, ...]:
    """Entries of one event: it stands last in the English title (`gengfu.annotations`)."""
    return (*OF_PLANS, f'"title" =~ /· {event}$/')


def _count(zh: str, en: str, said: Words, event: str, steps: Steps = PLAIN) -> Placed:
    query = select('count("title") AS "v"', KIND, _events(event))
    return Placed(number(told(zh, en, said, OF_ORIGIN, steps=steps), query), 4, 4)


def _key() -> Section:
    return Section(
        Words("关键数字", "Key figures"),
        [
            _count("启动次数", "Runs opened", Words("启动的预案次数。", "Runs that were opened."), "opened"),
            _count("完成次数", "Runs completed", Words("完成的预案次数。", "Runs that were completed."), "completed"),
            _count(
                "升级次数",
                "Escalated",
                Words("从核实升为全级的次数。", "Runs that went from verify to full."),
                "escalated",
            ),
            _count("完成步骤", "Steps done", Words("已完成的步骤数。", "Steps that were done."), "step-done"),
            _count(
                "超时步骤",
                "Steps overdue",
                Words("未按时开始或完成的步骤次数。", "Steps that were not begun or done in time."),
                "step-overdue",
                ANY_IS_ORANGE,
            ),
            _count("撤离", "Withdraw", Words("要求撤离的次数。", "Calls to withdraw."), "withdraw", ANY_IS_RED),
        ],
    )


def _course() -> Section:
    lines = [
        Line(select('count("title") AS "v"', KIND, _events(event), "time($__interval)", "fill(0)"), name)
        for event, name in (
            ("opened", "启动 opened"),
            ("step-done", "步骤完成 step done"),
            ("step-overdue", "步骤超时 step overdue"),
            ("completed", "完成 completed"),
        )
    ]
    said = Words("预案事件的个数。", "Events of plans, counted.")
    late = Words("超时步骤最多的区域:演练改进从这里开始。", "Districts by steps overdue: where to improve first.")
    by_district = select('count("title") AS "v"', KIND, _events("step-overdue"), each("district", by_time=False))
    return Section(
        Words("过程", "Course"),
        [
            Placed(
                chart(
                    told("预案事件", "Events of plans", said, OF_ORIGIN, unit="short", interval="1m"), *lines, bars=True
                ),
                16,
                9,
            ),
            Placed(
                ranking(
                    told("各区域超时步骤", "Steps overdue by district", late, OF_ORIGIN, unit="short"),
                    Line(by_district, "$tag_district"),
                ),
                8,
                9,
            ),
            Placed(event_log("预案记录", "Log of plans", kinds=("plan",), origin=CHOSEN), 24, 12),
        ],
    )


def _around_it() -> Section:
    gas = Words(
        "该来源的甲烷读数:演练时为注入值,从不下发到设备。",
        "Methane of this origin: in a drill the injects, which are never sent to a device.",
    )
    methane = select('max("methane") AS "v"', "gas_alarm", HERE, each("device"), "fill(none)")
    raised = Words("该来源的报警次数。", "Alarms raised, of this origin.")
    per_hour = select(
        'count("alarm") AS "v"', KIND, (*HERE, "\"kind\" = 'alarm'", '"title" =~ /· raise$/'), "time(1h)", "fill(0)"
    )
    return Section(
        Words("读数、报警与联锁", "Readings, alarms and trips"),
        [
            Placed(
                chart(
                    told("甲烷", "Methane", gas, OF_ORIGIN, unit="suffix:%LEL", decimals=1, minimum=0, interval="10s"),
                    Line(methane, "$tag_device"),
                ),
                12,
                9,
            ),
            Placed(
                chart(
                    told("每小时报警次数", "Alarms per hour", raised, OF_ORIGIN, unit="short", interval="1h"),
                    Line(per_hour, "报警 Alarms"),
                    bars=True,
                ),
                12,
                9,
            ),
            Placed(
                event_log(
                    "该来源的报警、联锁与指令",
                    "Alarms, trips and commands of this origin",
                    kinds=("alarm", "trip", "command"),
                    origin=CHOSEN,
                ),
                24,
                10,
            ),
        ],
    )


BOARD = Board(
    "gengfu-plans",
    Words("预案与演练", "Plans and drills"),
    Words(
        "演练和真实响应是怎样进行的,哪些步骤超时?先在上方选来源;演练绝不触动真实阀门。",
        "How did drills and real responses go, which steps were late? Choose the origin above; a drill never moves a "
        "real valve.",
    ),
    (ORIGIN, site(KIND, CHOSEN), district(KIND, origin=CHOSEN)),
    (PLANS._replace(origin=CHOSEN), ALARMS._replace(origin=CHOSEN)),
    (_key(), _course(), _around_it()),
    since="now-30d",
    refresh="1m",
    drill=True,
)
