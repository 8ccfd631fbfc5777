// Segment selectors. The order is what SYSCALL and SYSRET demand of STAR (Intel SDM volume 2, SYSRET), the
// values are those that Linux programs see in their frames.
#pragma once

#define KERNEL_CODE_SELECTOR 0x10
#define KERNEL_DATA_SELECTOR 0x18
#define USER_CODE32_SELECTOR 0x23
#define USER_DATA_SELECTOR 0x2b
#define USER_CODE_SELECTOR 0x33
#define TASK_STATE_SELECTOR 0x38
#define LOCAL_TABLE_SELECTOR 0x50
