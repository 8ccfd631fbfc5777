# Needletail: `make help` lists what there is to do. V=1 shows the commands.

# What a boot is made of. Each can be given on the command line.
CPUS     ?= 4
CPU      ?= max
MEMORY   ?= 512
ACCEL    ?= tcg
STRATEGY ?=
SAVE     ?=
APPEND   ?=
INITRD   ?= build/initrd.cpio
MATRIX   ?= full

BUILD  := build
TRIPLE := x86_64-unknown-none-elf
TOOLCHAIN := $(shell Scripts/find-toolchain 2>/dev/null)

ifndef V
.SILENT:
endif
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# --- The kernel -----------------------------------------------------------------------------------------

# CHECKED=1 compiles in what the kernel asserts of locks and interrupt states: the tests boot that kernel.
KERNEL_BUILD  := $(BUILD)$(if $(CHECKED),/checked)
KERNEL        := $(KERNEL_BUILD)/needletail.elf
KERNEL_LOADED := $(KERNEL_BUILD)/needletail.stripped.elf
CHECKED_KERNEL := $(BUILD)/checked/needletail.stripped.elf
KERNEL_LIBRARY := $(KERNEL_BUILD)/kernel/$(TRIPLE)/release/libKernel.a
SWIFT_BUILD   := swift build --triple $(TRIPLE) --toolset Kernel/toolset.json -c release --product Kernel \
                 --scratch-path $(KERNEL_BUILD)/kernel $(if $(CHECKED),-Xswiftc -DCHECKED)

C_INCLUDES    := Kernel/Machine/Instructions/include
C_HEADERS     := $(sort $(shell find Kernel -name '*.h'))
OFFSETS       := $(BUILD)/include/Offsets.inc
OFFSETS_C     := Kernel/Machine/Offsets.c
ASSEMBLY      := $(sort $(wildcard Boot/*.asm) $(shell find Kernel/Machine -name '*.asm'))
OBJECTS       := $(ASSEMBLY:%.asm=$(BUILD)/objects/%.o)
NASM_FLAGS     = -Werror -f elf64 -g -F dwarf -I $(<D)/ -I Boot/include/ -I Kernel/Machine/ \
                 -I $(BUILD)/include/

# SwiftPM knows best what is out of date: it is always asked, and touches the library only if it changed.
$(KERNEL_LIBRARY): FORCE | dependencies
	echo "  SWIFT   Kernel"
	mkdir -p $(KERNEL_BUILD)
	# SwiftPM looks neither at the flags of the toolset nor at the headers from which Swift takes functions.
	cat Kernel/toolset.json $(C_HEADERS) | cmp -s - $(KERNEL_BUILD)/unwatched || rm -rf $(KERNEL_BUILD)/kernel
	cat Kernel/toolset.json $(C_HEADERS) >$(KERNEL_BUILD)/unwatched
	rm -f $@ # the archiver would keep the objects of sources that are gone
	$(SWIFT_BUILD) >$(KERNEL_BUILD)/kernel.log 2>&1 || { cat $(KERNEL_BUILD)/kernel.log; exit 1; }
	grep -E 'warning:' $(KERNEL_BUILD)/kernel.log || true

# The shared object that the kernel maps into programs; one read-only segment, without anything to relocate.
VDSO := $(BUILD)/include/vdso.so
$(VDSO): Kernel/VDSO/vdso.c Kernel/VDSO/vdso.map $(C_INCLUDES)/TimePage.h | dependencies
	echo "  VDSO    $@"
	mkdir -p $(@D)
	$(TOOLCHAIN)/clang --target=x86_64-linux-gnu -O2 -ffreestanding -fPIC -fvisibility=hidden -mgeneral-regs-only \
	  -fno-stack-protector -fno-asynchronous-unwind-tables -Wall -Wextra -Werror -I $(C_INCLUDES) -c -o $(@:.so=.o) $<
	$(TOOLCHAIN)/ld.lld -shared -soname linux-vdso.so.1 --version-script Kernel/VDSO/vdso.map --hash-style=both \
	  --no-rosegment -z noseparate-code -z norelro -z rodynamic -z max-page-size=4096 --no-undefined \
	  --build-id=none -s -o $@ $(@:.so=.o)

$(BUILD)/objects/Kernel/Machine/VDSO/vdso-image.o: $(VDSO)

$(OFFSETS): $(OFFSETS_C) $(wildcard $(C_INCLUDES)/*.h) Scripts/make-offsets | dependencies
	echo "  OFFSETS $@"
	Scripts/make-offsets --output $@ --source $(OFFSETS_C) -I $(C_INCLUDES)

$(BUILD)/objects/%.o: %.asm $(if $(wildcard $(OFFSETS_C)),$(OFFSETS)) | dependencies
	echo "  NASM    $<"
	mkdir -p $(@D)
	nasm $(NASM_FLAGS) -MD $(@:.o=.d) -MP -o $@ $<

# Debug information for gdb and nothing else.
DEBUG_TYPES := $(BUILD)/objects/debug-types.o
$(DEBUG_TYPES): Linker/debug-types.c $(wildcard $(C_INCLUDES)/*.h) | dependencies
	mkdir -p $(@D)
	$(TOOLCHAIN)/clang --target=$(TRIPLE) -ffreestanding -fdata-sections -g -I $(C_INCLUDES) -c -o $@ $<

-include $(OBJECTS:.o=.d)

$(KERNEL): $(OBJECTS) $(DEBUG_TYPES) $(KERNEL_LIBRARY) Linker/kernel.ld \
           Scripts/link-kernel Scripts/make-symbols
	echo "  LINK    $@"
	Scripts/link-kernel --script Linker/kernel.ld --output $@ --work $(KERNEL_BUILD)/link \
	  $(OBJECTS) $(DEBUG_TYPES) $(KERNEL_LIBRARY)
	rm -rf $(BUILD)/iso

# GRUB loads every section that the file has: what goes into the image carries no debug information.
$(KERNEL_LOADED): $(KERNEL)
	$(TOOLCHAIN)/llvm-objcopy --strip-all $< $@

# --- The programs -----------------------------------------------------------------------------------------

# User/User.mk lists the files that it builds in USER_PROGRAMS. All go to /bin of the archive; the one named
# init is /init as well.
LLD := $(TOOLCHAIN)/ld.lld
-include User/User.mk

ARCHIVE_ENTRIES = $(foreach program,$(sort $(USER_PROGRAMS)),bin/$(notdir $(program))=$(program)) \
  $(patsubst %,init=%,$(filter %/init,$(USER_PROGRAMS)))

$(BUILD)/initrd.cpio: FORCE $(USER_PROGRAMS) | dependencies
	mkdir -p $(@D)
	Scripts/make-archive --output $@.new $(ARCHIVE_ENTRIES)
	if cmp -s $@.new $@; then rm $@.new; else echo "  CPIO    $@"; mv $@.new $@; fi

# Another archive than the tests' own, for a person: busybox, and what Image/README.md says.
SHELL_ARCHIVE := $(BUILD)/shell.cpio
IMAGE_FILES   := $(wildcard Image/*)
IMAGE_PROGRAMS = $(filter-out %/init %/shell,$(USER_PROGRAMS))

$(SHELL_ARCHIVE): $(USER_PROGRAMS) $(IMAGE_FILES) Scripts/fetch-busybox | dependencies
	echo "  CPIO    $@"
	mkdir -p $(@D)
	programs="$(foreach program,$(IMAGE_PROGRAMS),bin/$(notdir $(program))=$(program))"; \
	if busybox=$$(Scripts/fetch-busybox); then \
	  links=$$($$busybox --list | grep -vxF -e busybox $(IMAGE_PROGRAMS:$(USER_BUILD)/bin/%=-e %) | \
	    sed 's|.*|bin/&->busybox|'); \
	  Scripts/make-archive --output $@ $$programs bin/busybox=$$busybox $$links init=Image/init \
	    etc/profile=Image/profile etc/motd=Image/motd etc/demo=Image/demo \
	    dev/console:c:5:1 dev/null:c:1:3 proc/ sys/ tmp/ root/; \
	else \
	  echo "  A small shell of our own stands in for busybox."; \
	  Scripts/make-archive --output $@ $$programs init=$(USER_BUILD)/bin/shell dev/console:c:5:1; \
	fi

-include Tests/LinuxPrograms/LinuxPrograms.mk
-include Tests/LinuxSelfTests/LinuxSelfTests.mk

# --- Booting ----------------------------------------------------------------------------------------------

WORDS = $(if $(STRATEGY),fpu.strategy=$(STRATEGY)) $(if $(SAVE),fpu.save=$(SAVE)) $(APPEND)
MAKE_ISO = Scripts/make-iso --kernel $(KERNEL_LOADED) --initrd $(INITRD)
RUN_QEMU = Scripts/run-qemu --cpu $(CPU) --memory $(MEMORY) --accel $(ACCEL)

.PHONY: run tour bench soak fuzz fuzz-frames test iso image debug check clean help dependencies FORCE
FORCE:

dependencies:
	Scripts/install-dependencies

image: $(KERNEL_LOADED) $(INITRD) ## Build the kernel and the programs, without an ISO

iso: image $(SHELL_ARCHIVE) ## Build build/needletail.iso, which boots to a shell, and then to a prompt
	Scripts/make-iso --kernel $(KERNEL_LOADED) --initrd $(RUN_ARCHIVE) --words "run=init monitor $(WORDS)" --output $(BUILD)/needletail.iso

# An archive of one's own is booted as it is; the image with the shell gets a word on how to end.
IS_OWN_ARCHIVE = $(filter-out $(BUILD)/initrd.cpio,$(INITRD))
RUN_ARCHIVE    = $(if $(IS_OWN_ARCHIVE),$(INITRD),$(SHELL_ARCHIVE))

run: image $(SHELL_ARCHIVE) ## Boot to a shell in QEMU, or INITRD= with APPEND= (Ctrl-A X ends QEMU)
	words=; if [ -z "$(IS_OWN_ARCHIVE)" ]; then \
	  if [ -t 0 ] && [ -t 1 ]; then words=monitor; else words=demo; fi; fi; \
	Scripts/boot --kernel $(KERNEL_LOADED) --initrd $(RUN_ARCHIVE) --cpus $(CPUS) --cpu $(CPU) \
	  --memory $(MEMORY) --accel $(ACCEL) --report $(BUILD)/report.json --append "$$words "'$(WORDS)'

tour: image ## Run the tour alone and write build/tour.json
	rm -f $(BUILD)/tour.json
	iso=$$($(MAKE_ISO) --words "run=tour poweroff $(WORDS)") && \
	$(RUN_QEMU) --cpus $(CPUS) --iso $$iso --report $(BUILD)/tour.json --timeout 600 </dev/null
	echo "Wrote $(BUILD)/tour.json"

bench: image linux-programs ## Measure instructions on one CPU and write build/bench.json
	rm -f $(BUILD)/bench.json
	iso=$$($(MAKE_ISO) --words "run=bench poweroff $(WORDS)") && \
	$(RUN_QEMU) --cpus 1 --icount --iso $$iso --report $(BUILD)/bench.json --timeout 600 </dev/null
	echo "The program that is also measured on Linux (Scripts/bench-linux), in instructions:"
	Scripts/bench-linux --only needletail --report $(BUILD)/bench.json
	Scripts/add-image-size --kernel $(KERNEL) --report $(BUILD)/bench.json
	echo "Wrote $(BUILD)/bench.json"

debug: image ## Boot with QEMU halted for gdb, and say how to attach
	command -v gdb >/dev/null || echo "gdb is missing here (Debian: gdb); QEMU waits for one all the same"
	iso=$$($(MAKE_ISO) --words "run=tour $(WORDS)") && \
	echo "In another terminal: gdb -x Scripts/needletail.gdb $(KERNEL)" && \
	$(RUN_QEMU) --cpus $(CPUS) --iso $$iso --report $(BUILD)/report.json --gdb

check: $(KERNEL) ## Check the image: no stray FPU instruction, float helper, lazy global or writable code
	Scripts/check-image --kernel $(KERNEL) --library $(KERNEL_LIBRARY)

MINUTES ?= 120
soak: image linux-programs ## Run a mixed load for MINUTES= (120) on CPUS=, and look for what is lost
	Scripts/boot --kernel $(KERNEL_LOADED) --initrd $(BUILD)/linux.cpio --cpus $(CPUS) --cpu $(CPU) --memory $(MEMORY) \
	  --accel $(ACCEL) --timeout $$(($(MINUTES) * 60 + 600)) --report $(BUILD)/soak.json \
	  --append '$(WORDS) init=/bin/soak -- --seconds '$$(($(MINUTES) * 60)) </dev/null

SEED   ?= 1
FRAMES ?= 1000000
fuzz-frames: image linux-programs ## Return through FRAMES= (1000000) random signal frames, seeded by SEED=, on 2 CPUs
	Scripts/boot --kernel $(KERNEL_LOADED) --initrd $(BUILD)/linux.cpio --cpus 2 --cpu $(CPU) --memory $(MEMORY) \
	  --accel $(ACCEL) --timeout $$(($(FRAMES) / 1000 + 120)) --report $(BUILD)/fuzz-frames.json \
	  --append '$(WORDS) init=/tests/frame-fuzz -- --count $(FRAMES) --seed $(SEED) --leaks' </dev/null

COUNT ?= 10000000
fuzz: linux-programs ## Make COUNT= (10000000) random system calls from SEED= on 2 CPUs, and look for what is lost
	$(MAKE) --no-print-directory CHECKED=1 image
	Scripts/boot --kernel $(CHECKED_KERNEL) --initrd $(BUILD)/linux.cpio --cpus 2 --cpu $(CPU) \
	  --memory $(MEMORY) --accel $(ACCEL) --timeout $$(($(COUNT) / 1000 + 600)) --report $(BUILD)/fuzz.report \
	  --append '$(WORDS) init=/bin/fuzz-calls -- --calls $(COUNT) --seed $(SEED)' </dev/null

# --- Tests ------------------------------------------------------------------------------------------------

HOST_TESTS := --disable-xctest --quiet
BOOT_TESTS := --package-path Tests/BootTests --scratch-path $(BUILD)/boot-tests --disable-xctest --quiet

test: ## Run the host tests, the image checks and the boot matrix (MATRIX=quick: a few boots)
	Scripts/install-dependencies --tests
	$(if $(filter-out quick,$(MATRIX)),Scripts/fetch-bochs >/dev/null || echo "The installed Bochs takes its place.")
	$(MAKE) --no-print-directory -j$$(nproc) what-tests-need
	echo "  TEST    on the host"
	swift test $(HOST_TESTS)
	rm -rf $(BUILD)/boots && mkdir -p $(BUILD)/boots
	echo "  TEST    booted (MATRIX=$(MATRIX))"
	status=0; \
	NEEDLETAIL_BOOT_TESTS=1 NEEDLETAIL_KERNEL=$(CHECKED_KERNEL) NEEDLETAIL_MATRIX="$(MATRIX)" swift test $(BOOT_TESTS) || status=$$?; \
	Scripts/summarize-boots $(BUILD)/boots/results.tsv || status=1; \
	exit $$status

# Side by side, the longest first: each kernel is one compiler process.
.PHONY: what-tests-need checked-kernel host-tests boot-tests
what-tests-need: check $(if $(CHECKED),,checked-kernel) host-tests boot-tests image linux-programs $(SHELL_ARCHIVE) \
  $(if $(filter full linux% selftests%,$(MATRIX)),linux-selftests)

# The objects are both kernels' and are there already, so that nothing is made twice at once.
checked-kernel: $(OBJECTS) $(DEBUG_TYPES)
	$(MAKE) --no-print-directory CHECKED=1 $(CHECKED_KERNEL)

host-tests: | dependencies
	echo "  SWIFT   tests for the host"
	swift build --build-tests $(HOST_TESTS)

boot-tests: | dependencies
	echo "  SWIFT   tests that boot"
	swift build --build-tests $(BOOT_TESTS)

# --- The rest ---------------------------------------------------------------------------------------------

clean: ## Remove everything that was built
	rm -rf $(BUILD) .build

help: ## Show this help
	echo "Needletail: a kernel that is about switching FPU and SIMD state"
	echo
	echo "Targets:"
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  \1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
	  awk -F'|' '{ printf "  make %-11s %s\n", substr($$1, 3), $$2 }'
	echo
	echo "Variables, as in 'make run CPUS=2 STRATEGY=lazy':"
	echo "  CPUS=$(CPUS)        number of CPUs (bench has one)"
	echo "  CPU=$(CPU)       QEMU's CPU model with its features, such as SandyBridge or Opteron_G1"
	echo "  MEMORY=$(MEMORY)    megabytes of memory, or with a suffix: 2G"
	echo "  STRATEGY=     eager, lazy or deferred (deferred)"
	echo "  SAVE=         xsaves, xsavec, xsaveopt, xsave or fxsave (the best that the CPU has)"
	echo "  ACCEL=$(ACCEL)     QEMU's accelerator: tcg or kvm"
	echo "  APPEND=       more words for the boot line; what follows -- goes to init"
	echo "  CHECKED=1     with the kernel's own assertions; the tests boot it so"
	echo "  INITRD=       another cpio archive (newc) of programs"
	echo "  MINUTES=$(MINUTES)   how long soak runs"
	echo "  FRAMES=$(FRAMES)  how many frames fuzz-frames makes, seeded by SEED=$(SEED)"
	echo "  COUNT=        how many system calls fuzz makes ($(COUNT)), seeded by SEED=$(SEED)"
	echo "  MATRIX=$(MATRIX)   which boots 'make test' does: full, quick, or those with this in their names (linux, bochs, lazy)"
	echo "  V=1           show the commands"
