// Has a program stop itself (SIGSTOP) once it has read the words "stand still" from a connection, while the file is
// there that FOREBAY_TEST_STANDSTILL names; which goes by that. For LD_PRELOAD.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef long Call(long, long, long, long, long, long, long);

static const char words[] = "stand still";
static const char* path;
static Call* real;

__attribute__((constructor)) static void begin(void) {
  path = getenv("FOREBAY_TEST_STANDSTILL");
  real = (Call*)dlsym(RTLD_NEXT, "syscall");
}

// What Forebay reads by (net/stream.hpp).
long syscall(long number, ...) {
  va_list rest;
  va_start(rest, number);
  long of[6];
  for (int at = 0; at < 6; ++at) of[at] = va_arg(rest, long);
  va_end(rest);
  const long result = real(number, of[0], of[1], of[2], of[3], of[4], of[5]);
  if (number == SYS_recvfrom && result > 0 && path != NULL &&
      memmem((const void*)of[1], (size_t)result, words, sizeof words - 1) != NULL && unlink(path) == 0)
    raise(SIGSTOP);
  return result;
}
