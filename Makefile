# The two commands: `make run` serves the bookshelf, `make test` runs every check.
# Both make .venv first, with whatever `python3` is (3.11 or newer); PYTHON=python3.13 names another.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000

.PHONY: run mixed test lint types layers pytest browser bench clean

run: $(VENV)/.installed
	cd examples/bookshelf && ../../$(BIN)/carboy run bookshelf:app --port $(PORT)

# A shop with Flask views and typed routes: see examples/mixed/README.md.
mixed: $(VENV)/.mixed
	cd examples/mixed && ../../$(BIN)/carboy run main:app --port $(PORT)

test: lint types layers pytest

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.tested
	$(BIN)/mypy

layers: $(VENV)/.tested
	$(BIN)/lint-imports --no-cache

pytest: $(VENV)/.tested
	$(BIN)/python -m pytest

# The pages in a headless Chromium; `make test` leaves these out where there is none.
browser: $(VENV)/.tested
	CARBOY_BROWSER=1 $(BIN)/python -m pytest tests/browser

# Upstream's own tests against our faces. SUITE=fastapi, flask or extensions (Flask's),
# K="expression", TESTS="tests/x.py", ARGS=--strict; see conformance/README.md.
.PHONY: conformance
conformance:
ifeq ($(SUITE),libraries)
	$(PYTHON) conformance/library_suites.py $(ARGS)
else
	$(PYTHON) conformance/run.py $(SUITE) $(ARGS) $(if $(K),-k "$(K)") $(if $(TESTS),--tests $(TESTS))
endif

# Libraries that reach into FastAPI, on FastAPI and on Carboy: every answer compared.
.PHONY: libraries
libraries:
	$(PYTHON) conformance/libraries.py

# What `carboy migrate convert` does by itself with httpbin and two samples, and what is proved.
.PHONY: migrate-report
migrate-report: $(VENV)/.tested
	$(BIN)/python conformance/migrate/run.py

# Every peer side by side on this machine: about half an hour. See benchmarks/README.md.
bench:
	$(PYTHON) benchmarks/run.py

# What handlers, clients and operators do wrong, to Carboy and to FastAPI on uvicorn: one table.
.PHONY: faults
faults:
	$(PYTHON) benchmarks/faults/run.py

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Carboy needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.13 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'

$(VENV)/.installed: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable . 'sqlmodel>=0.0.24'
	@touch $@

$(VENV)/.mixed: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet flask-login flask-sqlalchemy flask-wtf
	@touch $@

$(VENV)/.tested: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[test]' --group dev
	@touch $@ $(VENV)/.installed $(VENV)/.mixed

clean:
	rm -rf $(VENV) .bench-venv .mypy_cache .ruff_cache .pytest_cache dist
