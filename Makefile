# Every target does its own set-up. `make demo` and `make test` need Python 3.11+ and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LAKE := .venv-ducklake
LOCKS := deploy/locks
FRICTIONLESS := $(shell sed -n 's/^frictionless==\([^ ]*\).*/\1/p' $(LOCKS)/dev.txt)
SUITE := build/frictionless-$(FRICTIONLESS)
GEO := build/pygeoapi
BENCH ?= verdict harvest rows query mixed listeners partners start store
export PIP_DISABLE_PIP_VERSION_CHECK := 1
INSTALL := -m pip install -q --no-deps
LOCK := build/lock/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate

.PHONY: help demo serve test test-long check format docs lock bench clean

help:            ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: $(VENV)/.runtime  ## the whole service on the example, until Ctrl-C; ARGS="--once" for one round
	$(BIN)/publisher demo $(ARGS)

serve: $(VENV)/.runtime ## the service on this catalog/ and ./data
	$(BIN)/publisher serve $(ARGS)

test: $(VENV)/.dev $(LAKE)/.done $(SUITE)/data $(GEO)/.done  ## all tests, with a real CKAN where root on Debian allows
	@tests/run $(ARGS)

test-long: $(VENV)/.dev $(LAKE)/.done $(SUITE)/data $(GEO)/.done  ## the same with the full random counts
	@PUBLISHER_TEST_SCALE=full tests/run $(ARGS)

check: $(VENV)/.dev $(LAKE)/.done $(SUITE)/data $(GEO)/.done  ## format, lint, types, layers, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@tests/run $(ARGS)

format: $(VENV)/.dev  ## put the code in its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.dev  ## the pages of errors, written from publisher/messages
	$(BIN)/python tests/reference.py

lock:            ## newest versions that pyproject.toml allows, with hashes, for every platform
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install -q uv
	$(LOCK) --upgrade pyproject.toml -o $(LOCKS)/runtime.txt
	$(LOCK) --group build -c $(LOCKS)/runtime.txt -o $(LOCKS)/build.txt
	$(LOCK) pyproject.toml --group dev -c $(LOCKS)/runtime.txt -c $(LOCKS)/build.txt -o $(LOCKS)/dev.txt
	$(LOCK) pyproject.toml --group bench -c $(LOCKS)/dev.txt -o $(LOCKS)/bench.txt
	$(LOCK) pyproject.toml $(LOCKS)/ducklake.in --group suite -o $(LOCKS)/ducklake.txt
	$(LOCK) --upgrade $(LOCKS)/pygeoapi.in -o $(LOCKS)/pygeoapi.txt

bench: $(VENV)/.bench  ## the figures in the README, measured here; BENCH="store" for one of them, "ckan" with CKAN_URL and so on set
	@for it in $(BENCH); do echo "== $$it"; $(BIN)/python tests/bench/$$it.py $(ARGS) || exit 1; done

clean:           ## what can be made again
	rm -rf $(VENV) $(LAKE) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find publisher tests -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/.runtime: $(LOCKS)/runtime.txt $(LOCKS)/build.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python $(INSTALL) --require-hashes -r $(LOCKS)/build.txt
	$(BIN)/python $(INSTALL) --require-hashes -r $(LOCKS)/runtime.txt
	$(BIN)/python $(INSTALL) --no-build-isolation -e .
	touch $@

$(VENV)/.dev: $(LOCKS)/dev.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python $(INSTALL) --require-hashes -r $(LOCKS)/dev.txt
	$(BIN)/python $(INSTALL) --no-build-isolation -e .
	touch $@ $(VENV)/.runtime

$(VENV)/.bench: $(LOCKS)/bench.txt $(VENV)/.dev
	$(BIN)/python $(INSTALL) --require-hashes -r $(LOCKS)/bench.txt
	touch $@

$(LAKE)/.done: $(LOCKS)/ducklake.txt pyproject.toml
	test -x $(LAKE)/bin/python || $(PYTHON) -m venv $(LAKE)
	$(LAKE)/bin/python $(INSTALL) --require-hashes -r $(LOCKS)/ducklake.txt
	$(LAKE)/bin/python $(INSTALL) --no-build-isolation -e .
	touch $@

# Another's server, that partners are tested against: it shares nothing with what is tested.
$(GEO)/.done: $(LOCKS)/pygeoapi.txt
	test -x $(GEO)/bin/python || $(PYTHON) -m venv $(GEO)
	$(GEO)/bin/python $(INSTALL) --require-hashes -r $(LOCKS)/pygeoapi.txt
	touch $@

# The files that Frictionless' own tests read are in its source release alone, of which they are all
# that is kept; hatchling reads its metadata for pip, and nothing of it is run.
$(SUITE)/data: | $(VENV)/.dev
	rm -rf $(SUITE) && mkdir -p $(SUITE)/release
	sed -n '/^frictionless==/,/[^\\]$$/p' $(LOCKS)/dev.txt > $(SUITE)/release.txt
	@echo "fetching the source release of Frictionless $(FRICTIONLESS), for its tests' files"
	@$(BIN)/python -m pip download -q --no-deps --no-build-isolation --no-binary :all: \
		--require-hashes -r $(SUITE)/release.txt -d $(SUITE)/release \
		|| { echo "make: Frictionless' source release cannot be had; the package index is needed once"; exit 1; }
	tar -xzf $(SUITE)/release/*.tar.gz -C $(SUITE)/release --strip-components=1 frictionless-$(FRICTIONLESS)/data
	mv $(SUITE)/release/data $@
	rm -rf $(SUITE)/release $(SUITE)/release.txt
