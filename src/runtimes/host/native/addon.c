/* The addon: what C does for the host runtime. */
#include "spawn-options.h"

/* spawn(launch, bounds, birthplace): starts it in the calling thread, which waits until it runs. */
static napi_value spawn(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3];
  struct spawn spawn;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (read_spawn(env, arguments, &spawn)) start_spawn(&spawn);
  napi_value result = spawn_result(env, &spawn);
  free_spawn(&spawn);
  return result;
}

NAPI_MODULE_INIT() {
  export_function(env, exports, "spawn", spawn);
  export_launcher(env, exports);
  export_wait(env, exports);
  export_path(env, exports);
  export_pidfd(env, exports);
  export_poll(env, exports);
  return exports;
}
