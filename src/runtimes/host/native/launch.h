/*
 * launch(): starts one command, in the gateway or in a supervisor. Plain C, which knows nothing of JavaScript and is
 * tested on its own.
 */
#ifndef EXECGATE_LAUNCH_H
#define EXECGATE_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Where it failed: the caller tells a missing command from a missing directory by it. stage_names has the words. */
enum stage { OPTIONS, PIPE, CLONE, DESCRIPTORS, TERMINAL, CGROUP, LIMITS, USER, CWD, EXEC, INTERPRETER, SUPERVISOR };
extern const char *const stage_names[];

enum { STREAMS_MAX = 5 };

/* What to start, as whom, and within which limits. Strings are lists that end with NULL. */
struct launch {
  char **files; /* What to execute, tried in this order. */
  char **argv;
  char **envp;      /* The first entry is HOME's, or any other when home_in_env is false. */
  char *home;       /* The first directory; `/` stands in for it when it cannot be entered. */
  bool home_in_env; /* Whether envp[0] is to say so then. */
  char *cwd;        /* Entered after home, and not replaceable; or NULL. */
  gid_t *groups;
  uint32_t group_count;
  uid_t uid;
  gid_t gid;
  bool change_user;       /* False keeps the identity of the caller, groups included. */
  bool no_new_privileges; /* And with it no capability that could come back. */
  bool dies_with_parent;
  bool terminal;                      /* Descriptor 0 is a terminal's slave, which the command is to control. */
  uint32_t open_files_soft, open_files_max, processes_max; /* 0 leaves the limit as it is. */
  int streams[STREAMS_MAX];           /* What the command gets as descriptors 0, 1, 2 …; each above the last of them. */
  int stream_count;
  char *cgroup; /* The directory of the control group of version 2 that the command is born in, or NULL; the others are the caller's. */
  /* Set when it failed. */
  volatile int error;
  volatile enum stage stage;
};

/* Returns the pid, with a descriptor for it in *pidfd; or -1, with error and stage set and nothing left behind. */
pid_t launch(struct launch *launch, int *pidfd);

/*
 * Gives up what a program could regain by being executed, for the calling thread and whatever it starts. A launch does so for a
 * command that is to gain nothing; a thread that starts no others does it once, which spares each command 45 us.
 */
void drop_bounding_set(void);

/* launch-packing.c: a launch as bytes, without its descriptors and cgroups, for another process; free() what is returned. */
char *pack_launch(const struct launch *launch, size_t *length);
/* Fills `launch` with what is in `bytes`, which it points into from then on. False when they are not what pack_launch made. */
bool unpack_launch(struct launch *launch, char *bytes, size_t length);
/* Frees the lists that unpack_launch made, not the bytes. */
void free_unpacked(struct launch *launch);

#endif
