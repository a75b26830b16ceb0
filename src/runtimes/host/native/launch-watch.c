/*
 * One thread for the process, which sleeps on a timer that runs while something is launched: two system calls, and no
 * wake-up where all goes well. A child that takes long may have been stopped by another process of its new user, which
 * nothing can block; it is let go on, again and again, and killed at last.
 */
#define _GNU_SOURCE
#include "launch-watch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { FIRST_MS = 10, NEXT_MS = 5, NUDGES_MAX = 400 };

static pthread_mutex_t state = PTHREAD_MUTEX_INITIALIZER;
static int timer = -1;
static struct watched *all;

static void set_timer(long first_ms, long next_ms) {
  struct itimerspec times = {.it_value.tv_nsec = first_ms * 1000000, .it_interval.tv_nsec = next_ms * 1000000};
  timerfd_settime(timer, 0, &times, NULL);
}

/* Whoever began a moment ago is nudged too, which does nothing to a child that was not stopped. */
static void *watch(void *nothing) {
  uint64_t expirations;
  for (;;) {
    if (read(timer, &expirations, sizeof expirations) < 0) continue;
    pthread_mutex_lock(&state);
    for (struct watched *one = all; one; one = one->next) {
      if (*one->pidfd < 0) continue;
      syscall(SYS_pidfd_send_signal, *one->pidfd, ++one->nudges < NUDGES_MAX ? SIGCONT : SIGKILL, NULL, 0);
    }
    pthread_mutex_unlock(&state);
  }
  return nothing;
}

static bool start(void) {
  pthread_t thread;
  sigset_t blocked, before;
  if (timer >= 0) return true;
  if ((timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)) < 0) return false;
  sigfillset(&blocked);
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  int error = pthread_create(&thread, NULL, watch, NULL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error == 0) {
    pthread_detach(thread);
    return true;
  }
  close(timer);
  timer = -1;
  errno = error;
  return false;
}

bool begin_watch(struct watched *watched) {
  pthread_mutex_lock(&state);
  bool runs = start();
  if (runs) {
    if (!all) set_timer(FIRST_MS, NEXT_MS);
    watched->nudges = 0;
    watched->next = all;
    all = watched;
  }
  pthread_mutex_unlock(&state);
  return runs;
}

bool end_watch(struct watched *watched) {
  struct watched **at = &all;
  pthread_mutex_lock(&state);
  while (*at != watched) at = &(*at)->next;
  *at = watched->next;
  if (!all) set_timer(0, 0);
  pthread_mutex_unlock(&state);
  return watched->nudges >= NUDGES_MAX;
}
