# SPDX-License-Identifier: MIT
# Thin: every target is a call of Meson or of a script that says more.
# `make run` and `make test` install what is missing; the others expect it to be there.
SCRIPTS := tools/scripts
PREFIX ?= /usr/local
BUILD ?= ninja
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1

.PHONY: build run test soak bench install headers format tidy docs rpcdocs clean

build: ## the command, optimised, in build/
	@$(SCRIPTS)/configure.sh g++ build -Ddebug=false -Doptimization=2 -Dtools=enabled -Dbodies_together=6
	@$(BUILD) -C build

run: ## the main job on this machine's own logins, or on the demo world
	@$(SCRIPTS)/run.sh

test: ## every test; the last line counts them
	@$(SCRIPTS)/test.sh

soak: ## the long runs: logins that everything tries to lose, then fuzzing, an hour for each target
	@.ci/run --only faults --only removals --only fuzz --fault-level soak --fuzz-seconds $(or $(SECONDS),3600) --file-fuzz-seconds $(or $(SECONDS),3600)

bench: ## every benchmark, in one run
	@$(SCRIPTS)/configure.sh g++ build-bench --buildtype=release -Dtools=enabled -Dbench=true
	@ninja -C build-bench
	@python3 tests/bench/run_bench.py build-bench
	@python3 tests/bench/proxy_bench.py build-bench

install: ## below PREFIX (DESTDIR is honoured)
	@$(SCRIPTS)/configure.sh g++ build-install --buildtype=release --prefix=$(PREFIX) -Dtools=enabled -Dcompiled=true
	@ninja -C build-install
	@meson install -C build-install --no-rebuild

headers: ## regenerates the umbrella, src.hpp and single_include/
	@python3 $(SCRIPTS)/amalgamate.py

format: ## rewrites every C++ file in the project's format
	@$(SCRIPTS)/format.sh

tidy: ## clang-tidy over every body
	@.ci/run --only tidy

docs: ## checks the documentation against the tree
	@python3 tests/gates/check_docs.py .

rpcdocs: build ## regenerates docs/openrpc.json and the methods in docs/rpc.md
	@python3 $(SCRIPTS)/rpc_docs.py build/tools/credpool/credpool

clean: ## removes every build directory
	@rm -rf build build-*
