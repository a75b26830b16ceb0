/* A command to be started, between JavaScript and C. */
#ifndef EXECGATE_SPAWN_OPTIONS_H
#define EXECGATE_SPAWN_OPTIONS_H

#include "addon.h"
#include "spawn.h"

/* Copies what JavaScript says: launch, bounds and birthplace of native.ts. False when it cannot, with the failure in `spawn`; free_spawn() in either case. */
bool read_spawn(napi_env env, const napi_value arguments[3], struct spawn *spawn);
/* What became of it: { pid, pidfd, control, stdin, stdout, stderr } or { errno, stage }. */
napi_value spawn_result(napi_env env, const struct spawn *spawn);
void free_spawn(struct spawn *spawn);

#endif
