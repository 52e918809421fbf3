# Everything happens in .venv; `make demo` and `make test` set it up by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

BUILT := $(VENV)/.built
SOURCES := $(wildcard correlator/*.py correlator/*/*.py correlator/*/*/*.py correlator/*.pxd correlator/*/*.pxd)

.PHONY: demo test truth bench fuzz sanitize faults kills corpus lint format clean setup

demo: $(BUILT)
	$(BIN)/correlator demo

# First the rules as plain Python, for their coverage; then everything, with what is compiled.
test: $(BUILT)
	CORRELATOR_PURE=1 $(BIN)/coverage run -m pytest -q tests/unit/core tests/unit/wire tests/golden tests/property
	@$(BIN)/coverage report
	$(BIN)/pytest $(PYTEST)

# live against a load whose every connection is known; needs root. TRUTH='--connections 1000000' is the full one.
truth: $(BUILT)
	$(BIN)/python -m tests.bench.truth $(TRUTH)

# analyse and sockets against tcpdump, tshark, softflowd, tcptrace, ss and psutil; makes 2 GB of captures the first time.
bench: $(BUILT)
	$(BIN)/python -m tests.bench.bench $(BENCH)

# Each target for a minute from the kept corpus, with atheris; FUZZ='--seconds 600 --keep capture' for more of one.
fuzz: $(BUILT)
	@$(BIN)/python -c 'import atheris' 2>/dev/null \
		|| $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement .ci/fuzz.txt
	$(BIN)/python -m tests.fuzz.run $(FUZZ)

# The compiled core with AddressSanitizer and UndefinedBehaviorSanitizer (gcc), over the same corpus and over the tests
# of the rooms that are compiled. PYTHONMALLOC: each object has memory of its own, so that a byte too far is seen.
# SHA1_PORTABLE: as on a machine that has no instructions for SHA-1.
SANITIZED := build/sanitized
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all
WITH_SANITIZERS = LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" PYTHONMALLOC=malloc \
	ASAN_OPTIONS=detect_leaks=0 PYTHONPATH=$(SANITIZED):.
sanitize: $(SANITIZED)/.built
	$(WITH_SANITIZERS) $(BIN)/python -P -m tests.fuzz.replay >build/sanitized.log || { tail -n 60 build/sanitized.log; exit 1; }
	$(WITH_SANITIZERS) $(BIN)/python -P -m pytest -q -o pythonpath=$(SANITIZED) -p no:cacheprovider \
		tests/unit/core tests/unit/wire tests/unit/kernel tests/unit/report/test_rows.py tests/property
	@head -n 1 build/sanitized.log; echo "$$(grep -c : build/sanitized.log) inputs under the sanitizers: nothing found"

$(SANITIZED)/.built: $(READY) setup.py $(SOURCES)
	@CORRELATOR_FLAGS='-O1 -g1 -w -fno-omit-frame-pointer -DSHA1_PORTABLE $(SANITIZERS)' $(BIN)/python setup.py --quiet build \
		--build-lib $(SANITIZED) --build-temp build/sanitized-objects >build/sanitized.log 2>&1 \
		|| { cat build/sanitized.log; exit 1; }
	@touch $@

# Disks that fill, pipes that close, kills at any moment: each many times, in a network namespace; needs root.
# FAULTS='--rounds 50 --clock disk' sets the machine's clock back as well, and tries only what has `disk` in its name.
faults: $(BUILT)
	$(BIN)/python -m tests.faults.run $(FAULTS)

# SIGKILL for live --publish, nats-server and collectors, many times: nothing lost, nothing doubled; needs root.
kills: $(BUILT)
	$(BIN)/python -m tests.fleet.kills $(KILLS)

# A corpus on one process and on clusters of one and two workers of this machine (Dask): the same rows, how fast.
corpus: $(BUILT)
	$(BIN)/python -m tests.bench.corpus $(CORPUS)

lint: $(BUILT)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

setup: $(BUILT)

# What is installed is pinned, with hashes (.ci/lock). Debian keeps ensurepip in a package of its own.
$(READY): pyproject.toml .ci/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'correlator needs Python 3.11 or newer; set PYTHON='; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq python3-venv; } \
		|| { echo 'python3-venv is missing: sudo apt-get install python3-venv'; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement .ci/requirements.txt
	CORRELATOR_NO_BUILD=1 $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# The library hides the sources: it must never be older, and an old one must not stay where a new one fails. Without a
# compiler there is none, and all works the same.
$(BUILT): $(READY) setup.py $(SOURCES)
	@rm -f correlator/_library.*.so
	@$(BIN)/python setup.py --quiet build_ext --inplace >$(VENV)/build.log 2>&1 || { cat $(VENV)/build.log; exit 1; }
	@$(BIN)/python -m compileall -q correlator  # as pip does with what it installs
	@touch $@

clean:
	find correlator -name '*.so' -delete
	rm -rf $(VENV) build *.egg-info .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis
