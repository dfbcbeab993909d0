"""All dashboards, in the order of the menu."""

from dashboards.grafana.boards import alarms, bins, city, gas, health, hydrogen, plans

BOARDS = (city.BOARD, gas.BOARD, bins.BOARD, hydrogen.BOARD, health.BOARD, alarms.BOARD, plans.BOARD)
