# make run    install what is needed and run a suite (SUITE=config/mini.yaml by default)
# make test   install what is needed and prove that everything works
# make bench  measure the figures of benchmarks/
# make slurm-mini   run the suite mini on a throw-away SLURM too, and compare (root, slurm-wlm and munge; a quarter of an hour)
# make docs   build the documentation as a site: site/index.html
PYTHON ?= python3
SUITE ?= config/mini.yaml
CORES ?= all

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SUITE_NAME = $(shell sed -n 's/^suite: *//p' $(SUITE))

.PHONY: run test check bench docs lock install asmk cluster slurm-mini help

run: $(INSTALLED)
	@$(BIN)/python tools/unlock.py
	$(BIN)/snakemake --cores $(CORES) --configfile $(SUITE)
	@echo "The report is reports/$(SUITE_NAME)/index.html"

test: $(INSTALLED) check
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

bench: $(INSTALLED)
	$(BIN)/python -m pytest benchmarks --benchmark-enable --benchmark-only

docs: $(INSTALLED)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

slurm-mini: cluster
	$(BIN)/python tests/workflow/slurm_mini.py

install: $(INSTALLED)

$(INSTALLED): requirements.lock pyproject.toml tools/install.sh
	PYTHON="$(PYTHON)" sh tools/install.sh $(VENV)

# ASMK's package is published as source: it takes a C compiler, so nothing else asks for it.
asmk: $(INSTALLED)
	sh tools/install.sh $(VENV) requirements-asmk.lock

# SLURM's executor for Snakemake: every `snakemake -n` takes longer with it, so only clusters have it.
cluster: $(INSTALLED)
	sh tools/install.sh $(VENV) requirements-cluster.lock

# The exact versions and hashes of every package, for all platforms and Python versions.
lock:
	uv pip compile pyproject.toml --extra test --universal --python-version 3.11 --generate-hashes --no-header --upgrade -o requirements.lock

help:
	@sed -n 's/^# make/make/p' Makefile
