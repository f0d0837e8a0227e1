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
comma    := ,
# Compilers side by side, one per core, unless -j says otherwise.
ifeq ($(MAKELEVEL)$(filter -j% --jobserver%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

WARN  := -Wall -Wextra -Wshadow -Wconversion -Wcast-qual -Wvla -Wformat=2 \
         -Wundef -Wswitch-enum -Werror
WARNC := $(WARN) -Wstrict-prototypes -Wmissing-prototypes
HARD  := -fstack-protector-strong -fPIE -fno-strict-aliasing
# clang 14 takes neither without complaint. gcc 12 has a bug with the second:
# clearing the padding of a local struct after its initialiser, it overwrites a
# member when the struct has an array of more than 8 structs behind another
# member. There must be none.
ifeq ($(findstring clang,$(CC)),)
HARD  += -fstack-clash-protection -ftrivial-auto-var-init=zero
endif
ifeq ($(SAN),)
HARD  += -D_FORTIFY_SOURCE=2
SANF  :=
else
SANF  := -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
# Sanitizers look at their own process in ways that the hardening forbids.
CPPFLAGS += -DSANITIZED
endif
# COV=1 counts which branches are taken; such programs are slow, and write files
# at their end.
ifneq ($(COV),)
CPPFLAGS += -DSANITIZED
HARD     += --coverage -fprofile-update=atomic
LDFLAGS  += --coverage
endif
CPPFLAGS += -Iinclude -I$(BUILD)/gen $(patsubst -I%,-isystem%,$(shell pkg-config --cflags libpq)) -D_GNU_SOURCE -DSID_VERSION='"$(VERSION)"'
CFLAGS   += -std=c17 $(OPT) -g -pthread $(HARD) $(SANF) $(WARNC)
CXXFLAGS += -std=c++17 $(OPT) -g -pthread $(HARD) $(SANF) $(WARN)
# They link the hundred test programs in half the time; gold does not
# understand all of clang's sanitizers.
QUICK_LD := -fuse-ld=$(if $(findstring clang,$(CC)),lld,gold)
LDFLAGS  += $(if $(SAN),$(QUICK_LD)) -pie -pthread $(SANF) -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed

OPENCV_CFLAGS := -isystem /usr/include/opencv4
LIBS_base   := -linih
LIBS_crypto := -lcrypto
LIBS_net    := -lcurl
LIBS_image  := -ljpeg -lpng16 -lz
LIBS_qr     := -lqrencode -lpng16
LIBS_face   := -lopencv_dnn -lopencv_imgproc -lopencv_core -lstdc++
LIBS_store  := -lsqlite3 -lpq
LIBS_json   := -ljansson
LIBS_wechat := -lcurl -lexpat -ljansson
LIBS_http   := -lmicrohttpd -ljansson
LIBS_ctl    := -ljansson
LIBS_common := -lm

# ---- layers: one static library per folder, upper ones link lower ones -----
FOLDERS := base crypto work net image qr json core store app wechat http
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
              $(patsubst %.c,$(BUILD)/%.o,$(filter-out src/face/face_fake%,$(wildcard src/face/*.c)))
FACE_FAKE  := $(patsubst %.c,$(BUILD)/%.o,$(wildcard src/face/face_fake*.c))
CTL_OBJS   := $(patsubst %.c,$(BUILD)/%.o,$(wildcard src/ctl/*.c))

# What each layer may link: itself and those below.
BELOW_base   := base
BELOW_crypto := crypto base
BELOW_work   := work base
BELOW_net    := net base
BELOW_image  := image base
BELOW_face   := base
BELOW_qr     := qr base
BELOW_json   := json base
LOW          := crypto work net image qr json base
BELOW_core   := core $(LOW)
BELOW_store  := store core $(LOW)
BELOW_app    := app store core $(LOW)
BELOW_wechat := wechat app store core $(LOW)
BELOW_http   := http $(BELOW_wechat)
BELOW_ctl    := $(BELOW_wechat)
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
# Without the engine's libraries, which take most of the time it lives.
$(BUILD)/smartidctl-fake: $(CTL_OBJS) $(CLOCK_REAL) $(FACE_FAKE) $(call libs_of,ctl)
	$(call link,$^ $(call ld_of,ctl) $(LIBS_ctl))
$(BUILD)/smartidd-fake: $(BUILD)/src/main.o $(CLOCK_TEST) $(FACE_FAKE) $(call libs_of,http)
	$(call link,$^ $(call ld_of,http))

# The same, in which each batch is rolled back once and run again; beside it the
# other programs, so that a test finds all of them in one folder.
TWICE := $(BUILD)/twice
$(TWICE)/smartidd-fake: $(BUILD)/src/main.o $(BUILD)/tests/tools/twice.o \
                        $(CLOCK_TEST) $(FACE_FAKE) $(call libs_of,http)
	$(call link,-Wl$(comma)--wrap=sid_store_commit $^ $(call ld_of,http))

# One that answers before its commits are on disk: the tests that kill a daemon
# must find it out.
EARLY := $(addprefix -Wl$(comma)--wrap=sid_store_,begin begin_read commit keep \
  checkpoint checkpoint_if_due)
$(BUILD)/smartidd-early-fake: $(BUILD)/src/main.o $(BUILD)/tests/tools/early.o \
                              $(CLOCK_TEST) $(FACE_FAKE) $(call libs_of,http)
	$(call link,$(EARLY) $^ $(call ld_of,http))

# A version to come: its tables on a server have one migration more.
NEWER := $(BUILD)/newer/store_pgsql_migrate.o
$(NEWER): src/store/store_pgsql_migrate.c $(BUILD)/newer/migrations_pgsql.inc
	@echo "  CC   $< (newer)"
	@$(CC) -I$(@D) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
$(BUILD)/smartidd-newer-fake: $(BUILD)/src/main.o $(NEWER) $(CLOCK_TEST) $(FACE_FAKE) $(call libs_of,http)
	$(call link,$^ $(call ld_of,http))
$(BUILD)/smartidctl-newer-fake: $(CTL_OBJS) $(NEWER) $(CLOCK_REAL) $(FACE_FAKE) $(call libs_of,ctl)
	$(call link,$^ $(call ld_of,ctl) $(LIBS_ctl))

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

# Migrations become one C table for each engine, in the order of their numbers.
$(BUILD)/gen/migrations_sqlite.inc: $(sort $(wildcard migrations/sqlite/*.sql))
$(BUILD)/gen/migrations_pgsql.inc: $(sort $(wildcard migrations/pgsql/*.sql))
$(BUILD)/newer/migrations_pgsql.inc: $(sort $(wildcard migrations/pgsql/*.sql)) tests/data/9999_newer.sql
$(BUILD)/gen/migrations_sqlite.inc $(BUILD)/gen/migrations_pgsql.inc $(BUILD)/newer/migrations_pgsql.inc:
	@mkdir -p $(@D)
	@for f in $^; do \
	  n=$$(basename $$f .sql); \
	  printf '{%d, "%s",\n' "$$((10#$${n%%_*}))" "$$n"; \
	  sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' $$f; \
	  printf '},\n'; done > $@
$(BUILD)/src/store/migrate.o $(BUILD)/tests/unit/store/test_migrate_client.o \
  $(BUILD)/tests/unit/store/test_migrate_life.o $(BUILD)/tests/unit/store/test_move.o: \
  $(BUILD)/gen/migrations_sqlite.inc
$(BUILD)/src/store/store_pgsql_migrate.o: $(BUILD)/gen/migrations_pgsql.inc

# The purposes that are in force without a file of one's own, as a C string.
$(BUILD)/gen/purposes_example.inc: config/purposes.example
	@mkdir -p $(@D)
	@sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' $< >$@
$(BUILD)/src/app/purposes_file.o: $(BUILD)/gen/purposes_example.inc

# What the pages consist of becomes part of the program, see src/http/embed.sh.
WEB_FILES  := $(sort $(shell find src/web -type f))
READER     := $(addprefix $(DATA)/reader/,zxing_reader.js zxing_reader.wasm zxing_LICENSE.txt) \
              $(addprefix $(DATA)/weixin/,weixin_sdk.js weixin_LICENSE.txt)
WEB_PAIRS  := $(foreach f,$(WEB_FILES),$(f:src/web/%=%)=$(f)) \
              $(foreach f,$(READER),vendor/$(notdir $(f))=$(f))
WEB_MADE   := $(BUILD)/gen/web_files.S $(BUILD)/gen/web_files.inc
$(READER):
	@echo "$@ is missing: run make setup" >&2; exit 1
# Written when the list is another one: a file that is gone changes it, too.
$(BUILD)/gen/web_files.list: FORCE
	@mkdir -p $(@D); echo '$(WEB_PAIRS)' | cmp -s - $@ || echo '$(WEB_PAIRS)' >$@
.PHONY: FORCE
$(WEB_MADE) &: src/http/embed.sh $(BUILD)/gen/web_files.list $(WEB_FILES) $(READER)
	@src/http/embed.sh $(BUILD)/gen $(WEB_PAIRS)
$(BUILD)/gen/web_files.o: $(BUILD)/gen/web_files.S
	@$(CC) -c -o $@ $<
$(BUILD)/src/http/page_embedded.o: $(BUILD)/gen/web_files.inc
$(call lib,http): $(BUILD)/gen/web_files.o

# What tests/fuzz/fail.c makes fail, for fuzz targets and some unit tests.
FAIL_WRAPPED := malloc calloc realloc reallocarray CRYPTO_secure_malloc \
  EVP_CIPHER_CTX_new EVP_MD_CTX_new EVP_MAC_CTX_new EVP_KDF_CTX_new \
  EVP_CipherInit_ex2 EVP_CipherUpdate EVP_CipherFinal_ex EVP_Digest \
  EVP_DigestSign EVP_DigestVerify EVP_KDF_derive EVP_MAC_init EVP_MAC_update \
  EVP_MAC_final EVP_CIPHER_CTX_ctrl EVP_CIPHER_CTX_set_padding \
  EVP_DigestInit_ex2 EVP_DigestUpdate EVP_DigestFinal_ex EVP_DigestSignInit_ex \
  EVP_DigestVerifyInit_ex EVP_PKEY_new_raw_private_key \
  EVP_PKEY_new_raw_public_key EVP_PKEY_get_raw_public_key EVP_MD_fetch \
  EVP_MAC_fetch EVP_KDF_fetch EVP_CIPHER_fetch CRYPTO_secure_malloc_init \
  getrandom strdup pthread_mutex_init pthread_rwlock_init
FAIL_LINK := $(addprefix -Wl$(comma)--wrap=,$(FAIL_WRAPPED))
FAIL := $(BUILD)/tests/fuzz/fail.o
# The same for what stands on the store.
FAIL_STORE := $(addprefix -Wl$(comma)--wrap=sid_store_,begin begin_read commit \
  check_key audit audit_each audit_anchor audit_cut audit_slot audit_began \
  audit_find audit_range webhook_place key_put key_each key_rewrap key_retire \
  subject_rewrap subject_stale subject_get subject_count_stale)
FAIL_STORE_OBJ := $(BUILD)/tests/fuzz/fail_store.o
# And of tests/unit/ctl/io_fails.c: files, and the running daemon.
FAIL_IO := $(addprefix -Wl$(comma)--wrap=,open fopen fdopen opendir readdir \
  getline fgets ferror fwrite fflush fsync ftruncate flock rename sid_ctl_control \
  read write mkdir sqlite3_prepare_v2 sqlite3_prepare_v3 sqlite3_step sqlite3_exec \
  sqlite3_backup_init sqlite3_backup_step)
# And of tests/unit/store/test_blobs_faults.c: photos' files.
FAIL_BLOBS := $(addprefix -Wl$(comma)--wrap=,mkdir open openat fstat fchmod fsync \
  fdatasync unlinkat fdopendir readdir pread pwrite malloc calloc realloc strndup \
  pthread_mutex_init pthread_cond_init pthread_create)
$(BUILD)/unit/store/test_blobs_faults: private LDFLAGS += $(FAIL_BLOBS)

# ---- unit tests: tests/unit/<layer>/test_<what>.c --------------------------
UNIT_LAYERS := base crypto work image face qr json core store app photo wechat http ctl
unit_src = $(wildcard tests/unit/$(1)/test_*.c)
UNIT_BINS := $(foreach l,$(UNIT_LAYERS),$(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(call unit_src,$(l))))

# A unit test links its own layer and those below: an upward call fails to link.
# Files beside them that are not tests (fixture.c) are linked into each.
unit_fixture = $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(call unit_src,$(1)),$(wildcard tests/unit/$(1)/*.c)))
define UNIT_RULE
$(BUILD)/unit/$(1)/%: $(BUILD)/tests/unit/$(1)/%.o $(call unit_fixture,$(1)) $(3) $(CLOCK_TEST) $(call libs_of,$(1))
	@mkdir -p $$(@D); echo "  LD   $$@"; $(CXX) $$(LDFLAGS) $(QUICK_LD) -o $$@ $$^ $(call ld_of,$(1)) $(2) -lcmocka
endef
$(foreach l,base work qr store,$(eval $(call UNIT_RULE,$(l),,)))
$(foreach l,crypto image json core,$(eval $(call UNIT_RULE,$(l),$(FAIL_LINK) -lcrypto -lsqlite3,$(FAIL))))
$(eval $(call UNIT_RULE,face,,$(BUILD)/src/face/face_kernel.o))
$(eval $(call UNIT_RULE,photo,$(LIBS_face),$(FACE_CV) $(BUILD)/tests/tools/throwing.o))
$(eval $(call UNIT_RULE,app,$(FAIL_LINK) $(FAIL_STORE),$(FAIL) $(FAIL_STORE_OBJ) $(FACE_FAKE)))
$(BUILD)/unit/app/test_examiner: private LDFLAGS += -Wl,--wrap=sid_mono_us
$(eval $(call UNIT_RULE,wechat,,$(FACE_FAKE)))
$(eval $(call UNIT_RULE,http,$(FAIL_LINK),$(FAIL) $(FACE_FAKE)))
$(eval $(call UNIT_RULE,ctl,$(LIBS_ctl) $(FAIL_LINK) $(FAIL_STORE) $(FAIL_IO),$(FAIL) $(FAIL_STORE_OBJ) $(filter-out $(BUILD)/src/ctl/main.o,$(CTL_OBJS)) $(FACE_FAKE)))
.SECONDARY:

# ---- programs of the tests -------------------------------------------------
# Makes the specimen cards and the flawed photos out of the sample photos.
MKPHOTO_OBJS := $(patsubst %.cpp,$(BUILD)/%.o,$(wildcard tests/tools/mkphoto*.cpp))
$(BUILD)/mkphoto: $(MKPHOTO_OBJS) $(CLOCK_REAL) $(FACE_CV) $(call libs_of,app)
	$(call link,$^ $(call ld_of,app) $(LIBS_face))
# WeChat's client and channel, for tests from the outside.
$(BUILD)/wechat-driver: $(BUILD)/tests/tools/wechat_driver.o $(CLOCK_TEST) $(FACE_FAKE) $(call libs_of,wechat)
	$(call link,$^ $(call ld_of,wechat))
# Preloaded: a disk that is full, or cannot sync, or no memory, when a file says
# so. Never sanitized: they come before the sanitizer's own library.
$(BUILD)/%.so: tests/tools/%.c
	@mkdir -p $(@D); echo "  LD   $@"; $(CC) -std=c17 -D_GNU_SOURCE -O2 -fPIC $(WARNC) -shared -o $@ $< -ldl
# Preloaded: a sync or an accept that does not return while a file says so.
$(BUILD)/hang.so: tests/tools/hang.c
	@mkdir -p $(@D); echo "  LD   $@"; $(CC) -std=c17 -D_GNU_SOURCE -O2 -fPIC $(WARNC) -shared -o $@ $< -ldl
# Hostile photos as files.
$(BUILD)/mkhostile: $(BUILD)/tests/tools/mkhostile.o $(call unit_fixture,image) $(CLOCK_TEST) $(call libs_of,image)
	$(call link,$^ $(call ld_of,image) -lcmocka)
# A long audit log, for the slow tests.
$(BUILD)/mkaudit: $(BUILD)/tests/tools/mkaudit.o $(CLOCK_REAL) $(FACE_FAKE) $(call libs_of,app)
	$(call link,$^ $(call ld_of,app))
# A grown database, for measurements.
$(BUILD)/mkcredentials: $(BUILD)/tests/tools/mkcredentials.o $(CLOCK_REAL) $(FACE_FAKE) $(call libs_of,app)
	$(call link,$^ $(call ld_of,app))
# The fastest this HTTP library can be: what bench compares with.
$(BUILD)/ceiling: $(BUILD)/tests/bench/ceiling.o
	$(call link,$^ -lmicrohttpd)
# The same once a line about each answer, or a row, must be on disk.
$(BUILD)/durable: $(BUILD)/tests/bench/durable.o $(BUILD)/tests/bench/rows.o
	$(call link,$^ -lmicrohttpd -lsqlite3 -lcrypto)
# What an enrolment costs beside the networks alone.
$(BUILD)/bench-enrol: $(BUILD)/tests/bench/enrol_cost.o $(CLOCK_REAL) $(FACE_CV) $(call libs_of,app)
	$(call link,-Wl$(comma)--wrap=sid_mono_us $^ $(call ld_of,app) $(LIBS_face))

# The same measurement of two comparisons; memcmp's must be found out.
$(BUILD)/dudect: $(BUILD)/tests/slow/dudect.o $(call lib,base)
	$(call link,$^ $(LIBS_common))
$(BUILD)/dudect_memcmp: tests/slow/dudect.c $(call lib,base)
	@mkdir -p $(@D); echo "  LD   $@"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -DWITH_MEMCMP -fno-builtin-memcmp \
	  $(LDFLAGS) -o $@ $^ $(LIBS_common)

.PHONY: unit-bins e2e-bins slow-bins objects
# ThreadSanitizer sees fake faces only: under it the engine's libraries, which are
# not built with it, take minutes for a photo.
ifeq ($(SAN),thread)
UNIT_BINS := $(filter-out $(BUILD)/unit/photo/%,$(UNIT_BINS))
endif
unit-bins: $(UNIT_BINS)
E2E_BINS := $(BUILD)/smartidd $(BUILD)/smartidctl $(BUILD)/smartidd-clock \
            $(BUILD)/smartidd-fake $(BUILD)/smartidd-early-fake \
            $(BUILD)/smartidctl-fake $(BUILD)/mkphoto \
            $(BUILD)/mkhostile $(BUILD)/mkaudit $(BUILD)/full_disk.so $(BUILD)/slow_names.so \
            $(BUILD)/hang.so $(BUILD)/bad_sync.so $(BUILD)/no_memory.so \
            $(BUILD)/one_writer.so $(BUILD)/wechat-driver \
            $(BUILD)/smartidd-newer-fake $(BUILD)/smartidctl-newer-fake
e2e-bins: all $(E2E_BINS) $(TWICE)/smartidd-fake
	@cd $(TWICE) && for f in $(E2E_BINS:$(BUILD)/%=%); do \
	  [ "$$f" = smartidd-fake ] || ln -sf "../$$f" "$$f"; done
slow-bins: e2e-bins $(BUILD)/dudect $(BUILD)/dudect_memcmp
C_SRC   := $(wildcard src/*.c src/*/*.c tests/unit/*/*.c tests/bench/*.c \
                      tests/tools/*.c tests/fuzz/*.c tests/slow/*.c)
CXX_SRC := $(wildcard src/*/*.cpp tests/bench/*.cpp tests/tools/*.cpp)
objects: $(C_SRC:%.c=$(BUILD)/%.o) $(CXX_SRC:%.cpp=$(BUILD)/%.o)

# ---- lint: what has passed leaves a stamp, until the object changes ---------
# The paths through a function that clang-tidy's analyzer follows: with an eighth
# of its default it takes a third of the time. check-slow has the default.
TIDY_NODES := 30000
TIDY := clang-tidy --quiet $(addprefix --extra-arg=,-Xclang -analyzer-config \
        -Xclang max-nodes=$(TIDY_NODES))
TIDY_OK := $(BUILD)/lint/tidy-$(TIDY_NODES)
$(TIDY_OK)/%.c.ok: %.c $(BUILD)/%.o .clang-tidy
	@mkdir -p $(@D)
	@echo "  TIDY $<"
	@$(TIDY) $< -- $(CPPFLAGS) -std=c17 2>/dev/null && touch $@
$(TIDY_OK)/%.cpp.ok: %.cpp $(BUILD)/%.o .clang-tidy
	@mkdir -p $(@D)
	@echo "  TIDY $<"
	@$(TIDY) $< -- $(CPPFLAGS) $(OPENCV_CFLAGS) -std=c++17 2>/dev/null && touch $@

.PHONY: tidy config-example routes docs
tidy: $(patsubst %,$(TIDY_OK)/%.ok,$(filter src/%,$(C_SRC) $(CXX_SRC)))

# The example is what the daemon says about its own settings.
config-example: $(BUILD)/smartidd $(BUILD)/smartidctl
	$< --print-example-config >config/smartidd.conf.example
	$(BUILD)/smartidctl wechat accounts-example >config/wechat.example
	$(BUILD)/smartidctl wechat texts >config/wechat_texts.example

# README's table of routes is what the daemon enforces.
routes: $(BUILD)/smartidd
	@tests/lint/routes.sh --write $<

# The page /docs is the document /openapi.json.
docs:
	@tests/lint/docs.py --write

# ---- what a person types ---------------------------------------------------
# Everything a recipe starts finds the data and the tools by these.
export DATA MODEL_DIR BUILD
export PATH := $(PATH):$(abspath $(DATA))/tools
SUB = +@$(MAKE) -s --no-print-directory

.PHONY: help setup setup-check demo check check-unit check-e2e check-web check-slow lint
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' \
	  $(firstword $(MAKEFILE_LIST))
	@echo "Variables: DATA=$(DATA) MODEL_DIR=$(MODEL_DIR) PREFIX=$(PREFIX)" \
	  "DESTDIR=$(DESTDIR)"
setup: ## install what is missing: packages, model pack, sample photos
	@tests/setup/setup.sh demo
setup-check:
	@tests/setup/setup.sh check
demo: setup ## the whole story on real photos (KEEP=1: go on, with the pages on; CHANNEL=wechat: in a chat)
	$(SUB) all $(BUILD)/smartidd-clock $(BUILD)/mkphoto
	@$(if $(filter wechat,$(CHANNEL)),tests/demo/demo_wechat.py --bin $(BUILD),tests/demo/demo.sh --bin $(BUILD) $(if $(KEEP),--keep))
check: setup-check ## prove it: lint, unit and end-to-end tests, sanitizers
	+@tests/run-check.sh
# What the store's tests say of any back end they say of all.
STORE_BINS := $(addprefix $(BUILD)/unit/store/test_store_,credential dispute enrol \
              erase key overview portrait prune purposes review txn wechat)
SERVER_BINS := $(STORE_BINS) $(addprefix $(BUILD)/unit/store/test_,move store_readonly writer)
check-unit: unit-bins ## unit tests (after make setup-check)
	@tests/tools/postgres.py python3 tests/unit/run.py $(UNIT_BINS) \
	  $(addprefix memory@,$(STORE_BINS)) $(addprefix pgsql@,$(SERVER_BINS))
# Under sanitizers each batch runs twice: what an operation forgets to free or to
# set anew comes to light.
check-e2e: e2e-bins ## end-to-end tests against the real binaries
	@python3 tests/e2e/run.py --bin $(if $(SAN),$(TWICE),$(BUILD)) $(if $(SAN),--instrumented) $(E2E_ARGS)

# The pages in a browser, through nginx; pictures of each step: SHOTS=FOLDER.
check-web: all $(BUILD)/mkphoto ## the pages in a browser (after make setup-check)
	@python3 tests/web/run.py --bin $(BUILD) $(if $(SHOTS),--shots $(SHOTS))

# What takes too long for every commit; run before a release.
check-slow: slow-bins unit-bins ## the long proofs, with figures
	$(SUB) tidy TIDY_NODES=225000
	@FILE_LIMIT_S=3600 python3 tests/e2e/run.py --bin $(BUILD) -j 1 -v tests/slow/test_*.py

lint: setup-check ## layout, layers, simple mistakes, both compilers, clang-tidy
	+@tests/lint/run.sh

# The second compiler and two sanitizers at once, as `make check` has them.
sanitized-%:
	+@$(MAKE) --no-print-directory BUILD=$(BUILD)/sanitized CC=clang CXX=clang++ \
	  SAN=address,undefined OPT=-O1 E2E_ARGS=--brief $*
# Sanitizers: the same tests, in build folders of their own.
.PHONY: asan ubsan tsan
SAN_MAKE = $(MAKE) --no-print-directory BUILD=$(BUILD)/$(1) SAN=$(2) OPT=-O1
SAN_BOTH = +@$(SAN_MAKE) check-unit; unit=$$?; $(SAN_MAKE) check-e2e $(3) && exit $$unit
asan: setup-check ## unit and end-to-end tests under AddressSanitizer
	$(call SAN_BOTH,asan,address)
ubsan: setup-check ## the same under UndefinedBehaviorSanitizer
	$(call SAN_BOTH,ubsan,undefined)
tsan: setup-check ## the same under ThreadSanitizer, faces being fake ones
	$(call SAN_BOTH,tsan,thread,E2E_ARGS=--fake-only)
# What is wrong must be loud; races in uninstrumented libraries are listed.
export ASAN_OPTIONS ?= detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS ?= print_stacktrace=1
export TSAN_OPTIONS ?= halt_on_error=1:second_deadlock_stack=1

# ---- branch coverage and memory ---------------------------------------------
.PHONY: cov cov-run cov-fuzz cov-fuzz-run valgrind valgrind-run
ifdef COV
# Without -O the networks' loops take longer than a photo may.
$(BUILD)/src/face/face_kernel.o: private override OPT := -O2
endif
cov: setup-check ## branches of src/ that the tests take (COV_FILES: their lines)
	@rm -rf $(BUILD)/cov && mkdir -p $(BUILD)/logs
	$(SUB) BUILD=$(BUILD)/cov COV=1 OPT=-O0 cov-run
# Tests that fail say so, each with what it said; what they ran through counts all
# the same. Without -O and with counters the programs are as slow as sanitized ones.
TELL_FAILED := awk '/ passed, [0-9]+ failed/ { bad = !/ passed, 0 failed/ } bad'
cov-run: unit-bins e2e-bins
	@UNIT_LIMIT_S=900 tests/tools/postgres.py python3 tests/unit/run.py $(UNIT_BINS) \
	  $(addprefix memory@,$(STORE_BINS)) $(addprefix pgsql@,$(SERVER_BINS)) \
	  >$(BUILD)/unit.log || $(TELL_FAILED) $(BUILD)/unit.log
	@E2E_SLOW=5 python3 tests/e2e/run.py --bin $(BUILD) >$(BUILD)/e2e.log || $(TELL_FAILED) $(BUILD)/e2e.log
	@tests/tools/cov.py $(BUILD) $(COV_FILES)
cov-fuzz: setup-check ## branches that the inputs take which fuzzing has found
	@rm -rf $(BUILD)/cov-fuzz
	@FOUND=$(abspath $(BUILD))/fuzz/corpus $(MAKE) -s --no-print-directory \
	  BUILD=$(BUILD)/cov-fuzz COV=1 OPT=-O0 cov-fuzz-run
cov-fuzz-run: check-corpus
	@tests/tools/cov.py $(BUILD) $(COV_FILES)
# Left out: the face engine's libraries, which are not ours and slow, and
# sandboxes, which would close around valgrind itself, what measures memory, and
# what wants a server.
# Built by clang: gcc's zero
# in all locals would hide what was never set; valgrind does not read all of what
# clang says for debuggers by default.
VALGRIND_BINS := $(filter-out $(BUILD)/unit/photo/% $(BUILD)/unit/base/test_sandbox \
                 $(BUILD)/unit/app/test_faceproc $(BUILD)/unit/app/test_examiner \
                 $(BUILD)/unit/image/test_hostile \
                 $(BUILD)/unit/store/test_store_pgsql \
                 $(BUILD)/unit/store/test_retry_pgsql \
                 $(BUILD)/unit/store/test_store_slots,$(UNIT_BINS))
valgrind: setup-check ## unit tests under valgrind's memcheck
	@tests/setup/setup.sh memcheck
	$(SUB) BUILD=$(BUILD)/memcheck CC=clang CXX=clang++ \
	  OPT='-O1 -gdwarf-4' valgrind-run
valgrind-run: $(VALGRIND_BINS)
	@tests/unit/valgrind.sh $^

# Fuzz targets: tests/fuzz/fuzz_<what>.c, for libFuzzer (which is clang's), and
# with a main of their own that replays the corpus.
FUZZ_NAMES := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_BINS  := $(addprefix $(BUILD)/,$(FUZZ_NAMES))
REPLAY_BINS := $(addprefix $(BUILD)/replay/,$(FUZZ_NAMES))
FUZZ_OBJS  := $(BUILD)/tests/fuzz/fuzz.o $(FAIL) $(CLOCK_TEST) $(FACE_FAKE)
# What the tool reads, not the daemon.
$(BUILD)/fuzz_audit $(BUILD)/replay/fuzz_audit: $(filter-out $(BUILD)/src/ctl/main.o,$(CTL_OBJS))
$(BUILD)/fuzz_audit $(BUILD)/replay/fuzz_audit: private FUZZ_LIBS := $(LIBS_ctl)
$(BUILD)/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(FUZZ_OBJS) $(call libs_of,http)
	$(call link,-fsanitize=fuzzer $(FAIL_LINK) $(filter %.o,$^) $(filter %.a,$^) $(call ld_of,http) $(FUZZ_LIBS))
$(BUILD)/replay/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/replay.o $(FUZZ_OBJS) $(call libs_of,http)
	$(call link,$(FAIL_LINK) $(filter %.o,$^) $(filter %.a,$^) $(call ld_of,http) $(FUZZ_LIBS))
.PHONY: fuzz fuzz-run check-corpus
fuzz: setup-check ## libFuzzer on all that strangers can send (FUZZ_S=seconds each)
	$(SUB) BUILD=$(BUILD)/fuzz CC=clang CXX=clang++ OPT=-O1 \
	  SAN=fuzzer-no-link,address,undefined fuzz-run
fuzz-run: $(FUZZ_BINS)
	@tests/fuzz/run.sh $(or $(FUZZ_S),20) $^
check-corpus: $(REPLAY_BINS) ## the fuzz targets over their corpus and old crashes
	@tests/fuzz/replay.sh $^

.PHONY: bench fmt install uninstall clean
# BENCH_S: seconds of one run, BENCH_N: rounds; BENCH_ARGS: --json FILE, --plots
# FOLDER, or --sizes 10000,1000000 for databases that have grown. STORE=postgres:
# a server beside SQLite instead.
bench: setup-check ## speed, memory and start-up time (BENCH_S, BENCH_N, BENCH_ARGS)
	$(SUB) all $(BUILD)/ceiling $(BUILD)/durable $(BUILD)/bench-enrol $(BUILD)/mkphoto $(BUILD)/mkcredentials
	@python3 tests/bench/bench.py --bin $(BUILD) --seconds $(or $(BENCH_S),4) \
	  --rounds $(or $(BENCH_N),3) \
	  $(if $(STORE),--store $(STORE)) $(BENCH_ARGS)
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
            config/purposes.example config/wechat.example config/wechat_texts.example \
            config/patroni.example
UNITS    := smartidd.service smartidd.socket
install: all ## put binaries, models, unit and examples under DESTDIR/PREFIX
	install -D -m 0755 $(BUILD)/smartidd $(DESTDIR)$(SBINDIR)/smartidd
	install -D -m 0755 $(BUILD)/smartidctl $(DESTDIR)$(BINDIR)/smartidctl
	install -d $(DESTDIR)$(SHAREDIR)/models $(DESTDIR)$(DOCDIR) $(DESTDIR)$(UNITDIR)
	install -m 0644 $(MODEL_DIR)/*.onnx $(MODEL_DIR)/models.ini $(DESTDIR)$(SHAREDIR)/models
	install -m 0644 $(DOCS) $(DESTDIR)$(DOCDIR)
	for unit in $(UNITS); do \
	  sed -e 's|@SBINDIR@|$(SBINDIR)|' -e 's|@DOCDIR@|$(DOCDIR)|' \
	    config/$$unit >$(DESTDIR)$(UNITDIR)/$$unit; done
uninstall: ## remove what install has put there (settings and data stay)
	rm -f $(DESTDIR)$(SBINDIR)/smartidd $(DESTDIR)$(BINDIR)/smartidctl \
	  $(addprefix $(DESTDIR)$(UNITDIR)/,$(UNITS))
	rm -rf $(DESTDIR)$(SHAREDIR) $(DESTDIR)$(DOCDIR)
clean: ## remove what was built (DATA stays)
	rm -rf $(BUILD)
