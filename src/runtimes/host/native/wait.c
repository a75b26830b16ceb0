/* What becomes of a started process: its end, and the foreground of its terminal. */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
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

/* signal(pidfd, number): whose pid is meanwhile another's is not reached. */
static napi_value signal_process(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  syscall(SYS_pidfd_send_signal, integer(env, arguments[0]), integer(env, arguments[1]), NULL, 0);
  return NULL;
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

/* foregroundGroup(master) → the process group that has the terminal; 0 or -errno when there is none. */
static napi_value foreground_group(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  pid_t group = tcgetpgrp(integer(env, argument));
  return number(env, group < 0 ? -errno : group);
}

void export_wait(napi_env env, napi_value exports) {
  export_function(env, exports, "exitOf", exit_of);
  export_function(env, exports, "signal", signal_process);
  export_function(env, exports, "reap", reap);
  export_function(env, exports, "foregroundGroup", foreground_group);
}
