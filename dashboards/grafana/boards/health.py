"""Health of gateways, stores, connections and devices: who is silent, since when, and why.

The gateway writes these measurements itself (docs/influxdb.md), once a minute: steps of charts are two minutes or more.
Counters begin at 0 with each start, so that only their rises are shown.
"""

from dashboards.grafana.board import Board
from dashboards.grafana.boards import health_devices, health_gateways
from dashboards.grafana.variables import places
from dashboards.grafana.words import Words

BOARD = Board(
    "gengfu-health",
    Words("设备与网关健康", "Device and gateway health"),
    Words(
        "哪些设备失联、从何时起,是什么错误,电池和固件怎样,日志是否积压?网关每分钟写一次。",
        "Which devices are silent and since when, with which errors, how are batteries and firmware, does the journal "
        "lag behind? Gateways write once a minute.",
    ),
    places("device_health"),
    (),
    (
        health_devices.now(),
        health_devices.devices(),
        health_devices.errors(),
        health_gateways.gateways(),
        health_gateways.stores(),
        health_gateways.connections(),
    ),
)
