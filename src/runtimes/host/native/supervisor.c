/*
 * The supervisor: a small program beside the gateway, which ends processes when the gateway cannot.
 *
 *   supervisor run            stands over one command: as the subreaper it is the parent of everything that the command
 *                             leaves behind, whatever that does, and ends all of it when it is told to or when the
 *                             gateway is gone. Descriptors: 0 to 2 for the command, 3 control, 4 the packed launch.
 *   supervisor guard DIR …    waits for the end of descriptor 0, which is the end of the gateway, and then ends and removes
 *                             the control groups below each DIR.
 */
#define _GNU_SOURCE
#include "launch.h"
#include "supervisor.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void pause_ms(long ms) {
  nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* ---- run ---- */

static pid_t command;
static bool command_ended;

static void tell(enum report_kind kind, int first, int second) {
  struct report report = {.kind = kind, .first = first, .second = second};
  /* A gateway that is gone is noticed by poll. */
  if (send(CONTROL, &report, sizeof report, MSG_NOSIGNAL) < 0) return;
}

/* Takes in everybody who has ended. False when there is no child left. */
static bool reap(void) {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    if (pid != command || command_ended) continue;
    command_ended = true;
    if (WIFSIGNALED(status)) tell(EXITED, -1, WTERMSIG(status));
    else tell(EXITED, WEXITSTATUS(status), 0);
  }
  return pid == 0 || errno != ECHILD;
}

struct process {
  pid_t pid, parent;
  bool descends;
};

/* Reads pid and parent out of /proc/PID/stat. */
static bool read_process(const char *name, struct process *process) {
  char path[64], text[512];
  char *end, state;
  if (!isdigit(*name)) return false;
  snprintf(path, sizeof path, "/proc/%.20s/stat", name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  if (length <= 0) return false;
  text[length] = 0;
  process->pid = atoi(name);
  process->descends = false;
  /* The name in brackets may hold anything, brackets too. */
  return (end = strrchr(text, ')')) && sscanf(end + 1, " %c %d", &state, &process->parent) == 2;
}

/* Every process that can be seen; the caller frees it. */
static struct process *list_processes(size_t *length) {
  struct process *all = NULL;
  size_t room = 0;
  DIR *directory = opendir("/proc");
  *length = 0;
  for (struct dirent *entry; directory && (entry = readdir(directory));) {
    if (*length == room) {
      struct process *more = realloc(all, (room = room * 2 + 256) * sizeof *all);
      if (!more) break;
      all = more;
    }
    if (read_process(entry->d_name, &all[*length])) ++*length;
  }
  if (directory) closedir(directory);
  return all;
}

static bool is_ours(struct process *all, size_t length, pid_t parent) {
  if (parent == getpid()) return true;
  for (size_t i = 0; i < length; i++) {
    if (all[i].pid == parent) return all[i].descends;
  }
  return false;
}

/* Kills every descendant that is there now. Children mostly come after their parents in the list: few rounds find all. */
static void kill_descendants(void) {
  size_t length;
  struct process *all = list_processes(&length);
  for (bool found = true; found;) {
    found = false;
    for (size_t i = 0; i < length; i++) {
      if (all[i].descends || !is_ours(all, length, all[i].parent)) continue;
      all[i].descends = found = true;
      kill(all[i].pid, SIGKILL);
    }
  }
  free(all);
}

/* Who is forked while the others are being killed is there in the next round, and has us for a parent by then. */
static void end_all(void) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  for (long wait_ms = 1; reap(); wait_ms = wait_ms < 50 ? wait_ms * 2 : 50) {
    kill_descendants();
    sigtimedwait(&child, NULL, &(struct timespec){.tv_nsec = wait_ms * 1000000});
  }
}

/* Follows one order of the gateway. False when there is nothing more to do here. */
static bool obey(void) {
  unsigned char order;
  ssize_t length;
  do length = recv(CONTROL, &order, 1, 0);
  while (length < 0 && errno == EINTR);
  if (length <= 0) {
    end_all();
    return false;
  }
  if (order == ORDER_LEAVE) return false;
  if (order == ORDER_END) end_all();
  else if (!command_ended) kill(-command, order);
  return true;
}

static char *read_plan(size_t *length) {
  struct stat stat;
  if (fstat(PLAN, &stat) < 0) return NULL;
  char *bytes = malloc(stat.st_size + 1);
  ssize_t got = bytes ? pread(PLAN, bytes, stat.st_size, 0) : -1;
  *length = got;
  if (got == stat.st_size) return bytes;
  free(bytes);
  return NULL;
}

/* Starts the command. False when it could not be, which the gateway is told. */
static bool start(void) {
  struct launch plan;
  size_t length;
  int pidfd;
  memset(&plan, 0, sizeof plan);
  char *bytes = read_plan(&length);
  command = -1;
  plan.stage = SUPERVISOR;
  plan.error = EINVAL;
  if (bytes && unpack_launch(&plan, bytes, length)) {
    plan.dies_with_parent = true;
    plan.stream_count = 3;
    for (int fd = 0; fd < 3; fd++) plan.streams[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    command = launch(&plan, &pidfd);
    for (int fd = 0; fd < 3; fd++) close(plan.streams[fd]);
  }
  if (command > 0) tell(STARTED, command, 0);
  else tell(FAILED, plan.error, plan.stage);
  free_unpacked(&plan);
  free(bytes);
  close(PLAN);
  return command > 0;
}

/* The ends of the command's streams are the command's alone, so that they are seen to end when it closes them. */
static void let_go_of_streams(void) {
  int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3 && null >= 0; fd++) dup2(null, fd);
  if (null > 2) close(null);
}

static int run(void) {
  sigset_t child;
  /* A command of the same user can neither look into this process nor change it. */
  prctl(PR_SET_DUMPABLE, 0);
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) return 1;
  /* A command of the same user may have stopped this process: the end of the gateway lets it go on, and do its work. */
  prctl(PR_SET_PDEATHSIG, SIGCONT);
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, NULL);
  struct pollfd polled[] = {{.fd = CONTROL, .events = POLLIN}, {.fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK), .events = POLLIN}};
  if (polled[1].fd < 0 || !start()) return 1;
  let_go_of_streams();
  for (bool told_gone = false;;) {
    struct signalfd_siginfo ignored;
    if (poll(polled, 2, -1) < 0 && errno != EINTR) return 1;
    if (polled[0].revents && !obey()) return 0;
    while (read(polled[1].fd, &ignored, sizeof ignored) > 0) {}
    if (reap() || told_gone) continue;
    told_gone = true;
    tell(GONE, 0, 0);
  }
}

/* ---- guard ---- */

static void write_file(const char *directory, const char *name, const char *text) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  /* What cannot be killed so is killed one by one. */
  if (write(fd, text, strlen(text)) < 0) {}
  close(fd);
}

/* A thread of the gateway that is in a group shows as the gateway. */
static pid_t gateway;

static void kill_members(const char *directory) {
  char path[4096];
  int pid;
  snprintf(path, sizeof path, "%s/cgroup.procs", directory);
  FILE *members = fopen(path, "re");
  while (members && fscanf(members, "%d", &pid) == 1) {
    if (pid != gateway) kill(pid, SIGKILL);
  }
  if (members) fclose(members);
}

/* Ends and removes a control group with everything below it. True when it is gone. */
static bool remove_group(const char *path) {
  DIR *directory = opendir(path);
  if (!directory) return errno == ENOENT;
  for (struct dirent *entry; (entry = readdir(directory));) {
    char below[4096];
    if (entry->d_type != DT_DIR || *entry->d_name == '.') continue;
    if (snprintf(below, sizeof below, "%s/%s", path, entry->d_name) < (int)sizeof below) remove_group(below);
  }
  closedir(directory);
  kill_members(path);
  return rmdir(path) == 0 || errno == ENOENT;
}

static int guard(char **directories) {
  char byte;
  gateway = getppid();
  while (read(0, &byte, 1) != 0) {}
  for (char **directory = directories; *directory; directory++) write_file(*directory, "cgroup.kill", "1");
  for (int tries = 0; tries < 1000; tries++) {
    bool all = true;
    for (char **directory = directories; *directory; directory++) all &= remove_group(*directory);
    if (all) return 0;
    pause_ms(5);
  }
  return 1;
}

int main(int count, char **arguments) {
  /* It outlives what ends the gateway: a hang-up of its terminal, an order to stop. */
  for (int number = 1; number < 32; number++) {
    if (number != SIGKILL && number != SIGSTOP && number != SIGCHLD) signal(number, SIG_IGN);
  }
  if (count >= 2 && strcmp(arguments[1], "run") == 0) return run();
  if (count >= 3 && strcmp(arguments[1], "guard") == 0) return guard(arguments + 2);
  return 64;
}
