# Every verb of the project: `make help`. Each does its own set-up, once, kept in .venv, .jars and .setup.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

export PYTHONUTF8 := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

BIN := .venv/bin
CODE := lib jobs tests setup.py $(wildcard benchmarks)

# The Python from which the environment is made: the first that fits, or the one that is named.
PYTHON ?= $(shell for name in python3.11 python3.12 python3; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null && echo "$$name" && break; done)
FOUND = $(or $(PYTHON),python3)
PATIENTLY = PYTHONPATH=lib $(FOUND) -m personalake.patience

# Stamps of an environment that somebody removed are worth nothing.
ifeq ($(wildcard $(BIN)/python),)
$(shell rm -rf .setup)
endif
ifeq ($(wildcard .jars/spark/*.jar),)
$(shell rm -f .setup/jars .setup/archive)
endif
ifeq ($(and $(wildcard .jars/kafka/*.jar),$(wildcard .jars/postgres/*.jar)),)
$(shell rm -f .setup/servers)
endif

PARTS := run world identity erasure encryption planning activation
.PHONY: help setup setup-test doctor demo test lint types check audit secrets bench format docs lock clean clean-demo

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .setup/jars conf/spark-defaults.conf ## Make the environment: Python packages, jars, Spark settings (once)
	@$(if $(filter setup,$(MAKECMDGOALS)),echo "Set up. Next: make demo",:)

setup-test: setup .setup/test .setup/servers ## The same, with what the tests need (once)
	@$(if $(filter setup-test,$(MAKECMDGOALS)),echo "Set up. Next: make test",:)

doctor: setup ## Say what this machine has, and what it lacks
	@$(BIN)/python -m personalake.doctor

demo: setup ## Run the whole suite on real retail data, and show what came of it (WORLD=1: on a made-up one with clicks)
	@$(BIN)/python -m personalake.doctor --quiet
	@$(BIN)/personalake demo $(if $(WORLD),--world)

test: setup-test lint types ## Everything that CI runs: lint, types, architecture, tests
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(PYTEST)

lint: setup-test
	@$(BIN)/ruff check -q $(CODE)
	@$(BIN)/ruff format -q --check $(CODE) || { echo "Not formatted as above; run: make format"; exit 1; }
	@echo "lint: ok"

types: setup-test
	@$(BIN)/mypy --no-error-summary && echo "types: ok"

check: test audit secrets ## make test, and an audit of dependencies (needs the network), and a scan for secrets

audit: setup-test
	@$(BIN)/pip-audit --strict --progress-spinner off --disable-pip --no-deps -r requirements/test.txt 2>&1 \
		| { grep -v '^WARNING' || true; } || { echo "audit: failed; a package that could not be looked up was not audited" \
		"(an index mirror without vulnerability data?)"; exit 1; }

secrets: setup-test
	@git ls-files -z --cached --others --exclude-standard \
		| xargs -0 $(BIN)/detect-secrets-hook --no-verify --baseline .secrets.baseline && echo "secrets: none"

bench: setup-test ## Measure everything, an hour and more; one part: make bench PARTS=identity BENCH="febrl quality"
	@for part in $(PARTS); do echo "== $$part"; $(BIN)/python -m benchmarks.$$part $(BENCH) || failed="$$failed $$part"; done; \
		[ -z "$$failed" ] || { echo "bench: not as asked:$$failed"; exit 1; }

format: setup-test ## Format the code, and mend what can be mended
	@$(BIN)/ruff check -q --fix $(CODE) || true
	@$(BIN)/ruff format -q $(CODE)

docs: setup-test ## Make the pages in docs/, resources/ and the pinned helps again
	@$(BIN)/python -m personalake.tables.dictionary docs/tables.md
	@$(BIN)/python -m personalake.config.reference docs/configuration.md
	@$(BIN)/python -m personalake.config.connection_guide docs/destinations.md
	@$(BIN)/python -m personalake.ingestion.contract_guide docs/contracts.md
	@$(BIN)/python -m personalake.pipelines.bundle resources
	@$(BIN)/python -m personalake.privacy.masking resources/protect_tables.sql
	@$(BIN)/python -m personalake.privacy.data_map docs/data-map.md
	@$(BIN)/python -m personalake.privacy.impact_assessment docs/privacy-impact-assessment.md
	@$(BIN)/python tests/jobs/pin_helps.py

lock: setup-test ## Resolve the pinned versions again (UPGRADE=--upgrade for newer ones)
	@export CUSTOM_COMPILE_COMMAND="make lock"; \
	compile="$(BIN)/python -m piptools compile -q --strip-extras --no-emit-index-url --no-emit-find-links \
		--no-emit-trusted-host --no-emit-options $(UPGRADE) setup.py"; \
	$$compile --extra test -o requirements/test.txt; \
	$$compile --extra demo -c requirements/test.txt -o requirements/demo.txt

clean: ## Remove the environment, the jars and what tools leave behind; data stays
	@rm -rf .venv .setup .jars build dist conf/spark-defaults.conf .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		lib/*.egg-info spark-warehouse
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

clean-demo: ## Remove the default lake with its landing files, exports and report
	@rm -rf lakehouse landing exports report lakehouse-world landing-world exports-world report-world

# --- set-up, one stamp for each step; steps follow each other, so that `make -j` runs none of them twice ---

.setup/venv:
	@command -v $(FOUND) >/dev/null || { echo "✗ Python: not found. Install Python 3.11, on Debian:" \
		"apt-get install -y python3.11 python3.11-venv"; exit 5; }
	@PYTHONPATH=lib $(FOUND) -m personalake.doctor --before-setup --quiet
	@echo "Set-up, once; it needs the network and some minutes."
	@mkdir -p .setup
	@$(PATIENTLY) "Python environment in .venv (once)" -- $(FOUND) -m venv .venv
	@touch $@

.setup/demo: .setup/venv setup.py pyproject.toml requirements/demo.txt
	@$(PATIENTLY) "Python packages, as pinned in requirements/demo.txt (once)" -- \
		$(BIN)/python -m pip install -q -r requirements/demo.txt
	@$(PATIENTLY) "personalake itself (once)" -- $(BIN)/python -m pip install -q --no-deps -e .
	@touch $@

.setup/jars: .setup/demo lib/personalake/jars.py
	@$(BIN)/python -m personalake.setup_jars
	@touch $@

.setup/archive: .setup/jars lib/personalake/setup_archive.py
	@rm -f .jars/classes.jsa
	@$(BIN)/python -m personalake.setup_archive
	@touch $@

conf/spark-defaults.conf: .setup/archive lib/personalake/session.py conf/base.yml conf/environments/local.yml
	@$(BIN)/python -m personalake.setup_spark $@

.setup/test: conf/spark-defaults.conf requirements/test.txt
	@$(PATIENTLY) "Test tools, as pinned in requirements/test.txt (once)" -- \
		$(BIN)/python -m pip install -q -r requirements/test.txt
	@touch $@

.setup/servers: .setup/test
	@$(BIN)/python -m personalake.setup_jars --with-broker --with-database
	@touch $@
