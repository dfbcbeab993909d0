# The two commands: `make run` and `make test`. Everything lives in this folder: .venv, .cache, gengfu-data.
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.8
UV_STAMP := $(VENV)/.uv-$(UV_VERSION)
UV := VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv
STAMP := $(VENV)/.synced
# Node and npm of the locked packages, for the tests of the pages and the tools of the firmware.
export PATH := $(CURDIR)/$(BIN):$(PATH)
CACHES := .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
ARGS ?=
ONLY ?=
# Tests that run at a time. 0: in one process, as --pdb needs it.
WORKERS ?= 3

.DEFAULT_GOAL := help
.PHONY: help run test check format servers flash firmware-image hil hil-firmware bench bench-peers soak faults fuzz mutants coverage screenshots dashboards lock clean

help: ## Show this list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

$(UV_STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'Python 3.11 or newer is needed. Name one: make PYTHON=python3.12 ...' >&2; exit 3; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

# `uv pip sync` removes what is not locked, our own editable project too: it goes in again afterwards. Bytecode
# is compiled here, because with PYTHONDONTWRITEBYTECODE=1 every later start would compile again (4-6 s, not 1.3).
$(STAMP): $(UV_STAMP) requirements/dev.lock pyproject.toml
	@$(UV) pip sync --quiet --compile-bytecode requirements/dev.lock
	@$(UV) pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

run: $(STAMP) ## Start the demo: the real firmware, gateway and console. ARGS="--port 8080 --data DIR"
	@exec $(BIN)/gengfu demo $(ARGS)

test: check servers hil-firmware ## Everything: checks, then all tests. ARGS="tests/alarms -k shelved" runs a part.
	@$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

check: $(STAMP) ## Format, lint, types, import directions: under a minute.
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(STAMP) ## Format the code and apply safe fixes.
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

servers: $(STAMP) ## Fetch the servers and tools that the tests use into .cache; APT=1 also installs browser and fonts.
	@$(BIN)/python tools/test_servers.py
	@$(BIN)/python -m tools.firmware_stubs
	@$(BIN)/python -m tools.opcua_peer
	@$(BIN)/python -m tools.grafana_schema

flash: $(STAMP) ## Lay the firmware onto a board. BOARD=rp2|esp32 PRODUCT= DEVICE= PORT= ARGS="--gateway H:P --dry-run"
	@$(BIN)/python -m tools.flash --board '$(BOARD)' --product '$(PRODUCT)' --device '$(DEVICE)' \
	  --port '$(or $(PORT),auto)' $(ARGS)

firmware-image: servers hil-firmware ## Freeze the firmware into MicroPython's image, as it is shipped. BOARD=rp2|esp32
	@$(BIN)/python -m tools.firmware_image --board '$(BOARD)'

hil: servers hil-firmware ## The firmware on every board there is: real, emulated Pico, unix port. GENGFU_HIL_BOARD=pico
	@GENGFU_HIL_BOARD=$${GENGFU_HIL_BOARD:-auto} GENGFU_HIL_RATE_S=$${GENGFU_HIL_RATE_S:-60} \
	  $(BIN)/python -m pytest tests/hil tests/firmware -m board $(ARGS)

hil-firmware: $(STAMP) ## Build MicroPython for the emulated Pico and fetch the emulator into .cache: 90 s, once.
	@$(BIN)/python -m tools.hil_firmware

bench: servers hil-firmware ## Measure: bench/results/latest.csv and a table. ONLY=modbus,coap runs some groups.
	@$(BIN)/python -m bench --only '$(ONLY)'

bench-peers: servers ## The same load on us, aiocoap and pymodbus in one run; ratios. ONLY=coap,modbus
	@$(BIN)/python -m bench.peers --only '$(ONLY)'

soak: servers ## A long run under load with InfluxDB away and kill -9. ARGS="--minutes 60"
	@$(BIN)/python -m bench.soak $(ARGS)

fuzz: $(STAMP) ## A hundred thousand malformed frames at every door of the real program. ARGS="--frames 20000 --seed 7"
	@$(BIN)/python -m bench.fuzz $(ARGS)

faults: servers ## Faults of gateway, InfluxDB, disks and clock under load: 20 minutes. ARGS="--only killed,silent-30"
	@$(BIN)/python -m bench.faults $(ARGS)

mutants: $(STAMP) ## Plant faults in the interlocks and see whether a test notices: hours. ARGS="--only FILE --every 9"
	@$(BIN)/python -m tools.mutants $(ARGS)

coverage: $(STAMP) ## Branches of alarms and interlocks that their own tests do not take: 7 minutes. Fails below 100 %.
	@$(BIN)/coverage run -m pytest -q -n 0 $(or $(ARGS),tests/alarms tests/interlocks)
	@$(BIN)/coverage report

screenshots: $(STAMP) ## Take the README's pictures of the duty desk again, from the running demo.
	@$(BIN)/python tools/screenshots.py

dashboards: $(STAMP) ## Make the dashboards of Grafana again. ARGS=--check compares them with what is committed.
	@$(BIN)/python -m dashboards.grafana.build $(ARGS)

lock: $(UV_STAMP) ## Write the lock files again from pyproject.toml. ARGS=--upgrade takes newer versions.
	@for kind in runtime:"--extra demo --extra postgresql" dev:"--extra demo --extra postgresql --group dev"; do \
	  $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header $(ARGS) \
	    --python-version 3.11 pyproject.toml $${kind#*:} -o requirements/$${kind%%:*}.lock || exit 1; done

clean: ## Remove the virtual environment, caches and build results; your gengfu-data stays.
	@rm -rf $(VENV) $(CACHES) dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
