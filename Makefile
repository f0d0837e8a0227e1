# smartidd: one command to see it work (make demo), one to prove it (make check).
# `make help` lists the targets.

# ---- settings -------------------------------------------------------------
BUILD    ?= build
CC       ?= gcc
CXX      ?= g++
ifeq ($(origin CC),default)
CC       := gcc
endif
ifeq ($(origin CXX),default)
CXX      := g++
endif
PREFIX   ?= /usr/local
DESTDIR  ?=
VERSION  := 0.1.0
# SAN=address,undefined or SAN=thread builds everything with sanitizers.
SAN      ?=
OPT      ?= -O2
# Third-party files that are data (face models, sample photos) live here.
DATA     ?= .data
MODEL_DIR ?= $(DATA)/models
SHELL    := /bin/bash
# Compilers side by side, one per core, unless -j says otherwise.
ifeq ($(MAKELEVEL)$(filter -j% --jobserver%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

WARN  := -Wall -Wextra -Wshadow -Wconversion -Wcast-qual -Wvla -Wformat=2 \
         -Wundef -Wswitch-enum -Werror
WARNC := $(WARN) -Wstrict-prototypes -Wmissing-prototypes
HARD  := -fstack-protector-strong -fPIE -fno-strict-aliasing
# clang 14 takes neither without complaint.
ifeq ($(findstring clang,$(CC)),)
HARD  += -fstack-clash-protection -ftrivial-auto-var-init=zero
endif
ifeq ($(SAN),)
HARD  += -D_FORTIFY_SOURCE=2
SANF  :=
else
SANF  := -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
endif
CPPFLAGS += -Iinclude -I$(BUILD)/gen -D_GNU_SOURCE -DSID_VERSION='"$(VERSION)"'
CFLAGS   += -std=c17 $(OPT) -g -pthread $(HARD) $(SANF) $(WARNC)
CXXFLAGS += -std=c++17 $(OPT) -g -pthread $(HARD) $(SANF) $(WARN)
LDFLAGS  += -pie -pthread $(SANF) -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed

OPENCV_CFLAGS := -isystem /usr/include/opencv4
LIBS_base   := -linih
LIBS_crypto := -lcrypto
LIBS_image  := -ljpeg -lpng16
LIBS_qr     := -lqrencode -lpng16
LIBS_face   := -lopencv_dnn -lopencv_imgproc -lopencv_core -lstdc++
LIBS_store  := -lsqlite3
LIBS_json   := -ljansson
LIBS_wechat := -lcurl -lexpat -ljansson
LIBS_http   := -lmicrohttpd -ljansson
LIBS_ctl    := -lcurl -ljansson
LIBS_common := -lm

# ---- layers: one static library per folder, upper ones link lower ones -----
FOLDERS := base crypto work image qr json core store app wechat http
# Link seams: the same symbols from another file.
#   clock_real|clock_test   the wall clock, real or shifted by a file
#   face_cv|face_fake       OpenCV, or answers read out of the pixels' colours
SEAM_FILES := src/base/clock.c src/base/clock_test.c

srcs = $(filter-out $(SEAM_FILES),$(wildcard src/$(1)/*.c))
objs = $(patsubst %.c,$(BUILD)/%.o,$(call srcs,$(1)))
lib  = $(BUILD)/libsid_$(1).a

.PHONY: all
all: $(BUILD)/smartidd $(BUILD)/smartidctl ## build the daemon and smartidctl

define LIB_RULE
$(call lib,$(1)): $(call objs,$(1))
	@rm -f $$@
	@$(AR) rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call LIB_RULE,$(f))))

CLOCK_REAL := $(BUILD)/src/base/clock.o
CLOCK_TEST := $(BUILD)/src/base/clock_test.o
FACE_CV    := $(patsubst %.cpp,$(BUILD)/%.o,$(wildcard src/face/*.cpp)) \
              $(patsubst %.c,$(BUILD)/%.o,$(filter-out src/face/face_fake.c,$(wildcard src/face/*.c)))
FACE_FAKE  := $(BUILD)/src/face/face_fake.o
CTL_OBJS   := $(patsubst %.c,$(BUILD)/%.o,$(wildcard src/ctl/*.c))

# What each layer may link: itself and those below.
BELOW_base   := base
BELOW_crypto := crypto base
BELOW_work   := work base
BELOW_image  := image base
BELOW_face   := base
BELOW_qr     := qr base
BELOW_json   := json base
LOW          := crypto work image qr json base
BELOW_core   := core $(LOW)
BELOW_store  := store core $(LOW)
BELOW_app    := app store core $(LOW)
BELOW_wechat := wechat app store core $(LOW)
BELOW_http   := http app store core $(LOW)
BELOW_ctl    := $(BELOW_app)
# Tests of app/photo.c with the real engine and real photos.
BELOW_photo  := $(BELOW_app)

libs_of = $(foreach f,$(BELOW_$(1)),$(call lib,$(f)))
ld_of   = $(foreach f,$(BELOW_$(1)),$(LIBS_$(f))) $(LIBS_common)

link = @mkdir -p $(@D); echo "  LD   $@"; $(CXX) $(LDFLAGS) -o $@ $(1)

$(BUILD)/smartidd: $(BUILD)/src/main.o $(CLOCK_REAL) $(FACE_CV) $(call libs_of,http)
	$(call link,$^ $(call ld_of,http) $(LIBS_face))
$(BUILD)/smartidctl: $(CTL_OBJS) $(CLOCK_REAL) $(FACE_CV) $(call libs_of,ctl)
	$(call link,$^ $(call ld_of,ctl) $(LIBS_face) $(LIBS_ctl))
# For tests: the wall clock can be shifted; faces real or fake.
$(BUILD)/smartidd-clock: $(BUILD)/src/main.o $(CLOCK_TEST) $(FACE_CV) $(call libs_of,http)
	$(call link,$^ $(call ld_of,http) $(LIBS_face))
$(BUILD)/smartidd-fake: $(BUILD)/src/main.o $(CLOCK_TEST) $(FACE_FAKE) $(call libs_of,http)
	$(call link,$^ $(call ld_of,http))

# ---- compile ---------------------------------------------------------------
$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/%.o: %.cpp
	@mkdir -p $(@D)
	@echo "  CXX  $<"
	@$(CXX) $(CPPFLAGS) $(OPENCV_CFLAGS) $(CXXFLAGS) -MMD -MP -c -o $@ $<
-include $(shell find $(BUILD)/src $(BUILD)/tests -name '*.d' 2>/dev/null)

# Migrations become one C table, in the order of their numbers.
MIGRATIONS := $(sort $(wildcard migrations/sqlite/*.sql))
$(BUILD)/gen/migrations_sqlite.inc: $(MIGRATIONS)
	@mkdir -p $(@D)
	@for f in $^; do \
	  n=$$(basename $$f .sql); \
	  printf '{%d, "%s",\n' "$$((10#$${n%%_*}))" "$$n"; \
	  sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' $$f; \
	  printf '},\n'; done > $@
$(BUILD)/src/store/migrate.o $(BUILD)/tests/unit/store/test_migrate_client.o: \
  $(BUILD)/gen/migrations_sqlite.inc

# The purposes that are in force without a file of one's own, as a C string.
$(BUILD)/gen/purposes_example.inc: config/purposes.example
	@mkdir -p $(@D)
	@sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' $< >$@
$(BUILD)/src/app/purposes_file.o: $(BUILD)/gen/purposes_example.inc

# ---- unit tests: tests/unit/<layer>/test_<what>.c --------------------------
UNIT_LAYERS := base crypto work image qr json core store app photo wechat http ctl
unit_src = $(wildcard tests/unit/$(1)/test_*.c)
UNIT_BINS := $(foreach l,$(UNIT_LAYERS),$(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(call unit_src,$(l))))

# A unit test links its own layer and those below: an upward call fails to link.
# Files beside them that are not tests (fixture.c) are linked into each.
unit_fixture = $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(call unit_src,$(1)),$(wildcard tests/unit/$(1)/*.c)))
define UNIT_RULE
$(BUILD)/unit/$(1)/%: $(BUILD)/tests/unit/$(1)/%.o $(call unit_fixture,$(1)) $(3) $(CLOCK_TEST) $(call libs_of,$(1))
	@mkdir -p $$(@D); echo "  LD   $$@"; $(CXX) $(LDFLAGS) -o $$@ $$^ $(call ld_of,$(1)) $(2) -lcmocka
endef
$(foreach l,base crypto work image qr json core store,$(eval $(call UNIT_RULE,$(l),,)))
$(eval $(call UNIT_RULE,photo,$(LIBS_face),$(FACE_CV)))
$(eval $(call UNIT_RULE,app,,$(FACE_FAKE)))
$(eval $(call UNIT_RULE,wechat,,$(FACE_FAKE)))
$(eval $(call UNIT_RULE,http,,$(FACE_FAKE)))
$(eval $(call UNIT_RULE,ctl,$(LIBS_ctl),$(filter-out $(BUILD)/src/ctl/main.o,$(CTL_OBJS)) $(FACE_FAKE)))
.SECONDARY:

# ---- programs of the tests -------------------------------------------------
# Makes the specimen cards and the flawed photos out of the sample photos.
MKPHOTO_OBJS := $(patsubst %.cpp,$(BUILD)/%.o,$(wildcard tests/tools/mkphoto*.cpp))
$(BUILD)/mkphoto: $(MKPHOTO_OBJS) $(CLOCK_REAL) $(FACE_CV) $(call libs_of,app)
	$(call link,$^ $(call ld_of,app) $(LIBS_face))
# WeChat's client and channel, for tests from the outside.
$(BUILD)/wechat-driver: $(BUILD)/tests/tools/wechat_driver.o $(CLOCK_TEST) $(FACE_FAKE) $(call libs_of,wechat)
	$(call link,$^ $(call ld_of,wechat))
# The fastest this HTTP library can be: what bench compares with.
$(BUILD)/ceiling: $(BUILD)/tests/bench/ceiling.o
	$(call link,$^ -lmicrohttpd)

.PHONY: unit-bins e2e-bins objects
unit-bins: $(UNIT_BINS)
e2e-bins: all $(BUILD)/smartidd-clock $(BUILD)/smartidd-fake $(BUILD)/mkphoto \
          $(BUILD)/wechat-driver
C_SRC   := $(wildcard src/*.c src/*/*.c tests/unit/*/*.c tests/bench/*.c \
                      tests/tools/*.c tests/fuzz/*.c)
CXX_SRC := $(wildcard src/*/*.cpp tests/tools/*.cpp)
objects: $(C_SRC:%.c=$(BUILD)/%.o) $(CXX_SRC:%.cpp=$(BUILD)/%.o)

# ---- lint: what has passed leaves a stamp, until the object changes ---------
# The second compiler: warnings only.
CLANG_FLAGS := -fsyntax-only $(OPT) -pthread
$(BUILD)/lint/clang/%.c.ok: %.c $(BUILD)/%.o
	@mkdir -p $(@D)
	@clang $(CPPFLAGS) -std=c17 $(CLANG_FLAGS) $(WARNC) $< && touch $@
$(BUILD)/lint/clang/%.cpp.ok: %.cpp $(BUILD)/%.o
	@mkdir -p $(@D)
	@clang++ $(CPPFLAGS) $(OPENCV_CFLAGS) -std=c++17 $(CLANG_FLAGS) $(WARN) $< && touch $@
$(BUILD)/lint/tidy/%.c.ok: %.c $(BUILD)/%.o .clang-tidy
	@mkdir -p $(@D)
	@echo "  TIDY $<"
	@clang-tidy --quiet $< -- $(CPPFLAGS) -std=c17 2>/dev/null && touch $@
$(BUILD)/lint/tidy/%.cpp.ok: %.cpp $(BUILD)/%.o .clang-tidy
	@mkdir -p $(@D)
	@echo "  TIDY $<"
	@clang-tidy --quiet $< -- $(CPPFLAGS) $(OPENCV_CFLAGS) -std=c++17 2>/dev/null && touch $@

.PHONY: clang-objects tidy config-example routes
clang-objects: $(patsubst %,$(BUILD)/lint/clang/%.ok,$(C_SRC) $(CXX_SRC))
tidy: $(patsubst %,$(BUILD)/lint/tidy/%.ok,$(filter src/%,$(C_SRC) $(CXX_SRC)))

# The example is what the daemon says about its own settings.
config-example: $(BUILD)/smartidd
	$< --print-example-config >config/smartidd.conf.example

# README's table of routes is what the daemon enforces.
routes: $(BUILD)/smartidd
	@tests/lint/routes.sh --write $<

# ---- what a person types ---------------------------------------------------
# Everything a recipe starts finds the data and the tools by these.
export DATA MODEL_DIR BUILD
export PATH := $(PATH):$(abspath $(DATA))/tools
SUB = +@$(MAKE) -s --no-print-directory

.PHONY: help setup setup-check demo check check-unit check-e2e lint
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' \
	  $(firstword $(MAKEFILE_LIST))
	@echo "Variables: DATA=$(DATA) MODEL_DIR=$(MODEL_DIR) PREFIX=$(PREFIX)" \
	  "DESTDIR=$(DESTDIR)"
setup: ## install what is missing: packages, model pack, sample photos
	@tests/setup/setup.sh demo
setup-check:
	@tests/setup/setup.sh check
demo: setup ## the whole story on real photos (KEEP=1: leave the daemon running)
	$(SUB) all $(BUILD)/smartidd-clock $(BUILD)/mkphoto
	@tests/demo/demo.sh --bin $(BUILD) $(if $(KEEP),--keep)
check: setup-check ## prove it: lint, unit and end-to-end tests, sanitizers
	+@tests/run-check.sh
check-unit: unit-bins ## unit tests (after make setup-check)
	@python3 tests/unit/run.py $(UNIT_BINS)
check-e2e: e2e-bins ## end-to-end tests against the real binaries
	@python3 tests/e2e/run.py --bin $(BUILD) $(E2E_ARGS)

lint: setup-check ## layout, layers, simple mistakes, both compilers, clang-tidy
	+@tests/lint/run.sh

# Sanitizers: the same tests, in build folders of their own.
.PHONY: asan ubsan tsan
SAN_MAKE = $(MAKE) --no-print-directory BUILD=$(BUILD)/$(1) SAN=$(2) OPT=-O1
SAN_BOTH = +@$(SAN_MAKE) check-unit; unit=$$?; $(SAN_MAKE) check-e2e $(3) && exit $$unit
asan: ## unit and end-to-end tests under AddressSanitizer
	$(call SAN_BOTH,asan,address)
ubsan: ## the same under UndefinedBehaviorSanitizer
	$(call SAN_BOTH,ubsan,undefined)
tsan: ## the same under ThreadSanitizer, faces being fake ones
	$(call SAN_BOTH,tsan,thread,E2E_ARGS=--fake-only)
# What is wrong must be loud; races in uninstrumented libraries are listed.
export ASAN_OPTIONS ?= detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS ?= print_stacktrace=1
export TSAN_OPTIONS ?= halt_on_error=1:second_deadlock_stack=1

# libFuzzer is clang's.
FUZZ_BINS := $(patsubst tests/fuzz/%.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
$(BUILD)/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(CLOCK_TEST) $(FACE_FAKE) $(call libs_of,http)
	$(call link,-fsanitize=fuzzer $^ $(call ld_of,http))
# What the daemon does not link yet.
$(BUILD)/fuzz_wechat: $(BUILD)/tests/fuzz/fuzz_wechat.o $(CLOCK_TEST) $(FACE_FAKE) $(call libs_of,wechat)
	$(call link,-fsanitize=fuzzer $^ $(call ld_of,wechat))
.PHONY: fuzz fuzz-run
fuzz: setup-check ## libFuzzer on all that strangers can send (FUZZ_S=seconds each)
	$(SUB) BUILD=$(BUILD)/fuzz CC=clang CXX=clang++ OPT=-O1 \
	  SAN=fuzzer-no-link,address,undefined fuzz-run
fuzz-run: $(FUZZ_BINS)
	@tests/fuzz/run.sh $(or $(FUZZ_S),20) $^

.PHONY: bench fmt install uninstall clean
bench: setup-check ## speed, memory and start-up time (BENCH_S=seconds per round)
	$(SUB) all $(BUILD)/ceiling $(BUILD)/mkphoto
	@python3 tests/bench/bench.py --bin $(BUILD) --seconds $(or $(BENCH_S),4)
fmt: ## lay out the sources by .clang-format
	@git ls-files -co --exclude-standard '*.c' '*.h' '*.cpp' '*.hpp' | \
	  xargs clang-format -i

# ---- installation ----------------------------------------------------------
SBINDIR  := $(PREFIX)/sbin
BINDIR   := $(PREFIX)/bin
SHAREDIR := $(PREFIX)/share/smartidd
DOCDIR   := $(PREFIX)/share/doc/smartidd
UNITDIR  := $(PREFIX)/lib/systemd/system
DOCS     := README.md LICENSE config/smartidd.conf.example config/nginx.conf.example \
            config/purposes.example
install: all ## put binaries, models, unit and examples under DESTDIR/PREFIX
	install -D -m 0755 $(BUILD)/smartidd $(DESTDIR)$(SBINDIR)/smartidd
	install -D -m 0755 $(BUILD)/smartidctl $(DESTDIR)$(BINDIR)/smartidctl
	install -d $(DESTDIR)$(SHAREDIR)/models $(DESTDIR)$(DOCDIR) $(DESTDIR)$(UNITDIR)
	install -m 0644 $(MODEL_DIR)/*.onnx $(MODEL_DIR)/models.ini $(DESTDIR)$(SHAREDIR)/models
	install -m 0644 $(DOCS) $(DESTDIR)$(DOCDIR)
	sed -e 's|@SBINDIR@|$(SBINDIR)|' -e 's|@DOCDIR@|$(DOCDIR)|' \
	  config/smartidd.service >$(DESTDIR)$(UNITDIR)/smartidd.service
uninstall: ## remove what install has put there (settings and data stay)
	rm -f $(DESTDIR)$(SBINDIR)/smartidd $(DESTDIR)$(BINDIR)/smartidctl \
	  $(DESTDIR)$(UNITDIR)/smartidd.service
	rm -rf $(DESTDIR)$(SHAREDIR) $(DESTDIR)$(DOCDIR)
clean: ## remove what was built (DATA stays)
	rm -rf $(BUILD)
