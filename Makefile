# The two commands of a first look: make demo, make test. Both set up .venv by themselves, and need the network only once.

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help venv demo test fuzz faults bench lint docs lock clean

help:
	@echo "make demo    try it: three mails in, tickets, confirmations and a page out, on this machine only"
	@echo "make test    all tests"
	@echo "make lint    ruff and mypy --strict"
	@echo "make fuzz    the property tests with many more examples"
	@echo "make faults  kill, starve and cut the gateway off for hours; ARGS='--scale 0.1 kill' for less, --seed repeats"
	@echo "make bench   measure it"
	@echo "make docs    write docs/commands.md anew"
	@echo "make lock    pin the newest libraries that pyproject.toml allows in requirements.txt"
	@echo "make clean   remove .venv and what tools left"

venv: $(READY)

$(READY): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found: install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: $(READY)
	@$(BIN)/gateway demo

test: $(READY)
	$(BIN)/pytest -n auto --dist worksteal

fuzz: $(READY)
	$(BIN)/pytest -n auto -m hypothesis --hypothesis-profile=fuzz --timeout=0

faults: $(READY)
	$(BIN)/python -m tests.faults.long $(ARGS)

bench: $(READY)
	$(BIN)/python -m benchmarks

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: $(READY)
	$(BIN)/typer gateway.cli.main utils docs --name gateway --title Commands --output docs/commands.md

lock:
	$(PYTHON) -m venv --clear .venv-lock
	.venv-lock/bin/python -m pip install --quiet editables hatchling -e '.[dev,postgresql,s3,uvloop]'
	{ echo "# Everything that make installs, pinned. Made by: make lock"; \
	  .venv-lock/bin/python -m pip freeze --exclude-editable; } > requirements.txt
	rm -rf .venv-lock

clean:
	rm -rf .venv .venv-lock .mypy_cache .ruff_cache .hypothesis demo
	find . -name __pycache__ -prune -exec rm -rf {} +
