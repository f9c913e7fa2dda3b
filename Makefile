# Needs Python 3.11 or later and make; everything else goes into .venv.
#   PYTHON=python3.12 make test      another interpreter
#   TFDS_DATA_DIR=... make test      where TFDS keeps its data

PYTHON ?= python3
VENV := .venv
INSTALLED := $(VENV)/.installed

# Real data that lies beside the checkout is found without being asked for.
ifeq ($(TFDS_DATA_DIR),)
ifneq ($(wildcard ../shared/tensorflow_datasets),)
export TFDS_DATA_DIR := $(abspath ../shared/tensorflow_datasets)
endif
endif
export TF_CPP_MIN_LOG_LEVEL ?= 2

.PHONY: help demo test test-slow reproduce bench bench-check lint format clean

help:  ## Say what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

demo: $(INSTALLED)  ## Train on handwritten digits, score and draw the result
	$(VENV)/bin/python -m ganzoo.run --gin_file=gin/digits_mlp.gin
	@echo "Look at $$(ls -t runs/digits_mlp/samples/*.png | head -n 1)"

test: lint  ## Check style and types, run the fast tests
	$(VENV)/bin/python -m pytest

test-slow: $(INSTALLED)  ## Run the tests that `make test` leaves out
	$(VENV)/bin/python -m pytest -m slow

# Of docs/results.md; faces needs a file first: see tables/faces.toml.
TABLES ?= mnist mnist_conv mnist_losses helvetica mnist_ablations efficiency

reproduce: $(INSTALLED)  ## Train and score the tables of docs/results.md, for hours
	for table in $(TABLES); do $(VENV)/bin/python -m ganzoo.run \
	    --mode=reproduce --table=tables/$$table.toml || exit; done

bench: $(INSTALLED)  ## Time ganzoo beside what else is installed; record it
	$(VENV)/bin/python benchmarks/run.py

bench-check: $(INSTALLED)  ## Fail if ganzoo fell behind the recorded ratios
	$(VENV)/bin/python benchmarks/run.py --check

lint: $(INSTALLED)  ## Check style and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

format: $(INSTALLED)  ## Put the code into the house style
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

clean:  ## Remove the environment and caches; runs/ stays
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache build dist *.egg-info

$(INSTALLED): setup.py pyproject.toml $(wildcard plugins/*/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	    "ganzoo needs Python 3.11 or later: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --editable '.[test]' \
	    $(addprefix --editable ./,$(wildcard plugins/*))
	@touch $@
