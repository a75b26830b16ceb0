/* What becomes of a started process: its end, and who else is in its session. */
#define _GNU_SOURCE
#include "addon.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* membersOf(sid) → pids of the living processes of a session; -errno when /proc cannot be read. A getsid costs a hundredth of a read of stat. */
static napi_value members_of(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument, result;
  uint32_t length = 0;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  pid_t session = integer(env, argument);
  DIR *processes = opendir("/proc");
  if (!processes) return number(env, -errno);
  napi_create_array(env, &result);
  for (struct dirent *entry; (entry = readdir(processes));) {
    pid_t pid = atoi(entry->d_name);
    if (pid > 0 && getsid(pid) == session && is_alive(pid)) napi_set_element(env, result, length++, number(env, pid));
  }
  closedir(processes);
  return result;
}

void export_wait(napi_env env, napi_value exports) {
  export_function(env, exports, "exitOf", exit_of);
  export_function(env, exports, "reap", reap);
  export_function(env, exports, "membersOf", members_of);
}
