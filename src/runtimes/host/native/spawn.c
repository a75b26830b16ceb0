/* Makes a command's streams and starts it, by itself or under a supervisor. Plain C, in whichever thread. */
#define _GNU_SOURCE
#include "spawn.h"
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(struct launch *launch, enum stage stage) {
  launch->error = errno;
  launch->stage = stage;
  return -1;
}

static void close_all(int *fds, int count) {
  for (int i = 0; i < count; i++) {
    if (fds[i] >= 0) close(fds[i]);
    fds[i] = -1;
  }
}

/* Moves a descriptor out of those that a child gets: a gateway that was started with closed ones gets such from pipe2. */
static int above_streams(int fd) {
  if (fd < 0 || fd >= STREAMS_MAX) return fd;
  int moved = fcntl(fd, F_DUPFD_CLOEXEC, STREAMS_MAX);
  int error = errno;
  close(fd);
  errno = error;
  return moved;
}

static int make_pipe(struct spawn *spawn, int fd) {
  int ends[2];
  bool input = fd == 0;
  if (pipe2(ends, O_CLOEXEC) < 0) return -1;
  spawn->launch.streams[fd] = above_streams(ends[input ? 0 : 1]);
  spawn->parent_fd[fd] = ends[input ? 1 : 0];
  if (spawn->launch.streams[fd] < 0) return -1;
  if (fcntl(spawn->parent_fd[fd], F_SETFL, O_NONBLOCK) < 0) return -1;
  /* Without it a command of another user could not open /dev/stdout or /dev/stderr again. */
  if (spawn->launch.change_user && fchown(spawn->launch.streams[fd], spawn->launch.uid, spawn->launch.gid) < 0) return -1;
  return 0;
}

static int make_streams(struct spawn *spawn) {
  struct launch *launch = &spawn->launch;
  launch->stream_count = 3;
  launch->terminal = spawn->tty >= 0;
  if (launch->terminal) {
    if (launch->change_user && fchown(spawn->tty, launch->uid, -1) < 0) return fail(launch, PIPE);
    for (int fd = 0; fd < 3; fd++) {
      if ((launch->streams[fd] = fcntl(spawn->tty, F_DUPFD_CLOEXEC, STREAMS_MAX)) < 0) return fail(launch, PIPE);
    }
    return 0;
  }
  if (spawn->stdin_pipe ? make_pipe(spawn, 0) < 0 : (launch->streams[0] = above_streams(open("/dev/null", O_RDONLY | O_CLOEXEC))) < 0) {
    return fail(launch, PIPE);
  }
  if (make_pipe(spawn, 1) < 0 || make_pipe(spawn, 2) < 0) return fail(launch, PIPE);
  return 0;
}

/* ---- under a supervisor ---- */

/* The launch, in memory that is no file: neither its environment nor its arguments are shown by the supervisor's own. */
static int make_plan(struct launch *launch) {
  size_t length;
  char *bytes = pack_launch(launch, &length);
  int fd = bytes ? above_streams(memfd_create("launch", MFD_CLOEXEC)) : -1;
  if (fd >= 0 && pwrite(fd, bytes, length, 0) != (ssize_t)length) {
    close(fd);
    fd = -1;
  }
  free(bytes);
  return fd;
}

/* How long a supervisor may take to start its command, which the gateway waits for. */
enum { START_MS_MAX = 2000, NUDGE_MS = 5 };

/* What the supervisor says first: that the command runs, or why not. A command that runs already may have stopped it. */
static pid_t hear_of_start(struct spawn *spawn) {
  struct report report;
  struct pollfd polled = {.fd = spawn->control, .events = POLLIN};
  for (int waited_ms = 0; poll(&polled, 1, NUDGE_MS) == 0; waited_ms += NUDGE_MS) {
    syscall(SYS_pidfd_send_signal, spawn->pidfd, waited_ms < START_MS_MAX ? SIGCONT : SIGKILL, NULL, 0);
  }
  ssize_t length;
  do length = recv(spawn->control, &report, sizeof report, 0);
  while (length < 0 && errno == EINTR);
  if (length == sizeof report && report.kind == STARTED) return report.first;
  spawn->launch.error = length == sizeof report ? report.first : EIO;
  spawn->launch.stage = length == sizeof report ? (enum stage)report.second : SUPERVISOR;
  return -1;
}

static pid_t launch_supervised(struct spawn *spawn) {
  struct launch *launched = &spawn->launch, over = *launched;
  char *files[] = {spawn->supervisor, NULL}, *argv[] = {"execgate-supervisor", "run", NULL}, *nothing[] = {NULL};
  int ends[2];
  pid_t pid = -1;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return fail(launched, PIPE);
  spawn->control = ends[0];
  over.files = files;
  over.argv = argv;
  over.envp = nothing;
  over.home = "/";
  over.cwd = NULL;
  over.home_in_env = over.change_user = over.no_new_privileges = over.dies_with_parent = over.terminal = false;
  over.uid = geteuid();
  over.open_files_soft = over.open_files_max = over.processes_max = 0;
  over.streams[CONTROL] = above_streams(ends[1]);
  over.streams[PLAN] = make_plan(launched);
  over.stream_count = STREAMS_MAX;
  if (over.streams[CONTROL] < 0 || over.streams[PLAN] < 0) fail(launched, PIPE);
  else if (launch(&over, &spawn->pidfd) < 0) {
    launched->error = over.error;
    launched->stage = over.stage == EXEC || over.stage == INTERPRETER ? SUPERVISOR : over.stage;
  }
  close_all(over.streams + 3, 2);
  if (spawn->pidfd >= 0) pid = hear_of_start(spawn);
  if (pid > 0 && fcntl(spawn->control, F_SETFL, O_NONBLOCK) == 0) return pid;
  close_all(&spawn->control, 1);
  if (spawn->pidfd >= 0) {
    siginfo_t status;
    while (waitid((idtype_t)P_PIDFD, spawn->pidfd, &status, WEXITED) < 0 && errno == EINTR) {}
    close_all(&spawn->pidfd, 1);
  }
  return -1;
}

void start_spawn(struct spawn *spawn) {
  if (make_streams(spawn) == 0) spawn->pid = spawn->supervisor ? launch_supervised(spawn) : launch(&spawn->launch, &spawn->pidfd);
  close_all(spawn->launch.streams, 3);
  if (spawn->pid < 0) close_all(spawn->parent_fd, 3);
}
