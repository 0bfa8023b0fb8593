# Everything a person needs: make demo, make test. `make help` lists the rest.

SWIFT ?= swift
PREFIX ?= /usr/local
BINARIES := .build/release
# One configuration for what is tested and what is installed: nothing is compiled twice. Tests that
# look inside a module need the flag.
RELEASE := -c release -Xswiftc -enable-testing
SOURCES := Sources Tests Package.swift

# Tests of the recorder, the player and the commands run what is released. A debug build of C that
# is preloaded or timed would be another program.
TESTED := MALLOMETER_RECORDER=$(CURDIR)/$(BINARIES)/libMallometerRecorder.so \
  MALLOMETER_PLAYER=$(CURDIR)/$(BINARIES)/mallometer-player \
  MALLOMETER_NULL=$(CURDIR)/$(BINARIES)/libMallometerNull.so \
  MALLOMETER_EXECUTABLE=$(CURDIR)/$(BINARIES)/mallometer \
  MALLOMETER_HOME=$(CURDIR) MALLOMETER_CACHE=$(CURDIR)/.build/variants

.PHONY: help setup build demo test test-fast test-address lint install clean

help:
	@echo "make demo      install what is missing, build, run the main job on the bundled traces"
	@echo "make test      install what is missing, lint, build, run every test"
	@echo "make build     the release build in $(BINARIES)"
	@echo "make test-fast lint, build and test, without the address sanitizer"
	@echo "make lint      format and file sizes"
	@echo "make install   to PREFIX, $(PREFIX) unless given"
	@echo "make clean     remove everything built"

setup:
	@Scripts/setup

build:
	$(SWIFT) build $(RELEASE)

demo: setup build
	@Scripts/demo $(BINARIES)/mallometer

test: test-fast test-address
	@echo "make test: lint, release build, all tests and the address sanitizer's run passed"

test-fast: setup lint
	$(SWIFT) build $(RELEASE) --build-tests
	$(TESTED) $(SWIFT) test $(RELEASE) --skip-build

# Damaged traces meet the decoders under the address sanitizer, the only other build. Not its leak
# check: XCTest's own runner leaks 144 bytes, which would fail the run.
MUTATIONS ?= 20000
test-address: test-fast
	$(TESTED) ASAN_OPTIONS=detect_leaks=0 MALLOMETER_MUTATIONS=$(MUTATIONS) \
	  $(SWIFT) test --sanitize=address --scratch-path .build-address --filter Mutation

lint:
	$(SWIFT) format lint --strict --recursive $(SOURCES)
	@Scripts/lint

install: build
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/mallometer
	install -d $(DESTDIR)$(PREFIX)/libexec/mallometer/Sources/NativeDesigns
	install $(BINARIES)/mallometer $(BINARIES)/mallometer-player \
	  $(BINARIES)/libMallometer*.so $(DESTDIR)$(PREFIX)/libexec/mallometer
	cp -r models traces $(DESTDIR)$(PREFIX)/libexec/mallometer
	cp -r Sources/NativeDesigns/C $(DESTDIR)$(PREFIX)/libexec/mallometer/Sources/NativeDesigns
	ln -sf ../libexec/mallometer/mallometer $(DESTDIR)$(PREFIX)/bin/mallometer

clean:
	rm -rf .build .build-*
