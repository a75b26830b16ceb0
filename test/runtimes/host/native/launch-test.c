/*
 * The C of the host runtime without JavaScript: every stage of a launch, and the packing of one. Built and run by
 * launch.test.ts, also under AddressSanitizer and valgrind. Prints nothing when all holds.
 */
#define _GNU_SOURCE
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int failures;

/*
 * valgrind gives the child memory of its own, so that what went wrong in it is not told, and keeps limits to itself. The
 * argument `separate` says so.
 */
static bool separate;

#define CHECK(holds) \
  do { \
    if (!(holds)) { \
      failures++; \
      fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #holds); \
    } \
  } while (0)

static char *empty_environment[] = {"HOME=/root", "A=1", NULL};
static gid_t groups[] = {1, 2, 3};

/* A launch of `script` by sh, whose descriptor 1 is `out`. */
static struct launch shell(char **argv, char *script, int out) {
  static char *files[] = {"/no/such/sh", "/bin/sh", NULL};
  struct launch launch;
  memset(&launch, 0, sizeof launch);
  argv[0] = "sh";
  argv[1] = "-c";
  argv[2] = script;
  argv[3] = NULL;
  launch.files = files;
  launch.argv = argv;
  launch.envp = empty_environment;
  launch.home = "/";
  launch.uid = geteuid();
  launch.dies_with_parent = true;
  launch.stream_count = 3;
  launch.streams[0] = fcntl(open("/dev/null", O_RDONLY | O_CLOEXEC), F_DUPFD_CLOEXEC, 10);
  launch.streams[1] = fcntl(out, F_DUPFD_CLOEXEC, 10);
  launch.streams[2] = fcntl(2, F_DUPFD_CLOEXEC, 10);
  return launch;
}

static int status_of(pid_t pid) {
  int status = -1;
  CHECK(waitpid(pid, &status, 0) == pid);
  return status;
}

/* Runs a script and gives what it wrote. */
static char *output_of(struct launch *change, char *script) {
  static char text[4096];
  char *argv[4];
  int ends[2], pidfd = -1;
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  struct launch launched = shell(argv, script, ends[1]);
  if (change) {
    launched.cwd = change->cwd;
    launched.home = change->home ? change->home : launched.home;
    launched.home_in_env = change->home_in_env;
    launched.open_files_soft = change->open_files_soft;
    launched.open_files_max = change->open_files_max;
    launched.no_new_privileges = change->no_new_privileges;
  }
  pid_t pid = launch(&launched, &pidfd);
  close(ends[1]);
  for (int i = 0; i < 3; i++) close(launched.streams[i]);
  CHECK(pid > 0);
  ssize_t length = 0, got;
  while ((got = read(ends[0], text + length, sizeof text - 1 - length)) > 0) length += got;
  text[length] = 0;
  CHECK(WIFEXITED(status_of(pid)));
  close(ends[0]);
  close(pidfd);
  return text;
}

static void test_output(void) {
  struct launch limits = {.open_files_soft = 100, .open_files_max = 200};
  struct launch home = {.home = "/no/such/home", .home_in_env = true};
  struct launch cwd = {.cwd = "/tmp"};
  struct launch privileges = {.no_new_privileges = true};
  CHECK(strcmp(output_of(NULL, "echo $HOME $A; pwd"), "/root 1\n/\n") == 0);
  CHECK(separate || strcmp(output_of(&limits, "ulimit -Sn; ulimit -Hn"), "100\n200\n") == 0);
  CHECK(strcmp(output_of(&home, "echo $HOME; pwd"), "/\n/\n") == 0);
  CHECK(strcmp(output_of(&cwd, "pwd"), "/tmp\n") == 0);
  CHECK(strcmp(output_of(&privileges, "grep NoNewPrivs /proc/self/status"), "NoNewPrivs:\t1\n") == 0);
  CHECK(strcmp(output_of(NULL, "echo /proc/self/fd/*"), "/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3\n") == 0);
  CHECK(strcmp(empty_environment[0], "HOME=/root") == 0);
}

/* Launches what cannot be, and checks that it says why and leaves nothing. */
static void expect_failure(struct launch launched, enum stage stage, int error) {
  int pidfd = -1;
  pid_t pid = launch(&launched, &pidfd);
  if (separate) {
    CHECK(pid > 0 && WEXITSTATUS(status_of(pid)) == 127);
    close(pidfd);
  } else {
    CHECK(pid == -1);
    CHECK(launched.stage == stage);
    CHECK(launched.error == error);
  }
  CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
  for (int i = 0; i < 3; i++) close(launched.streams[i]);
}

static void test_failures(void) {
  char *argv[4], *nothing[] = {NULL}, *folder[] = {"/tmp", NULL}, *missing[] = {"/no/such/command", NULL};
  struct launch launched = shell(argv, "true", 1);
  launched.files = missing;
  expect_failure(launched, EXEC, ENOENT);
  launched = shell(argv, "true", 1);
  launched.files = nothing;
  expect_failure(launched, EXEC, ENOENT);
  launched = shell(argv, "true", 1);
  launched.files = folder;
  expect_failure(launched, EXEC, EACCES);
  launched = shell(argv, "true", 1);
  launched.cwd = "/no/such/folder";
  expect_failure(launched, CWD, ENOENT);
  launched = shell(argv, "true", 1);
  launched.terminal = true;
  expect_failure(launched, TERMINAL, ENOTTY);
  /* This one is found before there is a child. */
  if (separate) return;
  launched = shell(argv, "true", 1);
  launched.cgroup = "/no/such/group";
  expect_failure(launched, CGROUP, ENOENT);
}

static bool same_list(char **a, char **b) {
  for (; *a && *b; a++, b++) {
    if (strcmp(*a, *b)) return false;
  }
  return *a == *b;
}

static void test_packing(void) {
  char *argv[4];
  struct launch launched = shell(argv, "echo '\303\244'", 1), unpacked;
  launched.groups = groups;
  launched.group_count = 3;
  launched.uid = 4294967294u;
  launched.gid = 7;
  launched.cwd = "";
  launched.home_in_env = launched.change_user = launched.no_new_privileges = launched.terminal = true;
  launched.open_files_soft = 1;
  launched.open_files_max = 2;
  launched.processes_max = 3;
  size_t length;
  char *bytes = pack_launch(&launched, &length);
  memset(&unpacked, 0, sizeof unpacked);
  CHECK(unpack_launch(&unpacked, bytes, length));
  CHECK(same_list(unpacked.files, launched.files) && same_list(unpacked.argv, launched.argv) && same_list(unpacked.envp, launched.envp));
  CHECK(strcmp(unpacked.home, "/") == 0 && strcmp(unpacked.cwd, "") == 0);
  CHECK(unpacked.group_count == 3 && memcmp(unpacked.groups, groups, sizeof groups) == 0);
  CHECK(unpacked.uid == launched.uid && unpacked.gid == 7);
  CHECK(unpacked.home_in_env && unpacked.change_user && unpacked.no_new_privileges && unpacked.terminal);
  CHECK(unpacked.open_files_soft == 1 && unpacked.open_files_max == 2 && unpacked.processes_max == 3);
  free_unpacked(&unpacked);
  /* Whatever is cut off or added, it is not what was packed. */
  for (size_t cut = 0; cut < length; cut++) {
    char *part = malloc(cut + 1);
    memcpy(part, bytes, cut);
    memset(&unpacked, 0, sizeof unpacked);
    CHECK(!unpack_launch(&unpacked, part, cut));
    free_unpacked(&unpacked);
    free(part);
  }
  for (int i = 0; i < 3; i++) close(launched.streams[i]);
  free(bytes);
}

/* A child that does not come to execute its command is given up. Here it waits for a reader of what is to be its control group. */
static void test_late_child(void) {
  char *argv[4], folder[] = "/tmp/execgate-launch-test-XXXXXX", fifo[64];
  CHECK(mkdtemp(folder) != NULL);
  snprintf(fifo, sizeof fifo, "%s/cgroup.procs", folder);
  CHECK(mkfifo(fifo, 0600) == 0);
  struct launch launched = shell(argv, "true", 1);
  launched.cgroup = folder;
  expect_failure(launched, CLONE, ETIMEDOUT);
  unlink(fifo);
  rmdir(folder);
}

/* Several threads start commands at once, each with a child of its own to wait for. */
static void *launch_many(void *nothing) {
  for (int i = 0; i < 20; i++) {
    char *argv[4];
    int pidfd;
    struct launch launched = shell(argv, "exit 7", 1);
    pid_t pid = launch(&launched, &pidfd);
    CHECK(pid > 0 && status_of(pid) == 7 << 8);
    for (int fd = 0; fd < 3; fd++) close(launched.streams[fd]);
    close(pidfd);
  }
  return nothing;
}

static void test_threads(void) {
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, launch_many, NULL) == 0);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
}

/* Nobody else's user, whose processes one of them stops as fast as it can. */
enum { STOPPED_USER = 1777000123 };

static void test_stopped_children(void) {
  pid_t stopper = fork();
  if (stopper == 0) {
    if (setresuid(STOPPED_USER, STOPPED_USER, STOPPED_USER) < 0) _exit(1);
    for (;;) kill(-1, SIGSTOP);
  }
  for (int i = 0; i < 100; i++) {
    char *argv[4];
    int pidfd;
    struct launch launched = shell(argv, "true", 1);
    launched.change_user = true;
    launched.uid = launched.gid = STOPPED_USER;
    pid_t pid = launch(&launched, &pidfd);
    CHECK(pid > 0);
    for (int fd = 0; fd < 3; fd++) close(launched.streams[fd]);
    kill(pid, SIGKILL);
    status_of(pid);
    close(pidfd);
  }
  kill(stopper, SIGKILL);
  status_of(stopper);
}

int main(int count, char **arguments) {
  separate = count > 1 && strcmp(arguments[1], "separate") == 0;
  test_packing();
  test_failures();
  test_output();
  test_threads();
  /* In memory of its own the parent does not wait for the child. */
  if (!separate) test_late_child();
  if (!separate && geteuid() == 0) test_stopped_children();
  return failures > 0;
}
