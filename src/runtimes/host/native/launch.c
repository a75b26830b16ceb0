/*
 * The child is made by a clone with CLONE_VM | CLONE_VFORK | CLONE_PIDFD: no page tables are copied, the calling thread sleeps
 * until the child has called execve or _exit, and what failed is known when launch returns. The child runs in the memory
 * of its parent while other threads of that go on. It therefore touches nothing but the prepared `struct launch` and its
 * own stack, takes no lock and allocates nothing, and makes its changes of identity by raw system calls: glibc's wrappers
 * would apply them to every thread of the parent. All signals are blocked meanwhile, so that no handler of the parent
 * runs in the child. SIGSTOP cannot be blocked: see launch-watch.c.
 */
#define _GNU_SOURCE
#include "launch.h"
#include "clone-into.h"
#include "launch-watch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

const char *const stage_names[] = {"options", "pipe", "clone", "descriptors", "terminal", "cgroup",
                                   "limits",  "user", "cwd",   "exec",        "interpreter", "supervisor"};

struct child {
  struct launch *launch;
  pid_t parent;
  int cgroup;  /* The directory of its control group, or -1. */
  bool enters; /* It was not born there. */
  char *home_entry; /* envp[0] as the caller made it. */
};

static int fail(struct launch *launch, enum stage stage) {
  launch->error = errno;
  launch->stage = stage;
  return -1;
}

static int reset_signals(void) {
  struct sigaction standard = {.sa_handler = SIG_DFL};
  sigset_t none;
  /* The two that glibc keeps to itself are refused, and need not be reset: they are never ignored. */
  for (int number = 1; number < NSIG; number++) sigaction(number, &standard, NULL);
  sigemptyset(&none);
  return sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The first thing after the signals, so that no process of the command was ever anywhere else. */
static int enter_cgroup(struct child *child) {
  int fd = openat(child->cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, "0", 1) < 0) return fail(child->launch, CGROUP);
  close(fd);
  return 0;
}

static int take_terminal(struct launch *launch) {
  struct termios attributes;
  int tty = launch->streams[0], flags = fcntl(tty, F_GETFL);
  /* The allocator makes the slave non-blocking, which no command expects. */
  if (flags < 0 || fcntl(tty, F_SETFL, flags & ~O_NONBLOCK) < 0) return fail(launch, TERMINAL);
  if (ioctl(tty, TIOCSCTTY, 0) < 0) return fail(launch, TERMINAL);
  if (tcgetattr(tty, &attributes) < 0) return fail(launch, TERMINAL);
  attributes.c_iflag |= IUTF8;
  if (tcsetattr(tty, TCSANOW, &attributes) < 0) return fail(launch, TERMINAL);
  return 0;
}

static int place_descriptors(struct launch *launch) {
  for (int fd = 0; fd < launch->stream_count; fd++) {
    /* Every source is above the last target, so no dup2 overwrites the source of a later one. */
    if (dup2(launch->streams[fd], fd) < 0) return fail(launch, DESCRIPTORS);
  }
  if (syscall(SYS_close_range, (unsigned)launch->stream_count, ~0U, CLOSE_RANGE_CLOEXEC) < 0) return fail(launch, DESCRIPTORS);
  return 0;
}

/* Lowers a limit, the hard one too when `max` is given; what is lower already stays. */
static int lower_limit(int resource, rlim_t soft, rlim_t max) {
  struct rlimit limit;
  if (soft == 0 && max == 0) return 0;
  if (getrlimit(resource, &limit) < 0) return -1;
  if (max != 0 && limit.rlim_max > max) limit.rlim_max = max;
  if (soft != 0 && limit.rlim_cur > soft) limit.rlim_cur = soft;
  if (limit.rlim_cur > limit.rlim_max) limit.rlim_cur = limit.rlim_max;
  return setrlimit(resource, &limit);
}

static int set_limits(struct launch *launch) {
  umask(022);
  if (lower_limit(RLIMIT_NOFILE, launch->open_files_soft, launch->open_files_max) < 0) return fail(launch, LIMITS);
  if (lower_limit(RLIMIT_NPROC, launch->processes_max, launch->processes_max) < 0) return fail(launch, LIMITS);
  return 0;
}

/* Each that is dropped costs a new set of credentials. Without the right to drop them there is nothing to be regained either. */
void drop_bounding_set(void) {
  for (int capability = 0; capability < 64; capability++) {
    int is_there = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
    if (is_there < 0 || (is_there && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)) return;
  }
}

static int drop_capabilities(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];
  memset(none, 0, sizeof none);
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  return (int)syscall(SYS_capset, &header, none);
}

static int become_user(struct child *child) {
  struct launch *launch = child->launch;
  if (launch->no_new_privileges && launch->uid != 0) drop_bounding_set();
  if (launch->change_user) {
    if (syscall(SYS_setgroups, (size_t)launch->group_count, launch->groups) < 0) return fail(launch, USER);
    if (syscall(SYS_setresgid, launch->gid, launch->gid, launch->gid) < 0) return fail(launch, USER);
    if (syscall(SYS_setresuid, launch->uid, launch->uid, launch->uid) < 0) return fail(launch, USER);
  }
  if (launch->uid != 0 && drop_capabilities() < 0) return fail(launch, USER);
  if (launch->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return fail(launch, USER);
  /* After the change of user, which clears it. A parent that died before this line has left us to another. */
  if (launch->dies_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return fail(launch, USER);
  if (launch->dies_with_parent && getppid() != child->parent) _exit(127);
  return 0;
}

static int enter_directory(struct launch *launch) {
  static char root_home[] = "HOME=/";
  if (chdir(launch->home) < 0) {
    if (chdir("/") < 0) return fail(launch, CWD);
    if (launch->home_in_env) launch->envp[0] = root_home;
  }
  if (launch->cwd && chdir(launch->cwd) < 0) return fail(launch, CWD);
  return 0;
}

/* Tries each file like execvp, but gives nothing to /bin/sh. Returns only when none could be executed. */
static int execute(struct launch *launch) {
  int remembered = ENOENT;
  launch->stage = EXEC;
  for (char **file = launch->files; *file; file++) {
    execve(*file, launch->argv, launch->envp);
    int error = errno;
    if (error == ENOENT && access(*file, F_OK) == 0) {
      /* It is there: what is missing is the interpreter that it names. */
      launch->stage = INTERPRETER;
      error = EACCES;
    }
    if (error == EACCES) remembered = EACCES;
    else if (error != ENOENT && error != ENOTDIR) {
      remembered = error;
      break;
    }
  }
  launch->error = remembered;
  return -1;
}

static int child_main(void *argument) {
  struct child *child = argument;
  struct launch *launch = child->launch;
  /* The session comes before the signals are let in: a ^C of the parent's terminal does not reach the child. */
  if (setsid() < 0) fail(launch, TERMINAL);
  else if (reset_signals() < 0) fail(launch, LIMITS);
  else if ((child->enters && enter_cgroup(child) < 0) || (launch->terminal && take_terminal(launch) < 0)) {}
  else if (place_descriptors(launch) < 0 || set_limits(launch) < 0 || become_user(child) < 0 || enter_directory(launch) < 0) {}
  else execute(launch);
  _exit(127);
}

/* Where it cannot be born in its group, whatever the reason, it tries to enter; it is told by that what is wrong. */
static pid_t make_child(struct child *child, char *stack, size_t size, volatile int *pidfd) {
  if (child->cgroup >= 0) {
    pid_t pid = clone_into(child_main, child, stack, size, child->cgroup, pidfd);
    if (pid > 0 || errno == EAGAIN || errno == ENOMEM) return pid;
    child->enters = true;
  }
  return clone(child_main, stack + size, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, child, pidfd);
}

static pid_t start(struct child *child, int *pidfd) {
  /* On this call's own stack: several threads may be here at once. */
  char stack[32768] __attribute__((aligned(16)));
  struct launch *launch = child->launch;
  volatile int child_pidfd = -1;
  struct watched watched = {.pidfd = &child_pidfd};
  sigset_t all, before;

  if (!begin_watch(&watched)) return fail(launch, CLONE);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t pid = make_child(child, stack, sizeof stack, &child_pidfd);
  if (pid < 0) fail(launch, CLONE);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (end_watch(&watched) && pid > 0 && !launch->error) {
    errno = ETIMEDOUT;
    fail(launch, CLONE);
  }
  /* The child may have put its own there, which is nobody's to free. */
  launch->envp[0] = child->home_entry;
  if (pid > 0 && launch->error) {
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
    close(child_pidfd);
    return -1;
  }
  if (pid > 0) *pidfd = child_pidfd;
  return pid;
}

pid_t launch(struct launch *launch, int *pidfd) {
  struct child child = {.launch = launch, .parent = getpid(), .cgroup = -1, .home_entry = launch->envp[0]};
  launch->error = 0;
  *pidfd = -1;
  if (launch->cgroup && (child.cgroup = open(launch->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) return fail(launch, CGROUP);
  pid_t pid = start(&child, pidfd);
  if (child.cgroup >= 0) close(child.cgroup);
  return pid;
}
