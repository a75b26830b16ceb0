/*
 * spawn(options): starts one command.
 *
 * The child is made by clone(CLONE_VM | CLONE_VFORK | CLONE_PIDFD): no page tables are copied, the calling thread sleeps
 * until the child has called execve or _exit, and what failed is known when spawn returns. The child runs in the memory
 * of the gateway while other threads go on. It therefore touches nothing but the prepared `struct plan` and its own
 * stack, takes no lock and allocates nothing, and makes its changes of identity by raw system calls: glibc's wrappers
 * would apply them to every thread of the gateway. All signals are blocked meanwhile, so that no handler of the gateway
 * runs in the child.
 */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* Where it failed: the caller tells a missing command from a missing directory by it. */
static const char *const stage_names[] = {"options", "pipe", "clone", "descriptors", "terminal", "limits", "user", "cwd", "exec", "interpreter"};
enum stage { OPTIONS, PIPE, CLONE, DESCRIPTORS, TERMINAL, LIMITS, USER, CWD, EXEC, INTERPRETER };

struct plan {
  char **files; /* What to execute, tried in this order. */
  char **argv;
  char **envp;
  char *home;      /* The first directory; `/` stands in for it when it cannot be entered. */
  char **home_env; /* The entry of envp that names home, or NULL when it is not to be corrected. */
  char *cwd;       /* Entered after home, and not replaceable; or NULL. */
  gid_t *groups;
  uint32_t group_count;
  int uid, gid;
  bool change_user, no_new_privileges, stdin_pipe;
  int nofile_soft; /* 0 leaves the limit as it is. */
  int tty;         /* The slave, or -1 for pipes. */
  pid_t gateway;
  int child_fd[3], parent_fd[3];
  volatile int error;
  volatile enum stage stage;
};

static int fail(struct plan *plan, enum stage stage) {
  plan->error = errno;
  plan->stage = stage;
  return -1;
}

/* ---- in the child ---- */

static int reset_signals(void) {
  struct sigaction standard = {.sa_handler = SIG_DFL};
  sigset_t none;
  /* The two that glibc keeps to itself are refused, and need not be reset: they are never ignored. */
  for (int number = 1; number < NSIG; number++) sigaction(number, &standard, NULL);
  sigemptyset(&none);
  return sigprocmask(SIG_SETMASK, &none, NULL);
}

static int take_terminal(struct plan *plan) {
  struct termios attributes;
  int flags = fcntl(plan->tty, F_GETFL);
  /* The allocator makes the slave non-blocking, which no command expects. */
  if (flags < 0 || fcntl(plan->tty, F_SETFL, flags & ~O_NONBLOCK) < 0) return fail(plan, TERMINAL);
  if (ioctl(plan->tty, TIOCSCTTY, 0) < 0) return fail(plan, TERMINAL);
  if (tcgetattr(plan->tty, &attributes) < 0) return fail(plan, TERMINAL);
  attributes.c_iflag |= IUTF8;
  if (tcsetattr(plan->tty, TCSANOW, &attributes) < 0) return fail(plan, TERMINAL);
  return 0;
}

static int place_descriptors(struct plan *plan) {
  for (int fd = 0; fd < 3; fd++) {
    /* Every source is above 2 (see above_stdio), so no dup2 overwrites the source of a later one. */
    if (dup2(plan->child_fd[fd], fd) < 0) return fail(plan, DESCRIPTORS);
  }
  if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) < 0) return fail(plan, DESCRIPTORS);
  return 0;
}

static int limit(struct plan *plan) {
  struct rlimit files;
  umask(022);
  if (plan->nofile_soft == 0) return 0;
  if (getrlimit(RLIMIT_NOFILE, &files) < 0) return fail(plan, LIMITS);
  if (files.rlim_cur > (rlim_t)plan->nofile_soft) files.rlim_cur = plan->nofile_soft;
  if (setrlimit(RLIMIT_NOFILE, &files) < 0) return fail(plan, LIMITS);
  return 0;
}

static int become_user(struct plan *plan) {
  if (plan->change_user) {
    if (syscall(SYS_setgroups, (size_t)plan->group_count, plan->groups) < 0) return fail(plan, USER);
    if (syscall(SYS_setresgid, plan->gid, plan->gid, plan->gid) < 0) return fail(plan, USER);
    if (syscall(SYS_setresuid, plan->uid, plan->uid, plan->uid) < 0) return fail(plan, USER);
  }
  if (plan->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return fail(plan, USER);
  /* After the change of user, which clears it. A gateway that died before this line has left us to another parent. */
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return fail(plan, USER);
  if (getppid() != plan->gateway) _exit(127);
  return 0;
}

static int enter_directory(struct plan *plan) {
  static char root_home[] = "HOME=/";
  if (chdir(plan->home) < 0) {
    if (chdir("/") < 0) return fail(plan, CWD);
    if (plan->home_env) *plan->home_env = root_home;
  }
  if (plan->cwd && chdir(plan->cwd) < 0) return fail(plan, CWD);
  return 0;
}

/* Tries each file like execvp, but gives nothing to /bin/sh. Returns only when none could be executed. */
static int execute(struct plan *plan) {
  int remembered = ENOENT;
  plan->stage = EXEC;
  for (char **file = plan->files; *file; file++) {
    execve(*file, plan->argv, plan->envp);
    int error = errno;
    if (error == ENOENT && access(*file, F_OK) == 0) {
      /* It is there: what is missing is the interpreter that it names. */
      plan->stage = INTERPRETER;
      error = EACCES;
    }
    if (error == EACCES) remembered = EACCES;
    else if (error != ENOENT && error != ENOTDIR) {
      remembered = error;
      break;
    }
  }
  plan->error = remembered;
  return -1;
}

static int child_main(void *argument) {
  struct plan *plan = argument;
  /* The session comes before the signals are let in: a ^C of the gateway's terminal does not reach the child. */
  if (setsid() < 0) fail(plan, TERMINAL);
  else if (reset_signals() < 0) fail(plan, LIMITS);
  else if (plan->tty >= 0 && take_terminal(plan) < 0) {}
  else if (place_descriptors(plan) < 0 || limit(plan) < 0 || become_user(plan) < 0 || enter_directory(plan) < 0) {}
  else execute(plan);
  _exit(127);
}

/* ---- in the gateway ---- */

static void close_all(int *fds) {
  for (int i = 0; i < 3; i++) {
    if (fds[i] >= 0) close(fds[i]);
    fds[i] = -1;
  }
}

/* Moves a descriptor out of 0 to 2: a gateway that was started with closed standard streams gets such ones from pipe2. */
static int above_stdio(int fd) {
  if (fd < 0 || fd > 2) return fd;
  int moved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  int error = errno;
  close(fd);
  errno = error;
  return moved;
}

static int make_pipe(struct plan *plan, int fd) {
  int ends[2];
  bool input = fd == 0;
  if (pipe2(ends, O_CLOEXEC) < 0) return -1;
  plan->child_fd[fd] = above_stdio(ends[input ? 0 : 1]);
  plan->parent_fd[fd] = ends[input ? 1 : 0];
  if (plan->child_fd[fd] < 0) return -1;
  if (fcntl(plan->parent_fd[fd], F_SETFL, O_NONBLOCK) < 0) return -1;
  /* Without it a command of another user could not open /dev/stdout or /dev/stderr again. */
  if (plan->change_user && fchown(plan->child_fd[fd], plan->uid, plan->gid) < 0) return -1;
  return 0;
}

static int make_streams(struct plan *plan) {
  if (plan->tty >= 0) {
    if (plan->change_user && fchown(plan->tty, plan->uid, -1) < 0) return fail(plan, PIPE);
    for (int fd = 0; fd < 3; fd++) {
      if ((plan->child_fd[fd] = fcntl(plan->tty, F_DUPFD_CLOEXEC, 3)) < 0) return fail(plan, PIPE);
    }
    return 0;
  }
  if (plan->stdin_pipe ? make_pipe(plan, 0) < 0 : (plan->child_fd[0] = above_stdio(open("/dev/null", O_RDONLY | O_CLOEXEC))) < 0) {
    return fail(plan, PIPE);
  }
  if (make_pipe(plan, 1) < 0 || make_pipe(plan, 2) < 0) return fail(plan, PIPE);
  return 0;
}

/* Returns the pid, or -1 with plan->error and plan->stage set and nothing left behind. */
static pid_t start(struct plan *plan, int *pidfd) {
  /* On this call's own stack: several threads may be here at once. */
  char stack[32768] __attribute__((aligned(16)));
  sigset_t all, before;
  pid_t pid = -1;

  if (make_streams(plan) == 0) {
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid = clone(child_main, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, plan, pidfd);
    if (pid < 0) fail(plan, CLONE);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
  }
  close_all(plan->child_fd);
  if (pid > 0 && plan->error) {
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
    close(*pidfd);
    pid = -1;
  }
  if (pid < 0) close_all(plan->parent_fd);
  return pid;
}

/* ---- between JavaScript and C ---- */

static napi_value get(napi_env env, napi_value object, const char *name) {
  napi_value value = NULL;
  napi_get_named_property(env, object, name, &value);
  return value;
}

static bool get_bool(napi_env env, napi_value object, const char *name) {
  bool value = false;
  napi_get_value_bool(env, get(env, object, name), &value);
  return value;
}

static int get_int(napi_env env, napi_value object, const char *name) {
  return integer(env, get(env, object, name));
}

/* A copy of a string, or NULL when the value is none. */
static char *copy_string(napi_env env, napi_value value) {
  size_t length;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) return NULL;
  char *copy = malloc(length + 1);
  if (copy) napi_get_value_string_utf8(env, value, copy, length + 1, &length);
  return copy;
}

static void free_strings(char **strings) {
  if (!strings) return;
  for (char **string = strings; *string; string++) free(*string);
  free(strings);
}

static char **copy_strings(napi_env env, napi_value array) {
  uint32_t length;
  if (napi_get_array_length(env, array, &length) != napi_ok) return NULL;
  char **copies = calloc(length + 1, sizeof *copies);
  for (uint32_t i = 0; copies && i < length; i++) {
    napi_value element;
    napi_get_element(env, array, i, &element);
    if (!(copies[i] = copy_string(env, element))) {
      free_strings(copies);
      return NULL;
    }
  }
  return copies;
}

static void copy_groups(napi_env env, napi_value array, struct plan *plan) {
  if (napi_get_array_length(env, array, &plan->group_count) != napi_ok) return;
  plan->groups = calloc(plan->group_count + 1, sizeof *plan->groups);
  for (uint32_t i = 0; plan->groups && i < plan->group_count; i++) {
    napi_value element;
    napi_get_element(env, array, i, &element);
    napi_get_value_uint32(env, element, &plan->groups[i]);
  }
}

static bool read_options(napi_env env, napi_value options, struct plan *plan) {
  plan->files = copy_strings(env, get(env, options, "files"));
  plan->argv = copy_strings(env, get(env, options, "argv"));
  plan->envp = copy_strings(env, get(env, options, "envp"));
  plan->home = copy_string(env, get(env, options, "home"));
  plan->cwd = copy_string(env, get(env, options, "cwd"));
  copy_groups(env, get(env, options, "groups"), plan);
  napi_get_value_uint32(env, get(env, options, "uid"), (uint32_t *)&plan->uid);
  napi_get_value_uint32(env, get(env, options, "gid"), (uint32_t *)&plan->gid);
  plan->change_user = get_bool(env, options, "changeUser");
  plan->no_new_privileges = get_bool(env, options, "noNewPrivileges");
  plan->stdin_pipe = get_bool(env, options, "stdin");
  plan->nofile_soft = get_int(env, options, "nofileSoft");
  plan->tty = get_int(env, options, "tty");
  plan->gateway = getpid();
  return plan->files && plan->argv && plan->envp && plan->home && plan->groups;
}

/* spawn(options) → { pid, pidfd, stdin, stdout, stderr } or { errno, stage }. */
static napi_value spawn(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value options, result, stage;
  int pidfd = -1;
  pid_t pid = -1;
  struct plan plan = {.child_fd = {-1, -1, -1}, .parent_fd = {-1, -1, -1}, .error = 0, .stage = OPTIONS};

  napi_get_cb_info(env, info, &count, &options, NULL, NULL);
  napi_create_object(env, &result);
  bool ready = read_options(env, options, &plan);
  char *home_entry = ready ? plan.envp[0] : NULL;
  if (ready) {
    plan.home_env = get_bool(env, options, "homeInEnv") ? plan.envp : NULL;
    pid = start(&plan, &pidfd);
    plan.envp[0] = home_entry; /* The child may have put its own there, which is not to be freed. */
  } else plan.error = ENOMEM;

  if (pid > 0) {
    set_number(env, result, "pid", pid);
    set_number(env, result, "pidfd", pidfd);
    set_number(env, result, "stdin", plan.parent_fd[0]);
    set_number(env, result, "stdout", plan.parent_fd[1]);
    set_number(env, result, "stderr", plan.parent_fd[2]);
  } else {
    set_number(env, result, "errno", plan.error);
    napi_create_string_utf8(env, stage_names[plan.stage], NAPI_AUTO_LENGTH, &stage);
    napi_set_named_property(env, result, "stage", stage);
  }
  free_strings(plan.files);
  free_strings(plan.argv);
  free_strings(plan.envp);
  free(plan.home);
  free(plan.cwd);
  free(plan.groups);
  return result;
}

NAPI_MODULE_INIT() {
  export_function(env, exports, "spawn", spawn);
  export_wait(env, exports);
  export_poll(env, exports);
  return exports;
}
