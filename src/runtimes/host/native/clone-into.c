/*
 * To enter a control group later a process waits until the kernel has seen every processor pass by, up to 12 ms; whoever
 * is born there does not wait. Only clone3 can do it, for which glibc has no wrapper that takes a stack: the child of a
 * plain system call would return on the stack that its parent still needs.
 */
#define _GNU_SOURCE
#include "clone-into.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__

/* Both come out of the system call here; the child goes to `child` on its own stack, and never comes back. */
static long clone_on_stack(struct clone_args *args, int (*child)(void *), void *argument) {
  long result = SYS_clone3;
  register int (*entry)(void *) __asm__("r12") = child;
  register void *given __asm__("r13") = argument;
  __asm__ volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%r13, %%rdi\n\t"
      "call *%%r12\n\t"
      "ud2\n"
      "1:"
      : "+a"(result)
      : "D"(args), "S"(sizeof *args), "r"(entry), "r"(given)
      : "rcx", "r11", "memory");
  return result;
}

pid_t clone_into(int (*child)(void *), void *argument, char *stack, size_t stack_size, int cgroup, volatile int *pidfd) {
  struct clone_args args = {
      .flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_INTO_CGROUP,
      .pidfd = (uintptr_t)pidfd,
      .exit_signal = SIGCHLD,
      .stack = (uintptr_t)stack,
      .stack_size = stack_size,
      .cgroup = (uint64_t)cgroup,
  };
  long result = clone_on_stack(&args, child, argument);
  if (result > 0) return (pid_t)result;
  errno = (int)-result;
  return -1;
}

#else

pid_t clone_into(int (*child)(void *), void *argument, char *stack, size_t stack_size, int cgroup, volatile int *pidfd) {
  (void)child, (void)argument, (void)stack, (void)stack_size, (void)cgroup, (void)pidfd;
  errno = ENOSYS;
  return -1;
}

#endif
