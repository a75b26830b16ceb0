/*
 * One thread for the process, which sleeps on a timer that each launch sets and clears: two system calls, and no wake-up
 * where all goes well. A child that takes long may have been stopped by another process of its new user, which nothing
 * can block; it is let go on, again and again, and killed at last.
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

static pthread_mutex_t launching = PTHREAD_MUTEX_INITIALIZER, state = PTHREAD_MUTEX_INITIALIZER;
static int timer = -1;
static volatile int *watched; /* NULL between launches. */
static int nudges;

static void set_timer(long first_ms, long next_ms) {
  struct itimerspec times = {.it_value.tv_nsec = first_ms * 1000000, .it_interval.tv_nsec = next_ms * 1000000};
  timerfd_settime(timer, 0, &times, NULL);
}

static void *watch(void *nothing) {
  uint64_t expirations;
  for (;;) {
    if (read(timer, &expirations, sizeof expirations) < 0) continue;
    pthread_mutex_lock(&state);
    if (watched && *watched >= 0) {
      syscall(SYS_pidfd_send_signal, *watched, ++nudges < NUDGES_MAX ? SIGCONT : SIGKILL, NULL, 0);
    }
    pthread_mutex_unlock(&state);
  }
  return nothing;
}

static bool start(void) {
  pthread_t thread;
  sigset_t all, before;
  if (timer >= 0) return true;
  if ((timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)) < 0) return false;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
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

bool begin_watch(volatile int *pidfd) {
  pthread_mutex_lock(&launching);
  if (!start()) {
    pthread_mutex_unlock(&launching);
    return false;
  }
  pthread_mutex_lock(&state);
  nudges = 0;
  watched = pidfd;
  pthread_mutex_unlock(&state);
  set_timer(FIRST_MS, NEXT_MS);
  return true;
}

bool end_watch(void) {
  set_timer(0, 0);
  pthread_mutex_lock(&state);
  bool gave_up = nudges >= NUDGES_MAX;
  watched = NULL;
  pthread_mutex_unlock(&state);
  pthread_mutex_unlock(&launching);
  return gave_up;
}
