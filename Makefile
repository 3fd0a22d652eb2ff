# The few verbs of development; everything else is CMakePresets.json and ctest.
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
export CCACHE_BASEDIR ?= $(CURDIR)

.PHONY: help setup build quickstart test soak lint fmt install dist asan tsan fuzz clean

help:
	@echo "make build       the program, build/athanor, without tests"
	@echo "make quickstart  dependencies, build, and recipes/quickstart.yaml: raw text to a model that answers"
	@echo "make test        dependencies, build, and the whole suite (soak: what takes longer)"
	@echo "make lint        rooms, sizes, text             make fmt     clang-format"
	@echo "make install     into PREFIX=$(PREFIX)    make dist    a tar.zst that runs on a bare machine"
	@echo "make asan tsan   the suite above the torch line under sanitizers"
	@echo "make fuzz        every parser for a minute, by libFuzzer (clang)"

setup:
	@scripts/setup

build: setup
	@cmake --preset release -DATHANOR_TESTS=OFF > build-release.log 2>&1 || { cat build-release.log; exit 1; }; rm -f build-release.log
	@cmake --build build --parallel $(JOBS)

quickstart:
	@scripts/setup --npm
	@$(MAKE) --no-print-directory build
	build/athanor run recipes/quickstart.yaml $(if $(source),'source=$(source)')

test: setup
	@cmake --preset dev > build-dev.log 2>&1 || { cat build-dev.log; exit 1; }; rm -f build-dev.log
	@cmake --build build-dev --parallel $(JOBS)
	@ctest --test-dir build-dev --output-on-failure --parallel $(JOBS) -LE soak

soak: test
	@ctest --test-dir build-dev --output-on-failure -L soak

lint:
	@python3 scripts/lint.py

fmt:
	@git ls-files '*.h' '*.cc' | xargs clang-format -i

asan tsan: setup
	@cmake --preset $@ > build-$@.log 2>&1 || { cat build-$@.log; exit 1; }; rm -f build-$@.log
	@cmake --build build-$@ --parallel $(JOBS)
	@ctest --test-dir build-$@ --output-on-failure --parallel $(JOBS)

# Every parser for SECONDS (SECONDS_EACH=60), from its corpus; what is found lands in build-fuzz/found/.
fuzz: setup
	@scripts/setup --fuzz
	@cmake --preset fuzz > build-fuzz.log 2>&1 || { cat build-fuzz.log; exit 1; }; rm -f build-fuzz.log
	@cmake --build build-fuzz --parallel $(JOBS) --target $(basename $(notdir $(wildcard fuzz/*_fuzz.cc)))
	@mkdir -p build-fuzz/found
	@set -e; for target in $(basename $(notdir $(wildcard fuzz/*_fuzz.cc))); do \
	  mkdir -p build-fuzz/corpus/$${target%_fuzz}; echo "== $$target"; \
	  build-fuzz/$$target -max_total_time=$(or $(SECONDS_EACH),60) -timeout=10 -rss_limit_mb=3000 \
	    -artifact_prefix=build-fuzz/found/ build-fuzz/corpus/$${target%_fuzz} fuzz/corpus/$${target%_fuzz} > build-fuzz/$$target.log 2>&1 || \
	    { tail -n 40 build-fuzz/$$target.log; exit 1; }; tail -n 1 build-fuzz/$$target.log; \
	done

install: build
	@cmake --install build --prefix "$(PREFIX)"

dist: build
	@scripts/dist

clean:
	rm -rf build build-* dist
