# Linux's own self-tests as static programs, in the archive build/linux-selftests.cpio; README.md beside this file.
#
#   make linux-selftests                 builds the archive with those that have to pass
#   make linux-selftests SELFTESTS=all   with the others of tests.txt that pass on Linux

SELFTESTS ?= pass timed
SELFTEST_DIRECTORY := Tests/LinuxSelfTests
SELFTEST_LIST      := $(SELFTEST_DIRECTORY)/tests.txt
SELFTEST_BUILD     := $(BUILD)/linux-selftests
SELFTEST_ARCHIVE   := $(BUILD)/linux-selftests.cpio

SELFTEST_VERDICTS  := $(if $(filter all,$(SELFTESTS)),pass timed linux,$(SELFTESTS))
# The sources of the tests with one of the given verdicts.
selftest_entries    = $(shell awk '$(foreach verdict,$(1),$$2 == "$(verdict)" ||) 0 { print $$1 }' $(SELFTEST_LIST) | \
  grep -v '^\#')
SELFTEST_ENTRIES   := $(call selftest_entries,$(SELFTEST_VERDICTS))
SELFTEST_TIMED     := $(call selftest_entries,timed)
# The first source names the test; those that are timed have a folder of their own, which the runner knows.
selftest_name       = $(if $(filter $(1),$(SELFTEST_TIMED)),timed/)$(notdir $(firstword $(subst +, ,$(1))))
SELFTEST_NAMES     := $(foreach entry,$(SELFTEST_ENTRIES),$(call selftest_name,$(entry)))

SELFTEST_FLAGS := -O2 -g -std=gnu99 -pthread -w -static -no-pie -D_GNU_SOURCE= -DCAN_BUILD_64
# It has an entry of its own, before the C library's.
SELFTEST_FLAGS_check_initial_reg_state := -Wl,-ereal_start
# Its accesses are dead code, and the order of its counting matters: Linux builds it without optimisation.
SELFTEST_FLAGS_breakpoint_test := -O0

$(SELFTEST_BUILD)/source: Scripts/fetch-linux-selftests $(LINUX_BUILD)/dependencies
	mkdir -p $(@D)
	Scripts/fetch-linux-selftests >$@.new
	mv $@.new $@

define selftest_rule
$(SELFTEST_BUILD)/tests/$(call selftest_name,$(1)): $(SELFTEST_BUILD)/source
	echo "  GCC     $$(@F)"
	mkdir -p $$(@D)
	cd "$$$$(cat $(SELFTEST_BUILD)/source)" && \
	gcc $(SELFTEST_FLAGS) $(SELFTEST_FLAGS_$(call selftest_name,$(1))) -I . -I futex/include \
	  -I $(dir $(firstword $(subst +, ,$(1)))) -o $(CURDIR)/$$@ $(addsuffix .c,$(subst +, ,$(1))) -lrt
	strip $$@
endef
$(foreach entry,$(SELFTEST_ENTRIES),$(eval $(call selftest_rule,$(entry))))

$(SELFTEST_BUILD)/test-names.h: FORCE
	mkdir -p $(@D)
	printf '"%s",\n' $(SELFTEST_NAMES) >$@.new
	if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(SELFTEST_BUILD)/run-tests: $(LINUX_DIRECTORY)/Runner/run-tests.c $(LINUX_DIRECTORY)/Runner/prepare.h \
  $(SELFTEST_BUILD)/test-names.h $(LINUX_BUILD)/dependencies
	echo "  MUSL    run-tests"
	musl-gcc $(LINUX_C_FLAGS) -DLINUX_SELFTESTS -I $(SELFTEST_BUILD) -o $@ $<
	strip $@

$(SELFTEST_ARCHIVE): FORCE $(SELFTEST_NAMES:%=$(SELFTEST_BUILD)/tests/%) $(SELFTEST_BUILD)/run-tests
	Scripts/make-archive --output $@.new bin/run-tests=$(SELFTEST_BUILD)/run-tests \
	  $(foreach name,$(SELFTEST_NAMES),tests/$(name)=$(SELFTEST_BUILD)/tests/$(name)) \
	  bin/busybox=/bin/busybox 'bin/sh->busybox' dev/console:c:5:1 dev/null:c:1:3 proc/ sys/ tmp/
	if cmp -s $@.new $@; then rm $@.new; else echo "  CPIO    $@"; mv $@.new $@; fi

.PHONY: linux-selftests
linux-selftests: $(SELFTEST_ARCHIVE)
