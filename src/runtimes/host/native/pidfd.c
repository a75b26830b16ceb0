/* Processes that are not the gateway's children, such as those of containers: held by a descriptor, so that a pid given to another is never taken for theirs. */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of linux/pidfd.h since 6.15, which is younger than the headers of the systems that this is built on. */
struct process_info {
  uint64_t mask;
  uint64_t cgroupid;
  uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  int32_t exit_code;
};
#define PROCESS_INFO _IOWR(0xFF, 11, struct process_info)
#define PROCESS_INFO_EXIT (1u << 3)

/* openProcess(pid) → a descriptor that is readable when the process has ended. */
static napi_value open_process(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  int pidfd = (int)syscall(SYS_pidfd_open, integer(env, argument), 0);
  return number(env, pidfd < 0 ? -errno : pidfd);
}

/*
 * endOf(pidfd) → { code, signal }, one of them null, of a process that its parent has reaped; undefined before that;
 * -errno when this kernel does not tell.
 */
static napi_value end_of(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument, result, none;
  struct process_info process;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  memset(&process, 0, sizeof process);
  process.mask = PROCESS_INFO_EXIT;
  if (ioctl(integer(env, argument), PROCESS_INFO, &process) < 0) return number(env, -errno);
  if (!(process.mask & PROCESS_INFO_EXIT)) return NULL;
  bool exited = WIFEXITED(process.exit_code);
  napi_get_null(env, &none);
  napi_create_object(env, &result);
  napi_set_named_property(env, result, "code", exited ? number(env, WEXITSTATUS(process.exit_code)) : none);
  napi_set_named_property(env, result, "signal", exited ? none : number(env, WTERMSIG(process.exit_code)));
  return result;
}

void export_pidfd(napi_env env, napi_value exports) {
  export_function(env, exports, "openProcess", open_process);
  export_function(env, exports, "endOf", end_of);
}
