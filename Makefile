# make run, make test: see README.md.  PYTHON=python3.9 chooses another Python for .venv.
PYTHON ?= python3
VENV ?= .venv
# On Windows the folder is called Scripts.
BIN = $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
SESSION = fixtures/sessions/notepad-22000-synthetic.kdtoken.gz
PLAIN = $(VENV)/.installed
STAMP = $(VENV)/.installed-test
DEV = $(VENV)/.installed-dev
DOCS = $(VENV)/.installed-docs

.PHONY: help run test engine golden check mutants bench bench-compare docs fuzz law faults clean

help:
	@echo "make run      dump notepad.exe's token from the recording that the repository carries"
	@echo "make test     the tests: no Windows, no network, no Wine (KDTOKEN_EXAMPLES=all: every example, build and case, as in CI)"
	@echo "make check    ruff (lint and format) and mypy --strict"
	@echo "make engine   the bench: the genuine debugger engine under Wine (installs Debian packages)"
	@echo "make mutants FILE=kdtoken/model/sid.py   small faults put in by machine: which of them no test notices"
	@echo "make bench    what a token costs on the wire, beside other tools; how fast logs and dumps are read"
	@echo "make bench-compare OLD=FILE   what moved since that bench.json (the last run is in build/bench.json)"
	@echo "make golden   write fixtures/golden/ anew; read the diff before you commit it"
	@echo "make docs     the site and the man page in build/docs; runs examples and notebooks, checks every link between pages"
	@echo "make fuzz     every reader of what a stranger wrote, MINUTES=1 each; what fails is kept in tests/fuzz/corpus"
	@echo "make law      each reader is given the worst 100 MB that was thought of: 60 s of a processor and 1 GB are the law"
	@echo "make faults   single faults in a machine's memory, COUNT=10000: what is shown is true, marked, or cannot be known"
	@echo "make clean    remove .venv and build/"

$(PLAIN): pyproject.toml kdtoken/__main__.py kdtoken/build_hook.py
	@echo "setting kdtoken up in $(VENV) (once; a minute at most)" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  echo "this Python cannot make a virtual environment; on Debian: apt install python3-venv" >&2; rm -rf $(VENV); exit 1; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	@touch $@

$(STAMP): $(PLAIN)
	@echo "installing into $(VENV) what the tests need (once; a minute or two)" >&2
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e ".[test]"
	@touch $@

$(DEV): $(STAMP)
	@echo "installing into $(VENV) ruff and mypy (once)" >&2
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e ".[dev]"
	@touch $@

$(DOCS): $(STAMP)
	@echo "installing into $(VENV) what the documentation is made with (once)" >&2
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e ".[docs]"
	@touch $@

run: $(PLAIN)
	@$(BIN)/kdtoken dump --session $(SESSION) notepad.exe

test: $(STAMP)
	$(BIN)/python -m pytest

check: $(DEV)
	$(BIN)/ruff check kdtoken tests vm fixtures
	$(BIN)/ruff format --check kdtoken tests vm fixtures
	$(BIN)/mypy

golden: $(STAMP)
	$(BIN)/python -m tests.golden

engine: $(STAMP)
	$(BIN)/python -m tests.engine

# One file takes minutes, all of model, decode, view and analysis a night.
mutants: $(STAMP)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e ".[mutants]"
	$(BIN)/python -m tests.faults $(FILE)

bench: $(STAMP)
	$(BIN)/python -m tests.engine.bench
	$(BIN)/python -m tests.engine.bench_log
	$(BIN)/python -m tests.engine.bench_dump
	$(BIN)/python -m tests.engine.bench_shapes
	$(BIN)/python -m tests.engine.bench_lake
	$(BIN)/python -m tests.mutants

# OLD=a build/bench.json of before
bench-compare: $(STAMP)
	@$(BIN)/python -m tests.engine.bench_rows $(OLD) $(NEW)

docs: $(DOCS)
	$(BIN)/python -m sphinx -n -W --keep-going -q -b html docs build/docs/html
	$(BIN)/python -m sphinx -W -q -D nb_execution_mode=off -b man docs build/docs/man
	$(BIN)/python -m sphinx -W -q -D nb_execution_mode=off -b doctest docs build/docs/doctest
	@echo "build/docs/html/index.html, build/docs/man/kdtoken.1"

MINUTES ?= 1
fuzz: $(STAMP)
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES)

law: $(STAMP)
	$(BIN)/python -m tests.fuzz.law

# 150 a second on a quiet core.
COUNT ?= 10000
faults: $(STAMP)
	$(BIN)/python -m tests.fault_hunt --count $(COUNT)

clean:
	rm -rf $(VENV) build
