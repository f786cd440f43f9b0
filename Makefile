# make setup     the virtual environment            make contracts  write the generated schemas again
# make test      all tests, on a real Kafka         make claims     what the tests prove, claim by claim
# make lint      style, types, who imports whom     make bench      measure, and write build/bench.json
# make demo      the whole system against the sandbox               make clean  remove what was built
# make test-long         the tests that take a minute or more each: other brokers, an operator's whole day
# make test-containers   the image and compose.yaml, on a Docker engine of its own (root on Debian)

SHELL := /bin/bash
VENV := .venv
PYTHON := $(VENV)/bin/python
WORKERS ?= 2
CONTAINERS ?= containers
RUN := build/claims-run.json
SOURCES := $(shell find contracts services ops tests -type f -not -path '*/__pycache__/*' 2>/dev/null) pyproject.toml

# Results for the claims are only taken from whole runs, hence no way to choose tests here: call pytest for that.
PYTEST_ALL = $(PYTHON) -m pytest -n $(WORKERS) --dist loadgroup --ignore=tests/benchmarks -m 'not containers and not long' \
	--session-timeout=900 --broker-run=build/broker.json --claims-run=$(RUN)

.PHONY: setup test lint contracts claims test-long test-containers bench demo clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	@ops/setup/venv $(VENV)
	@touch $@

test: setup
	@$(PYTEST_ALL)

lint: setup
	@failed=0; \
	for check in "ruff check ." "ruff format --check ." "mypy" "lint-imports"; do \
		echo "--- $$check"; $(VENV)/bin/$$check || failed=1; \
	done; \
	exit $$failed

contracts: setup
	@$(PYTHON) -m contracts.generate

# A failing test is no reason to keep the list back: the tool says so and fails.
$(RUN): $(SOURCES) | setup
	-@$(PYTEST_ALL)

claims: $(RUN)
	@$(PYTHON) -m ops.claims $(RUN) build/claims.json

test-long: setup
	@$(PYTHON) -m pytest -n $(WORKERS) --dist loadgroup --ignore=tests/benchmarks -m 'long and not containers' \
		--session-timeout=900

test-containers: setup
	@ops/containers/with-engine $(PYTHON) -m pytest tests/containers -m '$(CONTAINERS)' -n 0 -x

bench: setup
	@$(PYTHON) -m pytest tests/benchmarks -n 0 -s

demo: setup
	@$(VENV)/bin/davtari demo

clean:
	@rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .cache/kafka/node-*
	@find contracts services ops tests -name __pycache__ -type d -prune -exec rm -rf {} +
