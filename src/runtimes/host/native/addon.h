/* What the parts of the addon share: each part puts its functions on `exports`. */
#ifndef EXECGATE_ADDON_H
#define EXECGATE_ADDON_H

#include <node_api.h>
#include <stdbool.h>

/* poll.c: waiting for descriptors, and reading and writing them without exceptions. */
void export_poll(napi_env env, napi_value exports);

/* path.c: files by their paths. */
void export_path(napi_env env, napi_value exports);

/* pidfd.c: processes that are not the gateway's children. */
void export_pidfd(napi_env env, napi_value exports);

/* launcher.c: threads that start processes. */
void export_launcher(napi_env env, napi_value exports);

/* wait.c: what becomes of a started process. */
void export_wait(napi_env env, napi_value exports);

static inline void export_function(napi_env env, napi_value exports, const char *name, napi_callback callback) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, NULL, &function);
  napi_set_named_property(env, exports, name, function);
}

static inline napi_value number(napi_env env, int value) {
  napi_value result;
  napi_create_int32(env, value, &result);
  return result;
}

/* The n-th argument as an integer, or -1 when it is none. */
static inline int integer(napi_env env, napi_value value) {
  int result = -1;
  napi_get_value_int32(env, value, &result);
  return result;
}

static inline void set_number(napi_env env, napi_value object, const char *name, int value) {
  napi_set_named_property(env, object, name, number(env, value));
}

#endif
