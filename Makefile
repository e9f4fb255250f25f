# Everything sets itself up: a fresh machine needs Python 3.11 or newer with pip 22.3 or newer, and make.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# `make demo SECONDS=40` stops by itself and ends with one JSON line.
SECONDS ?=

.PHONY: help demo test coverage bench lint format types lock schemas clean

help:
	@echo "make demo [SECONDS=40]  the whole system on this machine, on an embedded broker and a simulated market"
	@echo "make test               every test that can run here; names what could not run and why"
	@echo "make bench              the benchmark table, and build/bench.json"
	@echo "make lint               format, lint, types and import contracts, as the gate checks them"

demo: $(VENV)/.demo
	@$(BIN)/convex demo $(if $(SECONDS),--seconds $(SECONDS))

test: $(VENV)/.test
	$(BIN)/python -m pytest -ra $(TESTS)

# Every branch of what decides, by tests that need nothing running.
coverage: $(VENV)/.test
	$(BIN)/coverage run --data-file=build/.coverage -m pytest -q -m "not kafka and not slow and not chaos" \
	  tests/unit tests/property tests/contract services shared
	$(BIN)/coverage report --data-file=build/.coverage --include='services/*/core/*,shared/domain/*,shared/text/*' --fail-under=100 \
	  --skip-covered

bench: $(VENV)/.test $(VENV)/.bench
	$(BIN)/python -m bench

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The one lock of every extra, with hashes and without the address of any index.
lock:
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header -o requirements.lock

schemas: $(VENV)/.test
	$(BIN)/python -m shared.contracts.schemas docs/schemas

clean:
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*

# One stamp for each extra; the environment is shared. pip stands outside of it: a Debian without python3-venv
# cannot put one in.
$(VENV)/.%: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Convex needs Python 3.11 or newer; name one with PYTHON=python3.11" >&2; exit 2; }
	@$(PYTHON) -m pip --version >/dev/null || { echo "Convex needs pip: install python3-pip" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv --without-pip $(VENV)
	@mkdir -p build
	@echo "installing what $* needs (once)" >&2
	@$(PYTHON) deploy/image/locked.py . $* >build/$*.txt
	@$(PYTHON) deploy/image/locked.py . editable >build/editable.txt
	@$(PYTHON) -m pip --python $(BIN)/python install --disable-pip-version-check --quiet --no-deps \
	  --require-hashes -r build/$*.txt
	@$(PYTHON) -m pip --python $(BIN)/python install --disable-pip-version-check --quiet --no-deps \
	  --require-hashes -r build/editable.txt
	@$(PYTHON) -m pip --python $(BIN)/python install --disable-pip-version-check --quiet --no-deps \
	  --no-build-isolation --editable .
	@touch $@
