// Built with musl too.
// The least that a program does: it starts, writes, and ends with a status.
#include "check.h"

int main(int count, char **arguments) {
  CHECK_EQUAL(count, 1);
  CHECK(strstr(arguments[0], "hello") != NULL);
  CHECK(getpid() > 1);
  say("hello from process %d", (int)getpid());
  return finish();
}
