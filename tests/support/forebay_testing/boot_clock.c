// Makes a program believe that the machine was suspended for as many seconds as the file says that
// FOREBAY_TEST_SUSPENDED names, in eight bytes: CLOCK_BOOTTIME is so much later, all other clocks and the kernel's
// timers are as they are. For LD_PRELOAD.

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_long not_at_all;
static atomic_long* seconds = &not_at_all;

__attribute__((constructor)) static void begin(void) {
  const char* path = getenv("FOREBAY_TEST_SUSPENDED");
  const int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  void* place = mmap(NULL, sizeof *seconds, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (place != MAP_FAILED) seconds = place;
}

int clock_gettime(clockid_t which, struct timespec* time) {
  const int failed = (int)syscall(SYS_clock_gettime, which, time);
  if (!failed && which == CLOCK_BOOTTIME) time->tv_sec += atomic_load(seconds);
  return failed;
}
