# The guest programs: static ELF64 files that run on Needletail and on Linux alike.
#
#   make -f User/User.mk user              builds them into $(BUILD)/user/bin
#   make -f User/User.mk check-user        and runs each of them on this Linux host
#
# The top Makefile includes this file; USER_PROGRAMS lists the files. It may set USER_NEEDS to a target that
# has to be made before anything is built.

BUILD ?= build
Q ?= @
SWIFTC ?= swiftc
NASM ?= nasm
SWIFT_TOOLS ?= $$($(USER_DIRECTORY)/../Scripts/find-toolchain)
LLD ?= $(SWIFT_TOOLS)/ld.lld
OBJDUMP ?= $(SWIFT_TOOLS)/llvm-objdump

USER_DIRECTORY := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
USER_BUILD = $(BUILD)/user
USER_NAMES := $(sort $(patsubst $(USER_DIRECTORY)/Programs/%/,%,$(wildcard $(USER_DIRECTORY)/Programs/*/)))
USER_PROGRAMS = $(addprefix $(USER_BUILD)/bin/,$(USER_NAMES))

USER_RUNTIME_SOURCES := $(wildcard $(USER_DIRECTORY)/Runtime/*.swift)
USER_PROGRAM_SOURCES := $(wildcard $(USER_DIRECTORY)/Programs/*/*.swift)
USER_HEADERS := $(wildcard $(USER_DIRECTORY)/Runtime/include/*)
USER_ASSEMBLY := $(wildcard $(addprefix $(USER_DIRECTORY)/,Runtime/*.asm Patterns/*.asm Programs/*/*.asm))
USER_ASSEMBLY_OBJECTS = $(patsubst $(USER_DIRECTORY)/%.asm,$(USER_BUILD)/%.o,$(USER_ASSEMBLY))
USER_INCLUDES := $(wildcard $(USER_DIRECTORY)/Patterns/*.inc)

# No SSE in what the compiler makes, so that a program uses the FPU exactly where its assembly does: the
# integer program has no FPU state at all, and a pattern stays in the registers between two rounds.
USER_SWIFT_FLAGS = -target x86_64-unknown-none-elf -enable-experimental-feature Embedded -wmo -O \
  -parse-as-library -Xfrontend -function-sections -Xfrontend -disable-stack-protector \
  -Xcc -ffreestanding -Xcc -mno-red-zone -Xcc -mno-sse -Xcc -mno-mmx \
  -Xcc -Xclang -Xcc -target-feature -Xcc -Xclang -Xcc +soft-float \
  -I $(USER_DIRECTORY)/Runtime/include

# Pages of their own for headers, text and data: none is both writable and executable. Each program gets all
# of the assembly and keeps what it calls.
USER_LINK_FLAGS = -static --no-pie --image-base=0x400000 -z separate-code -z noexecstack -z norelro \
  -z max-page-size=4096 --gc-sections --build-id=none

# This one begins by taking the registers as the kernel left them.
USER_ENTRY_forkexec = --entry=_startCapturing
# And this one by noting the time.
USER_ENTRY_bench = --entry=_startTimed

# The compiler leaves a file as old as it was if it would not change: hence the touch in two rules below.
.PHONY: user check-user
.SECONDARY: $(USER_NAMES:%=$(USER_BUILD)/Programs/%.o)
user: $(USER_PROGRAMS)

$(USER_BUILD)/Runtime/Runtime.swiftmodule: $(USER_RUNTIME_SOURCES) $(USER_HEADERS) \
  $(USER_DIRECTORY)/User.mk | $(USER_NEEDS)
	@echo "  SWIFT   Runtime"
	@mkdir -p $(@D)
	$(Q)$(SWIFTC) $(USER_SWIFT_FLAGS) -module-name Runtime -emit-module -emit-module-path $@ \
	  -c $(USER_RUNTIME_SOURCES) -o $(@D)/RuntimeModule.o
	@touch $@

$(USER_BUILD)/Programs/%.o: $(USER_DIRECTORY)/Programs/%/main.swift $(USER_PROGRAM_SOURCES) \
  $(USER_BUILD)/Runtime/Runtime.swiftmodule
	@echo "  SWIFT   $*"
	@mkdir -p $(@D)
	$(Q)$(SWIFTC) $(USER_SWIFT_FLAGS) -I $(USER_BUILD)/Runtime -module-name Program \
	  -c $(wildcard $(dir $<)*.swift) -o $@
	@touch $@

$(USER_BUILD)/%.o: $(USER_DIRECTORY)/%.asm $(USER_INCLUDES) $(USER_DIRECTORY)/User.mk | $(USER_NEEDS)
	@mkdir -p $(@D)
	$(Q)$(NASM) -f elf64 -Werror -I$(USER_DIRECTORY)/Patterns/ -o $@ $<

$(USER_BUILD)/bin/%: $(USER_BUILD)/Programs/%.o $(USER_ASSEMBLY_OBJECTS)
	@mkdir -p $(@D)
	$(Q)"$(LLD)" $(USER_LINK_FLAGS) $(USER_ENTRY_$*) -o $@ $< $(USER_BUILD)/Runtime/RuntimeModule.o \
	  $(USER_ASSEMBLY_OBJECTS)

check-user: user
	$(Q)OBJDUMP="$(OBJDUMP)" $(USER_DIRECTORY)/check.sh $(USER_BUILD)/bin
