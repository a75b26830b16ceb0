/* read-direct pipe|tty COMMAND…: runs a command, reads its stdout to the end, and prints the bytes and the microseconds. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

/* Opens the reader's end and the command's. */
static int open_ends(int is_tty, int ends[2]) {
  if (!is_tty) return pipe2(ends, O_CLOEXEC);
  ends[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (ends[0] < 0 || grantpt(ends[0]) < 0 || unlockpt(ends[0]) < 0) return -1;
  ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
  return ends[1];
}

int main(int argc, char **argv) {
  static char bytes[65536];
  int ends[2];
  long long total = 0;
  if (argc < 3 || open_ends(strcmp(argv[1], "tty") == 0, ends) < 0) return 1;
  double began = now_us();
  pid_t pid = fork();
  if (pid == 0) {
    setsid();
    dup2(ends[1], 1);
    execv(argv[2], argv + 2);
    _exit(127);
  }
  close(ends[1]);
  /* A terminal says that its last slave was closed by an error. */
  for (ssize_t got; (got = read(ends[0], bytes, sizeof bytes)) > 0;) total += got;
  waitpid(pid, NULL, 0);
  printf("%lld %.1f\n", total, now_us() - began);
  return 0;
}
