/* Poll, a uv_poll handle that calls back once for each arming; and read, write, available and close of descriptors. */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <uv.h>

struct poll {
  uv_poll_t handle;
  struct instance *instance;
  napi_ref self;     /* Strong until the handle is closed: an armed Poll needs no other owner. */
  napi_ref callback;
  int wanted;        /* What the owner waits for. */
  int active;        /* What libuv watches. */
  bool calling, closing, closed, finalized;
  struct poll *previous, *next;
};

/* What is open in one environment, so that it can be closed when a worker or the process ends. */
struct instance {
  napi_env env;
  struct poll *open;
  napi_async_cleanup_hook_handle hook;
  bool ending;
};

static void free_when_unused(struct poll *poll) {
  if (poll->closed && poll->finalized) free(poll);
}

static void finalize(napi_env env, void *data, void *hint) {
  struct poll *poll = data;
  (void)env, (void)hint;
  poll->finalized = true;
  free_when_unused(poll);
}

static void end_instance_when_empty(struct instance *instance) {
  if (!instance->ending || instance->open) return;
  napi_remove_async_cleanup_hook(instance->hook);
  free(instance);
}

static void on_closed(uv_handle_t *handle) {
  struct poll *poll = handle->data;
  struct instance *instance = poll->instance;
  if (poll->previous) poll->previous->next = poll->next;
  else instance->open = poll->next;
  if (poll->next) poll->next->previous = poll->previous;
  poll->closed = true;
  /* An environment that ends drops its references itself. */
  if (!instance->ending) {
    napi_handle_scope scope;
    napi_open_handle_scope(instance->env, &scope);
    napi_delete_reference(instance->env, poll->callback);
    napi_delete_reference(instance->env, poll->self);
    napi_close_handle_scope(instance->env, scope);
  }
  free_when_unused(poll);
  end_instance_when_empty(instance);
}

static void close_poll(struct poll *poll) {
  if (poll->closing) return;
  poll->closing = true;
  uv_close((uv_handle_t *)&poll->handle, on_closed);
}

static void end_instance(napi_async_cleanup_hook_handle hook, void *data) {
  struct instance *instance = data;
  (void)hook;
  instance->ending = true;
  for (struct poll *poll = instance->open; poll; poll = poll->next) close_poll(poll);
  end_instance_when_empty(instance);
}

static void on_event(uv_poll_t *handle, int status, int events);

static void apply(struct poll *poll) {
  if (poll->closing || poll->calling || poll->wanted == poll->active) return;
  poll->active = poll->wanted;
  if (poll->wanted) uv_poll_start(&poll->handle, poll->wanted, on_event);
  else uv_poll_stop(&poll->handle);
}

/*
 * Only when the callback and its microtasks are through is it decided what to watch next: an owner that arms again at once,
 * as a reader in a busy session does, costs no system call.
 */
static void on_event(uv_poll_t *handle, int status, int events) {
  struct poll *poll = handle->data;
  napi_env env = poll->instance->env;
  napi_handle_scope scope;
  napi_value callback, receiver, argument, error;
  /* libuv has stopped a handle that failed. The owner finds the reason by its next read or write. */
  if (status < 0) {
    poll->active = 0;
    events = poll->wanted;
  }
  events &= poll->wanted;
  poll->wanted &= ~events;
  napi_open_handle_scope(env, &scope);
  napi_get_reference_value(env, poll->callback, &callback);
  napi_get_reference_value(env, poll->self, &receiver);
  argument = number(env, events);
  poll->calling = true;
  if (events && napi_make_callback(env, NULL, receiver, callback, 1, &argument, NULL) == napi_pending_exception) {
    napi_get_and_clear_last_exception(env, &error);
    napi_fatal_exception(env, error);
  }
  poll->calling = false;
  napi_close_handle_scope(env, scope);
  apply(poll);
}

static napi_value throw_errno(napi_env env, int error) {
  napi_throw_error(env, uv_err_name(error), uv_strerror(error));
  return NULL;
}

/* new Poll(fd, callback): callback(events), 1 for readable and 2 for writable, once for each arming. */
static napi_value construct(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2], self;
  uv_loop_t *loop;
  struct instance *instance;
  napi_get_cb_info(env, info, &count, arguments, &self, (void **)&instance);
  struct poll *poll = calloc(1, sizeof *poll);
  if (!poll) return throw_errno(env, UV_ENOMEM);
  napi_get_uv_event_loop(env, &loop);
  int error = uv_poll_init(loop, &poll->handle, integer(env, arguments[0]));
  if (error) {
    free(poll);
    return throw_errno(env, error);
  }
  poll->handle.data = poll;
  poll->instance = instance;
  napi_wrap(env, self, poll, finalize, NULL, NULL);
  napi_create_reference(env, self, 1, &poll->self);
  napi_create_reference(env, arguments[1], 1, &poll->callback);
  poll->next = instance->open;
  if (poll->next) poll->next->previous = poll;
  instance->open = poll;
  return self;
}

static struct poll *unwrap(napi_env env, napi_callback_info info, napi_value *arguments, size_t count) {
  napi_value self;
  struct poll *poll = NULL;
  napi_get_cb_info(env, info, &count, arguments, &self, NULL);
  napi_unwrap(env, self, (void **)&poll);
  return poll;
}

/* arm(events): waits for these too. disarm(events): waits for these no longer. */
static napi_value arm(napi_env env, napi_callback_info info) {
  napi_value argument;
  struct poll *poll = unwrap(env, info, &argument, 1);
  if (!poll || poll->closing) return NULL;
  poll->wanted |= integer(env, argument) & (UV_READABLE | UV_WRITABLE);
  apply(poll);
  return NULL;
}

static napi_value disarm(napi_env env, napi_callback_info info) {
  napi_value argument;
  struct poll *poll = unwrap(env, info, &argument, 1);
  if (!poll || poll->closing) return NULL;
  poll->wanted &= ~integer(env, argument);
  apply(poll);
  return NULL;
}

/* unref(): the loop may end while this is waited for. */
static napi_value unref_method(napi_env env, napi_callback_info info) {
  struct poll *poll = unwrap(env, info, NULL, 0);
  if (poll && !poll->closing) uv_unref((uv_handle_t *)&poll->handle);
  return NULL;
}

/* close(): stops at once; the descriptor is the owner's, and may be closed right after. */
static napi_value close_method(napi_env env, napi_callback_info info) {
  struct poll *poll = unwrap(env, info, NULL, 0);
  if (poll) close_poll(poll);
  return NULL;
}

/* The part [offset, offset + length) of a Uint8Array, shortened to what is there. */
static char *bytes_of(napi_env env, napi_value array, int offset, size_t *length) {
  napi_typedarray_type type;
  size_t size;
  void *data;
  if (napi_get_typedarray_info(env, array, &type, &size, &data, NULL, NULL) != napi_ok) return NULL;
  if (type != napi_uint8_array || offset < 0 || (size_t)offset > size) return NULL;
  if (*length > size - offset) *length = size - offset;
  return (char *)data + offset;
}

/*
 * A read of a terminal waits for the kernel to bring what is on its way, and a command that writes short lines brings little
 * in that time: a page of them would take ten milliseconds.
 */
#define READ_NS_MAX 1000000

/*
 * read(fd, bytes, offset, length) → bytes read, 0 at the end, -errno when there is nothing. Reads on until the room is
 * used up, nothing is left or the time is over: a terminal gives at most 4 KiB at a time.
 */
static napi_value read_fd(napi_env env, napi_callback_info info) {
  size_t count = 4, done = 0;
  napi_value arguments[4];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  int fd = integer(env, arguments[0]);
  size_t length = integer(env, arguments[3]);
  char *bytes = bytes_of(env, arguments[1], integer(env, arguments[2]), &length);
  if (!bytes) return number(env, -EINVAL);
  uint64_t until = uv_hrtime() + READ_NS_MAX;
  while (done < length && (done == 0 || uv_hrtime() < until)) {
    ssize_t got = read(fd, bytes + done, length - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && done == 0) return number(env, -errno);
    if (got <= 0) break;
    done += got;
  }
  return number(env, done);
}

/* write(fd, bytes, offset, length) → bytes accepted, or -errno. */
static napi_value write_fd(napi_env env, napi_callback_info info) {
  size_t count = 4;
  napi_value arguments[4];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  size_t length = integer(env, arguments[3]);
  char *bytes = bytes_of(env, arguments[1], integer(env, arguments[2]), &length);
  if (!bytes) return number(env, -EINVAL);
  ssize_t wrote;
  do wrote = write(integer(env, arguments[0]), bytes, length);
  while (wrote < 0 && errno == EINTR);
  return number(env, wrote < 0 ? -errno : (int)wrote);
}

/* available(fd) → bytes that can be read at once, or -errno. */
static napi_value available(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  int bytes = 0;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  return number(env, ioctl(integer(env, argument), FIONREAD, &bytes) < 0 ? -errno : bytes);
}

static napi_value close_fd(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  return number(env, close(integer(env, argument)) < 0 ? -errno : 0);
}

/* closeOnExec(fd): keeps a descriptor that another library opened from the children of child_process. */
static napi_value close_on_exec(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  return number(env, fcntl(integer(env, argument), F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0);
}

void export_poll(napi_env env, napi_value exports) {
  napi_value constructor;
  struct instance *instance = calloc(1, sizeof *instance);
  instance->env = env;
  napi_add_async_cleanup_hook(env, end_instance, instance, &instance->hook);
  const napi_property_descriptor methods[] = {
      {.utf8name = "arm", .method = arm, .attributes = napi_default_method},
      {.utf8name = "disarm", .method = disarm, .attributes = napi_default_method},
      {.utf8name = "unref", .method = unref_method, .attributes = napi_default_method},
      {.utf8name = "close", .method = close_method, .attributes = napi_default_method},
  };
  napi_define_class(env, "Poll", NAPI_AUTO_LENGTH, construct, instance, sizeof methods / sizeof *methods, methods, &constructor);
  napi_set_named_property(env, exports, "Poll", constructor);
  export_function(env, exports, "read", read_fd);
  export_function(env, exports, "write", write_fd);
  export_function(env, exports, "available", available);
  export_function(env, exports, "close", close_fd);
  export_function(env, exports, "closeOnExec", close_on_exec);
}
