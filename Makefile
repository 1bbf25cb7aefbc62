# Everything starts here: `make run` tries the site, `make test` tests it, `make help` says the rest.

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
PIP    := $(PY) -m pip install --quiet --disable-pip-version-check

# A stamp says that a step is done, and for which version of its files: a second `make run` starts at once.
RUNTIME  := $(VENV)/.runtime-installed
DEV      := $(VENV)/.dev-installed
FRONTEND := static/vendor/.copied
BENCH    := var/bench/.installed
BENCH_PY := var/bench/bin/python

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run test test-long check chaos chaos-jobs soak screenshots bench format format-check lint types clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(RUNTIME) $(DEV) $(FRONTEND) ## fetch everything the project needs; safe to repeat

run: $(RUNTIME) $(FRONTEND) ## start the site with all its parts; Ctrl-C stops it
	@exec $(PY) app.py

test: setup ## the tests, five minutes; one file: make test ARGS=tests/test_setup.py
	@$(PY) -m pytest -n 4 --dist loadgroup -m "not long" $(ARGS)

test-long: setup ## the long ones: every page in a browser, in every state, and real servers breaking
	@$(PY) -m pytest -n 2 --dist loadgroup -m long $(ARGS)

chaos-jobs: setup ## 200 jobs while everything is killed; writes var/chaos-jobs.json (15 minutes)
	@$(PY) -m tests.support.chaos_jobs $(ARGS)

soak: setup ## a simulated Friday on the board, long form: make soak MINUTES=60
	@SOAK_MINUTES=$(or $(MINUTES),5) $(PY) -m pytest tests/browser/test_soak.py -s --timeout=0

screenshots: setup ## pictures of every page into docs/screenshots/
	@$(PY) tools/screenshots.py

check: format-check lint types test ## all that continuous integration asks for

format: $(DEV) ## put every file into the one format
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix-only --quiet .

format-check: $(DEV) ## is every file in the one format?
	@$(PY) -m ruff format --check .

lint: $(DEV) ## mistakes, traps and functions that grew too big
	@$(PY) -m ruff check .

types: $(DEV) ## types, strictly in live/
	@$(PY) -m mypy

chaos: setup ## break the real site for 5 minutes (MINUTES=, SEED=) and see whether every page tells the truth
	@$(PY) -m bench.chaos

bench: $(FRONTEND) $(BENCH) ## measure Levain beside its peers: 15 minutes, two with QUICK=1
	@mkdir -p var/bench-bin
	@$(CC) -O2 -Wall -o var/bench-bin/client bench/client.c
	@$(CC) -O2 -Wall -o var/bench-bin/loop bench/peers/loop.c
	@$(BENCH_PY) -m bench.run

clean: ## remove what was fetched and every cache; the data in var/ stays
	rm -rf $(VENV) node_modules static/vendor .pytest_cache .ruff_cache .mypy_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Levain needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements.txt | $(PY)
	$(PIP) -r requirements.txt
	@touch $@

$(DEV): requirements-dev.txt $(RUNTIME) | $(PY)
	$(PIP) -r requirements-dev.txt
	@touch $@

# An environment of its own: the peers must not choose our versions. Without npm the socket.io server is not measured.
$(BENCH): requirements-bench.txt requirements.txt
	$(PYTHON) -m venv var/bench
	$(BENCH_PY) -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	-mkdir -p var/bench-node && cd var/bench-node && npm init -y >/dev/null && npm install --silent --no-audit --no-fund socket.io@4.8.4
	@touch $@

$(FRONTEND): package.json package-lock.json tools/frontend.py | $(PY)
	$(PY) tools/frontend.py
	@touch $@
