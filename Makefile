# sealcore. `make help` lists the targets; `make demo` and `make test` set up everything they need.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMPS := $(VENV)/.stamps
export PATH := $(abspath $(BIN)):$(PATH)
# What tests import is compiled once, not by every process: pip leaves that of their libraries to the first import,
# because most of them is never imported.
unexport PYTHONDONTWRITEBYTECODE
PIP    := $(BIN)/python -m pip install --quiet

# The benchmarks of the imprint room: their own package, and the model of seals that tests use too.
MEASURE := PYTHONPATH=benches:tests/support $(BIN)/python -m

BENCHES := $(or $(ROOM),hash sign ledger imprint)

RUST   := $(shell find core bindings -name '*.rs' -o -name Cargo.toml) Cargo.toml Cargo.lock

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test test-rust test-python lint-rust lint-python bench accuracy plot soak soak-sign soak-model soak-ledger soak-imprint lint stubs header wheel clean prerequisites

help: ## Print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: $(STAMPS)/installed ## Build the wheel (release) and install it with all extras into .venv

demo: setup ## The main job on the embedded default: apply, approve, seal, verify, audit
	@$(BIN)/sealcore demo $(DEMO)

# Two at a time: what one waits for leaves the machine to the other.
test: ## Rust tests, Python tests
	@$(MAKE) --no-print-directory -j2 test-rust test-python

test-rust: prerequisites
	cargo test --locked --release
	# The published numbers once more on each backend; one that the processor lacks runs the next below it.
	for backend in scalar avx2 avx512; do SEALCORE_REQUIRE_BACKENDS= SEALCORE_BACKEND=$$backend \
		cargo test --locked --release -q -p sealcore-tests --test hash --test sign || exit 1; done

test-python: $(STAMPS)/development
	$(BIN)/python -m pytest -q -n auto --dist loadfile

bench: $(STAMPS)/benches ## Benchmarks beside other libraries; ROOM=sign runs one room (Rust rooms need OpenSSL's headers)
	$(foreach room,$(filter-out imprint,$(BENCHES)),cargo bench --locked --manifest-path benches/Cargo.toml --target-dir target --bench $(room) &&) true
	$(if $(filter sign,$(BENCHES)),cargo build --locked --release --manifest-path benches/Cargo.toml --target-dir target --bin border && $(MEASURE) border)
	$(if $(filter ledger,$(BENCHES)),$(BIN)/python benches/python/ledger.py)
	$(if $(filter imprint,$(BENCHES)),$(MEASURE) imprint.speed)

accuracy: $(STAMPS)/benches ## Error rates of imprints; PART=forgeries runs one part, SCALE=10 more seals, REGISTRY=100000 a larger one
	@$(MEASURE) imprint.accuracy $(PART) $(if $(SCALE),--scale $(SCALE)) $(if $(REGISTRY),--registry $(REGISTRY)) $(if $(JOBS),--jobs $(JOBS))

plot: $(STAMPS)/benches ## Draw error against displacement from the last `make accuracy`
	$(MEASURE) imprint.plot core/docs/imprint/error.svg

soak: prerequisites soak-$(or $(ROOM),sign) ## The long runs, by hand: ROOM=sign (SIGNATURES=10000000), ROOM=model, ROOM=ledger (KILLS=600), ROOM=imprint (SECONDS=3600)

soak-sign:
	cargo run --locked --release -p sealcore-tests --bin soak-sign -- $(SIGNATURES)

soak-model:
	SEALCORE_SOAK=1 cargo test --locked --release -p sealcore-tests --test model

soak-ledger: $(STAMPS)/development
	tests/soak/ledger

soak-imprint:
	cargo build --locked --release -p sealcore-tests --bin soak-imprint
	ulimit -v 1048576 && target/release/soak-imprint $(or $(SECONDS),3600)

lint: lint-rust lint-python ## rustfmt, clippy, rustdoc, ruff, mypy, stubtest; warnings are errors

lint-rust: prerequisites
	cargo fmt --all --check
	cargo clippy --locked --release --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --release -q -p sealcore --no-deps
	# The lock of the benchmarks follows the workspace.
	cargo update --locked -q --workspace --manifest-path benches/Cargo.toml

lint-python: $(STAMPS)/development
	$(BIN)/ruff check python tests benches
	$(BIN)/ruff format --check python tests benches
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest sealcore._core

stubs: setup ## Check the stubs against the built module
	$(BIN)/python -m mypy.stubtest sealcore._core

header: prerequisites ## Regenerate the C header
	SEALCORE_UPDATE_HEADER=1 cargo test --locked --release -q -p sealcore-tests --test header

wheel: $(STAMPS)/capi ## Build dist/sealcore-*.whl with the C library and header inside
	$(BIN)/maturin build --release --out dist

clean: ## Remove everything that was built
	rm -rf $(VENV) target dist python/sealcore/lib python/sealcore/include python/sealcore/*.so

prerequisites:
	@command -v cargo >/dev/null || { echo "sealcore needs Rust 1.89 or newer: install it from https://rustup.rs" >&2; exit 1; }
	@rustc --version | awk '{split($$2, v, "."); exit !(v[1] > 1 || v[2] >= 89)}' || { echo "sealcore needs Rust 1.89 or newer, found $$(rustc --version): run 'rustup update stable'" >&2; exit 1; }
	@command -v $(PYTHON) >/dev/null || { echo "sealcore needs Python 3.11 or newer: install it, or name it with 'make PYTHON=/path/to/python3'" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "sealcore needs Python 3.11 or newer, found $$($(PYTHON) --version): name another with 'make PYTHON=/path/to/python3.11'" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "sealcore needs Python's venv module: on Debian run 'apt-get install python3-venv'" >&2; exit 1; }

$(STAMPS)/venv: | prerequisites
	$(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade 'pip>=25.1' 'maturin>=1.14,<2'
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/capi: $(RUST) $(STAMPS)/venv
	cargo build --locked --release -p sealcore-capi
	@mkdir -p python/sealcore/lib python/sealcore/include
	cp target/release/libsealcore.so python/sealcore/lib/libsealcore.so.0
	cp bindings/c/include/sealcore.h python/sealcore/include/sealcore.h
	@touch $@

$(STAMPS)/installed: $(RUST) pyproject.toml $(STAMPS)/venv $(STAMPS)/capi
	$(PIP) --no-build-isolation --editable ".[all]"
	@touch $@

$(STAMPS)/development: $(STAMPS)/installed
	$(PIP) --no-compile --group development
	@touch $@

$(STAMPS)/benches: $(STAMPS)/development
	$(PIP) --no-compile --group benches
	@touch $@
