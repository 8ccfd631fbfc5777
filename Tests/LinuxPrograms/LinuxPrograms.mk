# Unmodified Linux programs for the boot tests, in the archive build/linux.cpio; README.md beside this file.
#
#   make linux-programs          builds the archive
#   make check-linux-programs    and runs its tests on this Linux host, which is their reference

LINUX_DIRECTORY := Tests/LinuxPrograms
LINUX_BUILD     := $(BUILD)/linux
LINUX_ARCHIVE   := $(BUILD)/linux.cpio

LINUX_SOURCES := $(sort $(wildcard $(LINUX_DIRECTORY)/*.c))
# By musl: those named so, and those that say in a comment that they are built twice.
LINUX_MUSL    := $(patsubst $(LINUX_DIRECTORY)/%.c,%,$(filter %-musl.c,$(LINUX_SOURCES)))
LINUX_GLIBC   := $(patsubst $(LINUX_DIRECTORY)/%.c,%,$(filter-out %-musl.c,$(LINUX_SOURCES)))
LINUX_TWICE   := $(patsubst $(LINUX_DIRECTORY)/%.c,%-musl,\
  $(shell grep -l '^// Built with musl too' $(LINUX_SOURCES) /dev/null))
LINUX_SCRIPTS := $(sort $(foreach shell,ash bash zsh,$(wildcard $(LINUX_DIRECTORY)/Scripts/*.$(shell))))

# Some come further down.
LINUX_TESTS = $(sort $(LINUX_GLIBC) $(LINUX_MUSL) $(LINUX_TWICE) $(LINUX_DYNAMIC) $(LINUX_OTHERS)) \
  $(notdir $(LINUX_SCRIPTS))
LINUX_C_FLAGS = -std=gnu17 -O2 -g -static -pthread -Wall -Wextra -Werror -Wno-unused-parameter -Wno-clobbered \
  -I $(LINUX_DIRECTORY)
LINUX_HEADERS = $(wildcard $(LINUX_DIRECTORY)/*.h)

$(LINUX_BUILD)/dependencies: Scripts/install-dependencies | dependencies
	Scripts/install-dependencies --tests
	mkdir -p $(@D)
	touch $@

$(LINUX_GLIBC:%=$(LINUX_BUILD)/tests/%): $(LINUX_BUILD)/tests/%: $(LINUX_DIRECTORY)/%.c $(LINUX_HEADERS) \
  $(LINUX_BUILD)/dependencies
	echo "  GCC     $(@F)"
	mkdir -p $(@D)
	gcc $(LINUX_C_FLAGS) -o $@ $< -lm
	strip $@

$(LINUX_MUSL:%=$(LINUX_BUILD)/tests/%): $(LINUX_BUILD)/tests/%: $(LINUX_DIRECTORY)/%.c $(LINUX_HEADERS) \
  $(LINUX_BUILD)/dependencies
	echo "  MUSL    $(@F)"
	mkdir -p $(@D)
	musl-gcc $(LINUX_C_FLAGS) -o $@ $< -lm
	strip $@

$(LINUX_TWICE:%=$(LINUX_BUILD)/tests/%): $(LINUX_BUILD)/tests/%-musl: $(LINUX_DIRECTORY)/%.c $(LINUX_HEADERS) \
  $(LINUX_BUILD)/dependencies
	echo "  MUSL    $(@F)"
	mkdir -p $(@D)
	musl-gcc $(LINUX_C_FLAGS) -o $@ $< -lm
	strip $@

# Dynamically linked ones, with the libraries that they ask for.
LINUX_DYNAMIC   := $(patsubst $(LINUX_DIRECTORY)/Dynamic/%.c,%,$(wildcard $(LINUX_DIRECTORY)/Dynamic/*.c))
LINUX_LIBRARIES := lib64/ld-linux-x86-64.so.2=/lib64/ld-linux-x86-64.so.2 \
  $(foreach name,libc.so.6 libm.so.6 libgcc_s.so.1 libstdc++.so.6,lib/x86_64-linux-gnu/$(name)=/lib/x86_64-linux-gnu/$(name))
$(LINUX_DYNAMIC:%=$(LINUX_BUILD)/tests/%): $(LINUX_BUILD)/tests/%: $(LINUX_DIRECTORY)/Dynamic/%.c $(LINUX_HEADERS) \
  $(LINUX_BUILD)/dependencies
	echo "  GCC     $(@F)"
	mkdir -p $(@D)
	gcc $(filter-out -static,$(LINUX_C_FLAGS)) -o $@ $< -lm
	strip $@

# What gdb on the host debugs in the guest: with the symbols of the copy that stays on the host.
LINUX_DEBUGGED := $(patsubst $(LINUX_DIRECTORY)/Debugged/%.c,%,$(wildcard $(LINUX_DIRECTORY)/Debugged/*.c))
$(LINUX_DEBUGGED:%=$(LINUX_BUILD)/debugged/%): $(LINUX_BUILD)/debugged/%: $(LINUX_DIRECTORY)/Debugged/%.c \
  $(LINUX_HEADERS) $(LINUX_BUILD)/dependencies
	echo "  GCC     $(@F)"
	mkdir -p $(@D)
	gcc $(LINUX_C_FLAGS) -O1 -o $@ $<
	strip -o $@.stripped $@

# Scripts and what they should print.
$(LINUX_BUILD)/tests/%.expected: $(LINUX_DIRECTORY)/Scripts/%.expected
	mkdir -p $(@D)
	cp $< $@
$(LINUX_SCRIPTS:$(LINUX_DIRECTORY)/Scripts/%=$(LINUX_BUILD)/tests/%): $(LINUX_BUILD)/tests/%: \
  $(LINUX_DIRECTORY)/Scripts/%
	mkdir -p $(@D)
	install -m 755 $< $@

# The names of the tests, for the runner: rewritten only where they changed.
$(LINUX_BUILD)/test-names.h: FORCE
	mkdir -p $(@D)
	printf '"%s",\n' $(LINUX_TESTS) >$@.new
	if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(LINUX_BUILD)/run-tests: $(LINUX_DIRECTORY)/Runner/run-tests.c $(LINUX_DIRECTORY)/Runner/prepare.h $(LINUX_BUILD)/test-names.h \
  $(LINUX_BUILD)/dependencies
	echo "  MUSL    run-tests"
	musl-gcc $(LINUX_C_FLAGS) -I $(LINUX_BUILD) -o $@ $<
	strip $@

# What measures and what soaks: by musl, whose programs start with the fewest calls.
LINUX_TOOLS := $(patsubst $(LINUX_DIRECTORY)/Runner/%.c,%,$(filter-out %/run-tests.c,\
  $(wildcard $(LINUX_DIRECTORY)/Runner/*.c)))
$(LINUX_TOOLS:%=$(LINUX_BUILD)/%): $(LINUX_BUILD)/%: $(LINUX_DIRECTORY)/Runner/%.c $(LINUX_BUILD)/dependencies
	echo "  MUSL    $(@F)"
	musl-gcc $(LINUX_C_FLAGS) -o $@ $< -lm
	strip $@

# The fuzzer of system calls, which knows the numbers in the kernel's table.
LINUX_FUZZER := $(LINUX_BUILD)/fuzz-calls
$(LINUX_BUILD)/kernel-calls.h: Kernel/System/SystemCalls/SystemCallTable.swift
	mkdir -p $(@D)
	sed -nE 's/^  case ([0-9]+): .*/\1,/p' $< >$@
$(LINUX_BUILD)/i386-calls.h: Kernel/Core/Processes/I386CallNumbers.swift
	mkdir -p $(@D)
	sed -nE -e 's/^ +case ([0-9]+): ([0-9]+).*/{\1, \1, \2},/p' \
	  -e 's/^ +case ([0-9]+)\.\.\.([0-9]+): UInt64\(number\) - [0-9]+ \+ ([0-9]+).*/{\1, \2, \3},/p' $< >$@
$(LINUX_FUZZER): $(wildcard $(LINUX_DIRECTORY)/Fuzzer/*) $(LINUX_HEADERS) $(LINUX_DIRECTORY)/Runner/prepare.h \
  $(LINUX_BUILD)/kernel-calls.h $(LINUX_BUILD)/i386-calls.h $(LINUX_BUILD)/dependencies
	echo "  MUSL    $(@F)"
	musl-gcc $(LINUX_C_FLAGS) -I $(LINUX_BUILD) -o $@ $(LINUX_DIRECTORY)/Fuzzer/fuzz-calls.c
	strip $@

LINUX_OTHERS := rust-static-pie
# Without a Rust compiler a program that says so takes the place, and the test is skipped.
RUSTC := $(shell command -v rustc)
$(LINUX_BUILD)/tests/rust-static-pie: $(LINUX_DIRECTORY)/Rust/main.rs
	echo "  RUST    $(@F)"
	mkdir -p $(@D)
ifneq ($(RUSTC),)
	MAKEFLAGS= $(RUSTC) --edition 2021 -O -C target-feature=+crt-static -C relocation-model=pic -C strip=symbols -o $@ $<
else
	printf '#!/bin/busybox sh\necho "    skipped: no rustc where the archive was built (Debian: rustc)"; exit 77\n' >$@
	chmod +x $@
endif

# Static Swift with Foundation, some 60 MB: an archive of its own, compressed, with an init of its own.
LINUX_SWIFT_ARCHIVE := $(BUILD)/linux-swift.cpio.gz
$(LINUX_BUILD)/swift-foundation: $(LINUX_DIRECTORY)/Swift/main.swift | dependencies
	echo "  SWIFT   $(@F)"
	mkdir -p $(@D)
	$(TOOLCHAIN)/swiftc -O -static-executable -swift-version 5 -o $@ $< >$@.log 2>&1 || { cat $@.log; exit 1; }
	strip $@
$(LINUX_SWIFT_ARCHIVE): $(LINUX_BUILD)/swift-foundation $(LINUX_DIRECTORY)/Swift/init $(LINUX_BUILD)/dependencies
	echo "  CPIO    $@"
	Scripts/make-archive --output $(@:.gz=) bin/swift-foundation=$< bin/busybox=/bin/busybox \
	  init=$(LINUX_DIRECTORY)/Swift/init tmp/ proc/ dev/console:c:5:1 dev/null:c:1:3
	gzip -n -f -1 $(@:.gz=)

# Programs of Debian's packages, as they are.
LINUX_PACKAGED = bin/busybox=/bin/busybox bin/bash-static=/bin/bash-static bin/zsh-static=/bin/zsh-static \
  bin/gdbserver=/usr/bin/gdbserver
LINUX_APPLETS := sh ash awk base64 basename cat chmod clear cmp cp cttyhack cut date dc dd df diff dirname dmesg \
  du echo ed env expr false find free grep gunzip gzip head hostname id kill less ln ls md5sum mkdir mkfifo \
  mknod more mount mv nohup od pidof ping poweroff printenv printf ps pwd readlink realpath reboot rm \
  rmdir sed seq setsid sha1sum sha256sum sha512sum sleep sort stat stty sync tail tar tee test time \
  timeout top touch tr true truncate tty umount uname uniq uptime usleep vi wc which whoami xargs yes zcat

# On the host, too, scripts find busybox's tools.
$(LINUX_BUILD)/bin/.made: $(LINUX_DIRECTORY)/LinuxPrograms.mk
	rm -rf $(@D) && mkdir -p $(@D)
	for applet in $(LINUX_APPLETS); do ln -s /bin/busybox $(@D)/$$applet; done
	touch $@

LINUX_FILES = $(LINUX_TESTS:%=$(LINUX_BUILD)/tests/%) \
  $(foreach script,$(LINUX_SCRIPTS),$(LINUX_BUILD)/tests/$(notdir $(basename $(script))).expected)
LINUX_ENTRIES = $(LINUX_PACKAGED) $(LINUX_LIBRARIES) 'bin/bash->bash-static' 'bin/zsh->zsh-static' \
  $(foreach applet,$(LINUX_APPLETS),'bin/$(applet)->busybox') \
  bin/run-tests=$(LINUX_BUILD)/run-tests bin/fuzz-calls=$(LINUX_FUZZER) \
  $(foreach tool,$(LINUX_TOOLS),bin/$(tool)=$(LINUX_BUILD)/$(tool)) \
  $(foreach program,$(LINUX_DEBUGGED),bin/$(program)=$(LINUX_BUILD)/debugged/$(program).stripped) \
  $(foreach file,$(LINUX_FILES),tests/$(notdir $(file))=$(file)) \
  $(foreach program,$(filter-out %/init %/shell,$(USER_PROGRAMS)),bin/$(notdir $(program))=$(program)) \
  dev/console:c:5:1 dev/null:c:1:3 proc/ sys/ tmp/ root/

$(LINUX_ARCHIVE): FORCE $(LINUX_FILES) $(LINUX_DEBUGGED:%=$(LINUX_BUILD)/debugged/%) $(LINUX_BUILD)/run-tests \
  $(LINUX_FUZZER) $(LINUX_TOOLS:%=$(LINUX_BUILD)/%) $(USER_PROGRAMS) | $(LINUX_BUILD)/dependencies
	Scripts/make-archive --output $@.new $(LINUX_ENTRIES)
	if cmp -s $@.new $@; then rm $@.new; else echo "  CPIO    $@"; mv $@.new $@; fi

.PHONY: linux-programs check-linux-programs
linux-programs: $(LINUX_ARCHIVE) $(LINUX_SWIFT_ARCHIVE)

check-linux-programs: $(LINUX_FILES) $(LINUX_BUILD)/run-tests $(LINUX_BUILD)/bin/.made
	$(LINUX_BUILD)/run-tests --directory $(LINUX_BUILD)/tests
