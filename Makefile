# Everything a person or a machine does with this project. `make` alone lists it.

CARGO  ?= cargo
BINARY := target/release/dauso
JUDGES := .judges/.stamp
BROWSER := $(if $(wildcard tests/browser/package-lock.json),tests/browser/node_modules/.stamp)
# Node's own test runner; a folder without tests is no reason to fail.
WEB_TESTS := $(wildcard web/*.test.js web/*.test.mjs web/test/*.test.js web/test/*.test.mjs)

.DEFAULT_GOAL := help
.PHONY: help deps deps-build build demo demo-check test test-long fuzz test-rust test-web lint fmt format-check \
        clippy doc openapi supply deny bench fresh clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## install what building and testing need, or name what cannot be installed
	@tools/deps.sh test
	@$(MAKE) --no-print-directory $(JUDGES) $(BROWSER)

deps-build:
	@tools/deps.sh build

build: deps-build ## release binary at target/release/dauso
	$(CARGO) build --release --locked

demo: build ## build, then run everything on this machine: keys, agencies, sample results, server
	$(BINARY) demo --dir demo

demo-check: build ## start the demo, open every sample result, stop it, start it again
	node tools/demo-check.mjs $(BINARY)

test: deps lint test-web fuzz test-rust ## everything that CI does

test-long: deps ## what takes minutes: fuzzing, two for each reader of untrusted bytes; kill -9 in mid-load
	tools/fuzz.sh 120
	DAUSO_CAMPAIGN=full $(CARGO) test --locked --test it faults::campaign -- --nocapture --test-threads 1

fuzz: ## every seed and every former crash, then three seconds of new inputs for each reader
	tools/fuzz.sh 3

lint: format-check clippy doc openapi supply ## format, lints, documentation, contract, licences

fmt: ## format the sources
	$(CARGO) fmt --all

format-check:
	$(CARGO) fmt --all --check

clippy:
	$(CARGO) clippy --locked --all-targets -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items

openapi: $(JUDGES)
	.judges/bin/python -m openapi_spec_validator openapi.yaml

# The part of `cargo deny check` that needs no network: licences, bans, sources.
supply: $(JUDGES)
	.judges/bin/python tests/judges/supply_chain.py deny.toml

deny: ## cargo-deny with the advisory database (needs `cargo install cargo-deny` and a network)
	$(CARGO) deny --locked check

test-web:
	$(if $(WEB_TESTS),node --test $(WEB_TESTS),@echo "web/: no tests of its own")

# The examples in the documentation first, so that the last line is that of the real tests.
test-rust: $(JUDGES) $(BROWSER)
	$(CARGO) test --locked --doc
	$(CARGO) test --locked --lib --bins --tests

bench: build ## the published figures, beside their limits and peers; writes docs/BENCHMARKS.md
	@tools/deps.sh test
	tools/bench.sh --report docs/BENCHMARKS.md

fresh: ## clone HEAD into an empty directory; check the demo and run the tests there
	tools/fresh.sh

clean: ## remove what was built and installed here; leaves demo/, which holds data
	rm -rf target .judges tests/browser/node_modules bench/peers/express/node_modules bench/peers/fastapi/.venv

$(JUDGES): tests/judges/requirements.txt
	test -x .judges/bin/python || python3 -m venv .judges
	.judges/bin/pip install --quiet --disable-pip-version-check --no-input -r $<
	@touch $@

tests/browser/node_modules/.stamp: tests/browser/package-lock.json
	cd tests/browser && npm ci --no-audit --no-fund --loglevel=error
	@touch $@
