/* Keeps launch from sleeping for ever: whoever has the command's user can stop the child before it executes the command. */
#ifndef EXECGATE_LAUNCH_WATCH_H
#define EXECGATE_LAUNCH_WATCH_H

#include <stdbool.h>

/* One launch that is under way; its memory is the caller's. */
struct watched {
  volatile int *pidfd; /* Where the child's descriptor appears; below 0 before. */
  int nudges;
  struct watched *next;
};

/* Watches the child whose descriptor appears in *watched->pidfd. False with errno when it cannot. */
bool begin_watch(struct watched *watched);
/* Ends it; true when the child was given up. */
bool end_watch(struct watched *watched);

#endif
