// Linked into the image for its debug information alone, so that gdb knows the structures that assembly and
// Swift share: it does not read Swift's own. Nothing of it is loaded.
#include "CPUArea.h"

struct CPUArea *debugCPUArea;
struct ThreadHead *debugThreadHead;
struct TrapFrame *debugTrapFrame;
