/* What is done to files by their paths and cannot be done from JavaScript. */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The path that is an argument, or false when it is none or too long. */
static bool path_of(napi_env env, napi_value argument, char path[4096]) {
  size_t length;
  return napi_get_value_string_utf8(env, argument, path, 4096, &length) == napi_ok && length < 4095;
}

/* makeFifo(path) → 0 or -errno. */
static napi_value make_fifo(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  char path[4096];
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  if (!path_of(env, argument, path)) return number(env, -EINVAL);
  return number(env, mkfifo(path, 0600) < 0 ? -errno : 0);
}

/*
 * openIn(root, path) → a descriptor that reads, or -errno. The kernel keeps every link and `..` below the root, and follows
 * none of those of /proc; a FIFO in the place of the file does not hold it up.
 */
static napi_value open_in(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  char root[4096], path[4096];
  const struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (!path_of(env, arguments[0], root) || !path_of(env, arguments[1], path)) return number(env, -EINVAL);
  int directory = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return number(env, -errno);
  int fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
  int error = errno;
  close(directory);
  return number(env, fd < 0 ? -error : fd);
}

/* readWords(path) → the first 256 bytes of a file of the kernel's as they are, one character each; undefined when it cannot be read. */
static napi_value read_words(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument, words = NULL;
  char path[4096], bytes[256];
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  int fd = path_of(env, argument, path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return NULL;
  ssize_t length = read(fd, bytes, sizeof bytes);
  close(fd);
  if (length >= 0) napi_create_string_latin1(env, bytes, length, &words);
  return words;
}

enum { LOOK_MS = 5 };

/* Takes the lock when it is free, looked at again and again for `wait_ms`: a wait in the kernel could not be left. */
static int take_lock(int fd, int wait_ms) {
  const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000};
  while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK || wait_ms <= 0) return -1;
    nanosleep(&pause, NULL);
    wait_ms -= LOOK_MS;
  }
  return 0;
}

/*
 * lock(directory, waitMs) → a descriptor that holds the directory's lock as long as it is open, or -errno: EWOULDBLOCK when
 * another has it for as long as it is waited for.
 */
static napi_value lock(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  char path[4096];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (!path_of(env, arguments[0], path)) return number(env, -EINVAL);
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return number(env, -errno);
  if (take_lock(fd, integer(env, arguments[1])) == 0) return number(env, fd);
  int error = errno;
  close(fd);
  return number(env, -error);
}

void export_path(napi_env env, napi_value exports) {
  export_function(env, exports, "makeFifo", make_fifo);
  export_function(env, exports, "openIn", open_in);
  export_function(env, exports, "lock", lock);
  export_function(env, exports, "readWords", read_words);
}
