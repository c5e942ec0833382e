# Assay. `make help` lists the targets.
# The checkout's path may be long and have spaces: recipes use relative paths only, and modules instead of scripts.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help install demo up test test-all test-faults check format bench lock clean

PG ?= 18
python := .venv/bin/python
manage := $(python) manage.py
export PYTHON

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name text; do printf '  make %-11s %s\n' "$$name" "$$text"; done

install: ## .venv with everything, for tests too
	@sh requirements/install.sh dev

demo: ## a working warehouse in the browser (EXAMPLE=retail|ecommerce DATA=folder SERVE=0 PORT=8000)
	@sh requirements/install.sh embedded
	@$(manage) demo $(if $(EXAMPLE),--example "$(EXAMPLE)") $(if $(DATA),--data "$(DATA)") $(if $(filter 0,$(SERVE)),--no-serve) $(if $(PORT),--port "$(PORT)")

up: ## everything in the foreground: servers, worker, beat and the pages (PORT=8000)
	@sh requirements/install.sh embedded
	@$(manage) up $(if $(PORT),--port "$(PORT)")

test: ## the tests without the slow ones (PG=16 for the older PostgreSQL, or DATABASE_URL; ARGS='-k name')
	@sh requirements/install.sh dev
	@PG="$(PG)" $(python) -m pytest -n auto -m "not slow and not faults" $(ARGS)

test-all: ## all tests, on PostgreSQL 18 and 16
	@sh requirements/install.sh dev
	@PG=18 ASSAY_EXAMPLES=2000 $(python) -m pytest -n auto -m "not faults" $(ARGS)
	@PG=16 ASSAY_EXAMPLES=2000 $(python) -m pytest -n auto -m "not faults" $(ARGS)
	@$(MAKE) test-faults

test-faults: ## runs under kill -9, frozen workers, lost servers, for minutes (FAULTS_SEED repeats them; PG, ARGS)
	@sh requirements/install.sh dev
	@PG="$(PG)" $(python) -m pytest tests/faults -m faults -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: ## style, types, migrations, locks
	@sh requirements/install.sh dev
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	DEBUG=1 $(python) -m mypy
	DEBUG=1 $(manage) makemigrations --check --dry-run
	$(python) requirements/lock.py check

format: ## puts the code into the common style
	@sh requirements/install.sh dev
	$(python) -m ruff check --fix .
	$(python) -m ruff format .

bench: ## how close to the limit of this machine (ARGS=--help)
	@sh requirements/install.sh dev
	@$(python) -m bench $(ARGS)

lock: ## requirements/*.txt anew, after pyproject.toml changed (needs uv on PATH)
	@python3 requirements/lock.py write

clean: ## removes .venv, caches and the tests' databases; your data in var/ stays
	@if [ -x $(python) ]; then for version in 18 16; do $(python) -m assay.embedded remove --profile test --version $$version --yes || exit 1; done; fi
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist staticfiles
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
