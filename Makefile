# The four verbs: check, quick, test, demo.
SHELL := /bin/bash
BIN := .venv/bin
export PYTHONDONTWRITEBYTECODE :=

.PHONY: venv check quick test demo
venv: .venv/.installed

.venv/.installed: requirements.lock pyproject.toml
	python3 -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
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
