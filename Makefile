# Everything sets itself up: a fresh machine needs Python 3.11 or newer with pip 22.3 or newer, and make.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# `make demo SECONDS=40` stops by itself and ends with one JSON line.
SECONDS ?=
# `make test WORKERS=0 TESTS="tests/unit -k retry"` runs some of the tests in one process.
WORKERS ?= 2
# `make chaos SCENE=postgres KILLS=20 KAFKA=1`
SCENE ?= sqlite
KILLS ?= 200
SEED ?= 1
# `make soak SECONDS=1800 RATE=5000`
RATE ?= 5000
# A file's tests stay in one process, so that what they share is made once.
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help demo test chaos soak fuzz bench lint format types lock schemas clean

help:
	@echo "make demo [SECONDS=40]  the whole system on this machine, on an embedded broker and a simulated market"
	@echo "make test [COVERAGE=1]  every test that can run here; names what could not run and why. COVERAGE also asks"
	@echo "                        whether every branch of what decides is covered"
	@echo "make chaos [SCENE=sqlite] [KILLS=200] [SEED=1] [KAFKA=1]  kill notifiers at random and check what they did; the"
	@echo "                        scenes are sqlite, postgres, full-disk and cut-connections"
	@echo "make soak [SECONDS=1800] [RATE=5000] [SEED=1]  two ingestors and three venues that send thousands of ticks a"
	@echo "                        second and fail every few seconds; every tick is in the log once, or accounted for"
	@echo "make fuzz [SEED=1]      odd replies, records and files by the thousand, frames by the million; takes hours"
	@echo "make bench [QUICK=1]    the benchmark table, and build/bench.json; QUICK asks only whether every part runs"
	@echo "make lint               format, lint, types and import contracts, as the gate checks them"

demo: $(VENV)/.demo
	@$(BIN)/convex demo $(if $(SECONDS),--seconds $(SECONDS))

# With COVERAGE=1 also whether the tests that need nothing running reach every branch of what decides.
test: $(VENV)/.test
ifdef COVERAGE
	@rm -rf build/coverage
	COVERAGE_PROCESS_START=$(CURDIR)/pyproject.toml $(PYTEST) -ra $(TESTS)
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report
else
	$(PYTEST) -ra $(TESTS)
endif

# Thousands of examples each, where the tests try a few hundred: replies of receivers and mail servers, records, files;
# and a million changed frames of each venue.
fuzz: $(VENV)/.test
	HYPOTHESIS_PROFILE=deep $(PYTEST) -ra tests/property tests/integration/notifier/test_webhook_fuzz.py \
	  tests/integration/notifier/test_email_fuzz.py
	$(BIN)/python -m tests.fuzz --count 1000000 --seed $(SEED)

chaos: $(VENV)/.test
	$(BIN)/python -m tests.chaos.notifier_campaign --scene $(SCENE) --kills $(KILLS) --seed $(SEED) $(if $(KAFKA),--kafka)

soak: $(VENV)/.test
	$(BIN)/python -m tests.soak.campaign --seconds $(or $(SECONDS),1800) --rate $(RATE) --seed $(SEED)

bench: $(VENV)/.test $(VENV)/.bench
	$(BIN)/python -m bench $(if $(QUICK),--quick)

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
