# demo: bring examples/shop up.  check: formats, lints, types.  quick: tests without an engine.  test: all tests.
# golden: record the golden runs anew, on CLUSTER=embedded or real.
SHELL := /bin/bash
BIN := .venv/bin
export PYTHONDONTWRITEBYTECODE :=

CLUSTER := embedded

.PHONY: demo venv check quick test golden
demo:
	scripts/demo

venv: .venv/.installed

# What the tests need has all that a run needs.
.venv/.installed: requirements.lock pyproject.toml
	scripts/virtual-environment requirements.lock
	touch $@ .venv/.runs

.venv/.runs: requirements-run.lock pyproject.toml
	scripts/virtual-environment requirements-run.lock
	touch $@

check: venv
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy
	$(BIN)/pyright

quick: venv
	$(BIN)/pytest -q -m "not engine and not e2e and not slow"

test: venv
	$(BIN)/pytest -q

golden: venv
	$(BIN)/python -m tests.golden.record --cluster $(CLUSTER)
