# make setup     the virtual environment            make contracts  write the generated schemas again
# make test      all tests, on a real Kafka         make claims     what the tests prove, claim by claim
# make lint      style, types, layers               make bench      measure, and write build/bench.json
# make demo      the whole system in sandboxes      make clean      remove what was built
# make test-long         tests that take a minute or more each: brokers that die, an operator's whole day
# make test-containers   the image and compose.yaml, on a Docker engine of its own (root on Debian)
# make words      words that are not used here, and class names used twice (make words PATHS=services/cli)
# make catalogues        the texts for people: collect, update, compile
# make lock             the hashes of every dependency, after constraints.txt has changed
# make sbom             build/sbom.cdx.json, the bill of materials (CycloneDX)
# make bench-small       every benchmark at a small size: shows that they work, not what they measure

SHELL := /bin/bash
VENV := .venv
PYTHON := $(VENV)/bin/python
WORKERS ?= 2
CONTAINERS ?= containers
RUN := build/claims-run.json
# As a module: so Babel finds the extraction method in ops/.
BABEL := $(PYTHON) -m babel.messages.frontend -q
SOURCES := $(shell find contracts services ops tests -type f -not -path '*/__pycache__/*' 2>/dev/null) pyproject.toml

# Each test has a limit of its own (pyproject.toml); the limit of the whole run only ends one that hangs.
PYTEST = $(PYTHON) -m pytest -n $(WORKERS) --dist loadgroup --session-timeout=2400
# Results for the claims are only taken from whole runs, hence no way to choose tests here: call pytest for that.
PYTEST_ALL = $(PYTEST) --ignore=tests/benchmarks -m 'not containers and not long' \
	--broker-run=build/broker.json --claims-run=$(RUN)

.PHONY: requirements test-requirements setup test lint words contracts catalogues lock sbom claims test-long test-containers bench bench-small demo clean

# What the machine must have, checked before anything is downloaded.
requirements:
	@ops/setup/requirements

# What the tests need besides: a browser.
test-requirements:
	@ops/setup/requirements --browser

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml ops/setup/requirements-dev.txt
	@ops/setup/venv $(VENV)
	@touch $@

test: test-requirements setup
	@$(PYTEST_ALL)

lint: setup
	@failed=0; \
	for check in "ruff check ." "ruff format --check ." "mypy" "lint-imports" "python -m ops.lint.words" "python -m ops.lint.names"; do \
		echo "--- $$check"; $(VENV)/bin/$$check || failed=1; \
	done; \
	exit $$failed

words: setup
	@$(PYTHON) -m ops.lint.words $(PATHS); words=$$?; $(PYTHON) -m ops.lint.names && exit $$words

contracts: setup
	@$(PYTHON) -m contracts.generate
	@$(PYTHON) -m services.console.api.freeze

# Texts for people: collects them from the code, adds new ones to the catalogues, and compiles the catalogues.
# The headers stay as they are, dates included: a run without a new text changes no file.
catalogues: setup
	@mkdir -p build
	@$(BABEL) extract -F pyproject.toml --no-location --sort-output -k _ -o build/davtari.pot .
	@$(BABEL) update --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date -w 120 -D davtari -i build/davtari.pot -d services/locale
	@$(BABEL) compile -D davtari -d services/locale

# Hashes of every dependency, after constraints.txt has changed.
lock:
	@$(PYTHON) ops/setup/lock.py

sbom: setup
	@$(PYTHON) -m ops.sbom

# A failing test is no reason to withhold the list: the tool says so and fails.
$(RUN): $(SOURCES) | test-requirements setup
	-@$(PYTEST_ALL)

claims: $(RUN)
	@$(PYTHON) -m ops.claims $(RUN) build/claims.json

test-long: requirements setup
	@$(PYTEST) --ignore=tests/benchmarks -m 'long and not containers'

test-containers: setup
	@ops/containers/with-engine $(PYTHON) -m pytest tests/containers -m '$(CONTAINERS)' -n 0 -x

bench: requirements setup
	@$(PYTHON) -m pytest tests/benchmarks -n 0 -s

bench-small: requirements setup
	@DAVTARI_BENCH_SIZE=small $(PYTHON) -m pytest tests/benchmarks -n 0 -s

demo: requirements setup
	@$(VENV)/bin/davtari demo

clean:
	@rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .cache/kafka/node-*
	@find contracts services ops tests -name __pycache__ -type d -prune -exec rm -rf {} +
