# `make` lists the commands.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PYTHONUNBUFFERED = 1

.DEFAULT_GOAL := help
.PHONY: help run setup test lint check bench soak messages screenshots clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup ## install, migrate, load programme and demo data, serve on http://127.0.0.1:8000 (PORT, DATABASE_URL)
	@DEMO=$${DEMO:-1} exec $(BIN)/yuqiao serve

setup: $(VENV)/.runtime ## all of `make run` but serving
	@DEMO=$${DEMO:-1} $(BIN)/yuqiao setup

test: $(VENV)/.dev ## the whole suite on SQLite and again on PostgreSQL, with browser tests when a Chromium is found
	@$(BIN)/python -m tests

lint: $(VENV)/.dev ## linters, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint ## the same and the house tests
	$(BIN)/python -m pytest tests/house

bench: $(VENV)/.dev ## benchmarks, as ratios measured in one run
	@for file in bench/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

soak: $(VENV)/.dev ## long runs: more examples of the property tests, the journey in all its forms
	HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest tests

screenshots: $(VENV)/.dev ## the pictures in docs/screenshots
	SCREENSHOTS=1 $(BIN)/python -m pytest tests/browser

clean: ## remove what was installed and built; the data in var/ stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info

$(VENV)/.runtime: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
