# The two commands: `make run` and `make test`.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.8
STAMP := $(VENV)/.synced
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test check format servers clean lock

help: ## Show this list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

$(STAMP): requirements/dev.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/uv --version 2>/dev/null | grep -q ' $(UV_VERSION) ' || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip sync --quiet --compile-bytecode requirements/dev.lock
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

run: $(STAMP) ## Start the demo: the real firmware, gateway and console in one process.
	@exec $(BIN)/gengfu demo $(ARGS)

servers: $(STAMP) ## Fetch the servers and the browser that the tests use.
	@$(BIN)/python tools/test_servers.py

test: $(STAMP) servers check ## Everything: checks, unit, property, server, board and browser tests.
	@$(BIN)/python -m pytest $(ARGS)

check: $(STAMP) ## Format, lint, types, import directions: under a minute.
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(STAMP) ## Format the code and apply safe fixes.
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

lock: ## Write the lock files again from pyproject.toml.
	@for kind in runtime:"--extra demo" dev:"--extra demo --group dev"; do \
	  VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
	    --python-version 3.11 pyproject.toml $${kind#*:} -o requirements/$${kind%%:*}.lock; done

clean: ## Remove the virtual environment, caches and build results.
	@rm -rf $(VENV) .cache dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
