/* Keeps launch from sleeping for ever: whoever has the command's user can stop the child before it executes the command. */
#ifndef EXECGATE_LAUNCH_WATCH_H
#define EXECGATE_LAUNCH_WATCH_H

#include <stdbool.h>

/* Watches the child whose descriptor appears in *pidfd, one launch at a time. False with errno when it cannot. */
bool begin_watch(volatile int *pidfd);
/* Ends it; true when the child was given up. */
bool end_watch(void);

#endif
