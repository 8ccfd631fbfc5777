// One instruction per function, or the fewest that belong together. Nothing here decides anything.
#pragma once
#include "Assembly.h"
#include "Atomics.h"
#include "CPUArea.h"
#include "Inlining.h"
#include "CPUAreaAccess.h"
#include "MemoryLayout.h"
#include "Ports.h"
#include "Processor.h"
#include "Selectors.h"
#include "TimePage.h"
