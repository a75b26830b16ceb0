/* A command to be started, with its streams and what stands over it. */
#ifndef EXECGATE_SPAWN_H
#define EXECGATE_SPAWN_H

#include "launch.h"

struct spawn {
  struct launch launch;
  char *supervisor; /* Its path, or NULL for none. */
  bool stdin_pipe;
  int tty; /* The slave, or -1 for pipes. */
  int parent_fd[3];
  int control; /* The gateway's end of the supervisor's control. */
  pid_t pid;   /* The command's. */
  int pidfd;   /* Of the process that the gateway has to wait for: the command, or its supervisor. */
};

/* Puts the pid of the command in spawn->pid, or -1 with launch.error and launch.stage set and nothing left behind. */
void start_spawn(struct spawn *spawn);

#endif
