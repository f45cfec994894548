# Everything starts here: `make help`.
# VENV and PYTHON can be set from outside: `make test PYTHON=python3.12 VENV=/tmp/env`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Renewed when the requirements change; every other target waits for it.
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help env demo test lint format

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(READY) ## Make the environment with every package at its pinned version

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Foretaste needs Python 3.11 or newer: make PYTHON=python3.11 ..." >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

demo: $(READY) ## Build a small shop, train, compare with baselines, recommend
	$(BIN)/foretaste demo

test: $(READY) ## Run the whole test suite
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 8

lint: $(READY) ## Check format, lint, types and the layers of the package
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

format: $(READY) ## Put the code into the house's format
	$(BIN)/ruff format
	$(BIN)/ruff check --fix
