/* What gateway and supervisor say to each other: reports of this form one way, orders of one byte the other. */
#ifndef EXECGATE_SUPERVISOR_H
#define EXECGATE_SUPERVISOR_H

#include <stdint.h>
#include <sys/socket.h>

enum { CONTROL = 3, PLAN = 4 };

/* STARTED: pid. FAILED: errno, stage. EXITED: exit code or -1, signal or 0. GONE: no process of the command is left. */
enum report_kind { STARTED = 1, FAILED, EXITED, GONE };

struct report {
  int32_t kind, first, second;
};

/* Any other order is a signal for the command's process group. */
enum { ORDER_LEAVE = 0, ORDER_END = 255 };

#endif
