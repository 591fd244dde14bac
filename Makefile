# Everything a newcomer needs. `make serve` and `make test` set up what they use.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
HOST ?= 127.0.0.1
PORT ?= 8080
DATABASE ?= sqlite:///usherd.db
WORKERS ?= $(shell nproc 2>/dev/null || echo 2)

.PHONY: setup dev serve test torture lint bench bench-long lock clean

setup: .venv/.installed
dev: .venv/.dev

.venv/.installed: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("usherd needs CPython 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) install --quiet -r requirements.txt
	$(PIP) install --quiet --no-deps -e .
	touch $@

.venv/.dev: .venv/.installed requirements-dev.txt
	$(PIP) install --quiet -r requirements-dev.txt
	touch $@

serve: setup
	$(BIN)/usherd serve --host $(HOST) --port $(PORT) --database $(DATABASE)

test: dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

# The tests of crashes, overload and wrong input, with many more rounds: about an hour.
torture: dev
	USHERD_TEST_TORTURE=1 USHERD_TEST_FUZZ_SECONDS=600 $(BIN)/python -m pytest tests/torture tests/fuzz tests/property tests/upgrade -n $(WORKERS) --dist loadgroup

lint: dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m tests.requirements

# Minutes, on small databases. `bench-long` takes hours of filling the first time, 40 GB of disk,
# and writes docs/performance.md; `DATA=folder` is where the databases stay.
DATA ?= bench/results/data

bench: dev
	$(BIN)/python -m bench
	$(BIN)/python -m bench.lists --sizes 10000,100000 --data $(DATA)
	$(BIN)/python -m bench.footprint --sizes 10000,100000 --data $(DATA)
	$(BIN)/python -m bench.workers --data $(DATA)

bench-long: dev
	$(BIN)/python -m bench --users 100000 --rounds 9 --seconds 2
	$(BIN)/python -m bench.lists --sizes 10000,1000000,5000000 --rounds 5 --data $(DATA)
	$(BIN)/python -m bench.footprint --sizes 10000,5000000 --requests 1000000 --data $(DATA)
	$(BIN)/python -m bench.workers --rounds 5 --seconds 2 --data $(DATA)
	$(BIN)/python -m bench.recovery
	$(BIN)/python -m bench.page

# Pins every dependency anew; review the difference before committing it.
lock: dev
	$(PIP) install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --no-header --no-emit-index-url --no-annotate pyproject.toml -o requirements.txt --upgrade
	$(BIN)/uv pip compile --quiet --universal --no-header --no-emit-index-url --no-annotate --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt --upgrade

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis tests/.parts
