/* A child that is born in a control group, where the kernel and this processor let it. */
#ifndef EXECGATE_CLONE_INTO_H
#define EXECGATE_CLONE_INTO_H

#include <stddef.h>
#include <sys/types.h>

/*
 * As clone(CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD), with the child in the group of version 2 whose directory is `cgroup`.
 * `child` must not return. The pid, or -1 with errno.
 */
pid_t clone_into(int (*child)(void *), void *argument, char *stack, size_t stack_size, int cgroup, volatile int *pidfd);

#endif
