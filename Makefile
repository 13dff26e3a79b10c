# Needs Python 3.11, make and a shell; everything else comes into .venv, with hashes, and nothing is compiled.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo demo-keep test check fast bench scale faults drill sweep mutants clean

## watch real messages travel: servers, workers and a stand-in provider on this machine
demo: $(READY)
	@$(BIN)/python -m lab.demo

## the same, and leave it running to look around
demo-keep: $(READY)
	@$(BIN)/python -m lab.demo --keep

## everything that is checked: lint, types, import contracts, all tests
test: check
	@$(BIN)/pytest

## lint, types, import contracts
check: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

## the tests that start no processes
fast: $(READY)
	@$(BIN)/pytest -m "not slow"

## figures, beside one Celery task per message in the same run; writes build/bench.json
bench: $(READY)
	@$(BIN)/python -m benchmarks

## a million messages that wait and one-time codes beside them, and a provider's rate: minutes; writes build/scale.json
scale: $(READY)
	@$(BIN)/python -m benchmarks.backlog
	@$(BIN)/python -m benchmarks.rate

## everything that can go wrong, long; at nine in the evening; and while somebody cancels: writes build/faults.json
faults: $(READY)
	@$(BIN)/python -m lab.faults

## lose the store and get it back, with all that a person should see on the way
drill: $(READY)
	@$(BIN)/python -m lab.drill

## every region's hours beside the clocks of its zones, every ten minutes of a year
sweep: $(READY)
	@$(BIN)/python -m lab.sweep

## defects planted into core, one at a time, goes on where it stopped: writes build/mutants.json
mutants: $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --no-deps -r lab/mutants/requirements.lock
	@$(BIN)/python -m lab.mutants

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "smsqueue needs Python 3.11 or later: make PYTHON=python3.11 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the pinned dependencies into .venv (about half a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --no-deps -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $(READY)

clean:
	@rm -rf .venv build dist
