# make run     the whole product with a demo network, on this machine, from nothing but Python
# make test    everything, on a real PostgreSQL, real sockets and a real Chromium
# make check   style, types, the direction of imports, models against migrations
# make bench   the figures, each beside its floor
# make lock    lock the dependencies anew (needs uv)

VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2
BENCH ?= all
# The first Python here that is new enough.
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13 python3.14; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	pyproject.toml requirements/run.in

.PHONY: run test check bench lock clean
.DELETE_ON_ERROR:

run: $(VENV)/.run
	@exec $(BIN)/hoichan demo

test: $(VENV)/.dev
	@$(BIN)/python scripts/have_chromium.py
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder

check: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_migrations.py

bench: $(VENV)/.dev
	@$(BIN)/python -m bench $(BENCH)

lock:
	$(LOCK) --extra redis --output-file requirements/run.txt
	$(LOCK) --extra redis --group dev --constraint requirements/run.txt --output-file requirements/dev.txt

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# A stamp for each environment: the second start installs nothing.
$(VENV)/.run: requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "Installing hoichan into $(VENV) …"
	@$(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	@echo "Installing hoichan and its tests' tools into $(VENV) …"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.run

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then echo "hoichan needs Python 3.11 or newer." >&2; exit 1; fi
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo \
		"Python's venv is missing (on Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; }
