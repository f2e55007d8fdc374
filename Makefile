# Two commands do everything: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
# More than a small machine has cores: most tests wait for others much of the time.
WORKERS ?= 3

.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "factory-tui needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Remedy: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "no venv could be made. Remedy on Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/.installed: requirements.txt pyproject.toml | $(BIN)/python
	@echo "installing into $(VENV), about half a minute"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q factory_tui
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

install: $(VENV)/.installed ## install into .venv

demo: $(VENV)/.installed ## the main job: four seeds become four shipped programs
	@$(BIN)/factory-tui demo

test: $(VENV)/.installed-dev ## every test a user would wait for
	$(PYTEST) -n $(WORKERS) --dist worksteal -m "not chaos"

chaos: $(VENV)/.installed-dev ## kills, floods and long runs
	$(PYTEST) -m chaos

bench-%: $(VENV)/.installed
	@$(BIN)/python -m bench.$*

# Named for `make help`; the pattern makes it. Some only: .venv/bin/python -m bench.engine steps
bench-engine: ## the engine beside its floors; the last line is one JSON object
bench-cells: ## cells beside their floors, docker exec and peers: steps, starts, snapshots, timeouts
bench-harness: ## trajectories a minute beside bare containers by the docker command line and docker-py
bench-journal: ## the journal beside raw sqlite3 and a plain fold; the engine's memory at 64 runs
bench-satisfaction: ## whole runs drawn: what ships wrongly, what rightly, and the interval's coverage and width
bench-console: ## the console in a flood beside a RichLog; the engine with a console that stands still

check: $(VENV)/.installed-dev ## ruff, strict types, import arrows, docs in sync
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/make.py --check

docs: $(VENV)/.installed ## make the reference pages from the code
	$(BIN)/python docs/make.py

lock: | $(BIN)/python ## compile the hashed pins again (needs uv on the PATH)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --group build -o requirements.txt pyproject.toml
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --group build --group dev -o requirements-dev.txt pyproject.toml

clean: ## remove what this Makefile made
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

.PHONY: help install demo test chaos check docs lock clean
