/*
 * spawn-loop COUNT CONCURRENCY: runs /bin/true with two pipes, as cheaply as posix_spawn can, and waits for the end of both
 * streams and for the exit. Prints the whole time in microseconds, then that of each run, a line each.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS_MAX = 64 };

struct run {
  pid_t pid;
  int out[2];
  int open;
  double began;
};

static double now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static void start(struct run *run) {
  static char *argv[] = {"/bin/true", NULL};
  static char *envp[] = {"PATH=/usr/bin:/bin", NULL};
  int pipes[2][2];
  posix_spawn_file_actions_t actions;
  run->began = now_us();
  run->open = 2;
  posix_spawn_file_actions_init(&actions);
  for (int i = 0; i < 2; i++) {
    if (pipe2(pipes[i], O_CLOEXEC) < 0) exit(1);
    posix_spawn_file_actions_adddup2(&actions, pipes[i][1], i + 1);
    run->out[i] = pipes[i][0];
  }
  if (posix_spawn(&run->pid, argv[0], &actions, NULL, argv, envp) != 0) exit(1);
  posix_spawn_file_actions_destroy(&actions);
  for (int i = 0; i < 2; i++) close(pipes[i][1]);
}

/* Takes what can be read of one stream; true when that was the end of both. */
static int take(struct run *run, int i) {
  char bytes[65536];
  if (read(run->out[i], bytes, sizeof bytes) > 0) return 0;
  close(run->out[i]);
  run->out[i] = -1;
  return --run->open == 0;
}

int main(int argc, char **argv) {
  int count = argc > 1 ? atoi(argv[1]) : 100, slots = argc > 2 ? atoi(argv[2]) : 1;
  int started = 0, ended = 0;
  struct run runs[SLOTS_MAX];
  struct pollfd polled[2 * SLOTS_MAX];
  double *took = calloc(count, sizeof *took), began = now_us();
  if (slots > SLOTS_MAX || slots > count || !took) return 1;
  for (; started < slots; started++) start(&runs[started]);
  while (ended < count) {
    for (int i = 0; i < 2 * slots; i++) polled[i] = (struct pollfd){.fd = runs[i / 2].out[i % 2], .events = POLLIN};
    if (poll(polled, 2 * slots, -1) < 0) return 1;
    for (int i = 0; i < 2 * slots; i++) {
      struct run *run = &runs[i / 2];
      if (!polled[i].revents || !take(run, i % 2)) continue;
      waitpid(run->pid, NULL, 0);
      took[ended++] = now_us() - run->began;
      if (started < count) start(run), started++;
    }
  }
  printf("%.1f\n", now_us() - began);
  for (int i = 0; i < count; i++) printf("%.1f\n", took[i]);
  return 0;
}
