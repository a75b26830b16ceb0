/* What becomes of a started process: its end, and who else is in its session. */
#define _GNU_SOURCE
#include "addon.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static int wait_for(int pidfd, int flags, siginfo_t *status) {
  memset(status, 0, sizeof *status);
  return waitid((idtype_t)P_PIDFD, (id_t)pidfd, status, WEXITED | WNOHANG | flags);
}

/*
 * exitOf(pidfd) → { code, signal }, one of them null; undefined while the process runs; -errno when nobody can tell any more.
 * The zombie is left: its pid, and with it its process group, cannot be given to others while the rest is being killed.
 */
static napi_value exit_of(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument, result, none;
  siginfo_t status;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  if (wait_for(integer(env, argument), WNOWAIT, &status) < 0) return number(env, -errno);
  if (status.si_pid == 0) return NULL;
  bool exited = status.si_code == CLD_EXITED;
  napi_get_null(env, &none);
  napi_create_object(env, &result);
  napi_set_named_property(env, result, "code", exited ? number(env, status.si_status) : none);
  napi_set_named_property(env, result, "signal", exited ? none : number(env, status.si_status));
  return result;
}

/* reap(pidfd): lets the zombie go. */
static napi_value reap(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  siginfo_t status;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  wait_for(integer(env, argument), 0, &status);
  return NULL;
}

/* True for what has not ended: a zombie cannot be killed and goes when its parent looks at it. */
static bool is_alive(pid_t pid) {
  char path[32], text[512];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno != ENOENT && errno != ESRCH;
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  if (length <= 0) return false;
  text[length] = 0;
  /* The name in brackets may hold anything, brackets too. */
  char *end = strrchr(text, ')');
  return end && end[1] && end[2] != 'Z' && end[2] != 'X';
}

/* The pid that was given out last in this namespace; -1 when the kernel's own word is not to be had. */
static pid_t last_pid(void) {
  struct statfs filesystem;
  char text[128];
  int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  /* In a container it may be a made-up file that lies over the true one and is renewed every few seconds. */
  bool genuine = fstatfs(fd, &filesystem) == 0 && filesystem.f_type == PROC_SUPER_MAGIC;
  ssize_t length = genuine ? read(fd, text, sizeof text - 1) : -1;
  close(fd);
  if (length <= 0) return -1;
  text[length] = 0;
  char *last = strrchr(text, ' ');
  return last ? atoi(last + 1) : -1;
}

struct members {
  napi_env env;
  napi_value pids;
  uint32_t length;
  pid_t session;
};

/* A getsid costs a hundredth of a read of stat. */
static void add_member(struct members *members, pid_t pid) {
  if (getsid(pid) != members->session || !is_alive(pid)) return;
  napi_set_element(members->env, members->pids, members->length++, number(members->env, pid));
}

/*
 * Pids are given out in ascending order: what a young leader, whose number nobody else has had since, can have brought forth
 * lies between its own pid and the last one. False when that cannot be told, or when more than a few lie there.
 */
static bool members_of_young(struct members *members) {
  enum { FEW = 256 };
  pid_t last = last_pid(), pid = members->session;
  for (; pid <= last && pid - members->session <= FEW; pid++) {
    add_member(members, pid);
    /* Who was looked at last may have brought forth another one meanwhile. */
    if (pid == last) last = last_pid();
  }
  return last >= members->session && pid > last;
}

/* membersOf(sid, young) → pids of the living processes of a session; -errno when /proc cannot be read. */
static napi_value members_of(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  bool young = false;
  struct members members = {.env = env};
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  members.session = integer(env, arguments[0]);
  napi_get_value_bool(env, arguments[1], &young);
  napi_create_array(env, &members.pids);
  if (young && members_of_young(&members)) return members.pids;
  DIR *processes = opendir("/proc");
  if (!processes) return number(env, -errno);
  for (struct dirent *entry; (entry = readdir(processes));) {
    pid_t pid = atoi(entry->d_name);
    if (pid > 0) add_member(&members, pid);
  }
  closedir(processes);
  return members.pids;
}

void export_wait(napi_env env, napi_value exports) {
  export_function(env, exports, "exitOf", exit_of);
  export_function(env, exports, "reap", reap);
  export_function(env, exports, "membersOf", members_of);
}
