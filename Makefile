# make run: the demonstration; make test: all tests. Both set up .venv first.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
CORES ?= $(shell nproc)
RESOLUTION ?= highest
BIN := .venv/bin
UV_VERSION := 0.13.9

.PHONY: help run test test-slurm test-versions gpu-check survey lint dry-runs docs check lock manual clean

help:
	@echo "make run       run the demonstration (CONFIG=config/compare.yaml for another configuration)"
	@echo "make test      run all tests but the long ones"
	@echo "make test-slurm  run the tiny chain on a SLURM of its own (root on Debian; installs packages)"
	@echo "make test-versions  run the unit tests with PYTHON=python3.13, or RESOLUTION=lowest-direct"
	@echo "make gpu-check   check and time everything that a GPU does, in 8 minutes (DATA=folder of CIFAR-10)"
	@echo "make survey    test all families of networks and the statistics by simulation (an hour)"
	@echo "make docs      build the documentation: site/index.html"
	@echo "make check     lint, dry runs, documentation and all tests, as .ci/run does"
	@echo "make manual    bring the tables of keys (config/README.md) and columns up to date"
	@echo "make lock      pin the dependencies of pyproject.toml anew in requirements.txt"
	@echo "make clean     delete .venv; results stay"

# uv leaves compiling to the first import, which may not write (PYTHONDONTWRITEBYTECODE)
.venv/installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet uv==$(UV_VERSION)
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

# snakemake names neither file nor line of a configuration that is no YAML
run: .venv/installed
	$(if $(CONFIG),$(BIN)/layer-pruning check $(CONFIG))
	PATH="$(CURDIR)/$(BIN):$$PATH" snakemake --cores $(CORES) $(if $(CONFIG),--configfile $(CONFIG))

test: .venv/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" OMP_NUM_THREADS=1 pytest -m "not long and not survey" \
		--numprocesses $(CORES) --dist worksteal

survey: .venv/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" OMP_NUM_THREADS=1 pytest -m survey \
		--numprocesses $(CORES) --dist worksteal

# named by its file, as `make test` leaves it out
test-slurm: .venv/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" pytest tests/slurm/chain_on_slurm.py

# the unit tests with another Python, or with the lowest version of every dependency
test-versions:
	$(PYTHON) -m venv .venv-versions
	.venv-versions/bin/pip install --quiet uv==$(UV_VERSION)
	.venv-versions/bin/uv pip install --quiet --python .venv-versions/bin/python \
		--resolution $(RESOLUTION) --editable ".[test]"
	PATH="$(CURDIR)/.venv-versions/bin:$$PATH" OMP_NUM_THREADS=1 pytest -m "not survey" tests/unit

# no .venv: it runs with the PyTorch that the machine has
gpu-check:
	PYTHONPATH=src $(PYTHON) benchmarks/gpu_check.py --out gpu-check $(if $(DATA),--data $(DATA))

lint: .venv/installed
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile rules workflow/Snakefile
	PATH="$(CURDIR)/$(BIN):$$PATH" snakemake --lint

dry-runs: .venv/installed
	for config in $(filter-out config/config.schema.yaml,$(wildcard config/*.yaml)); do \
		PATH="$(CURDIR)/$(BIN):$$PATH" snakemake --cores 1 --dry-run --quiet \
			--configfile $$config || exit 1; \
	done

docs: .venv/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet

check: lint dry-runs docs test
	PATH="$(CURDIR)/$(BIN):$$PATH" OMP_NUM_THREADS=1 pytest -m long \
		--numprocesses $(CORES) --dist worksteal

lock:
	$(BIN)/uv pip compile --quiet --generate-hashes --python-version 3.11 --no-emit-index-url \
		--extra dev --upgrade --custom-compile-command "make lock" pyproject.toml --output-file requirements.txt

clean:
	rm -rf .venv .venv-versions

manual: .venv/installed
	$(BIN)/python -m layer_pruning.configuration.manual config/config.schema.yaml config/README.md
	$(BIN)/python -m layer_pruning.report.columns docs/reference/outputs.md
