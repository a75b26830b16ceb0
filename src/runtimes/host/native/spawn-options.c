/* A command to be started, between JavaScript and C. */
#define _GNU_SOURCE
#include "spawn-options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static napi_value get(napi_env env, napi_value object, const char *name) {
  napi_value value = NULL;
  napi_get_named_property(env, object, name, &value);
  return value;
}

static bool get_bool(napi_env env, napi_value object, const char *name) {
  bool value = false;
  napi_get_value_bool(env, get(env, object, name), &value);
  return value;
}

static int get_int(napi_env env, napi_value object, const char *name) {
  return integer(env, get(env, object, name));
}

static uint32_t get_unsigned(napi_env env, napi_value object, const char *name) {
  uint32_t value = 0;
  napi_get_value_uint32(env, get(env, object, name), &value);
  return value;
}

/* A copy of a string, or NULL when the value is none. */
static char *copy_string(napi_env env, napi_value value) {
  size_t length;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) return NULL;
  char *copy = malloc(length + 1);
  if (copy) napi_get_value_string_utf8(env, value, copy, length + 1, &length);
  return copy;
}

static void free_strings(char **strings) {
  if (!strings) return;
  for (char **string = strings; *string; string++) free(*string);
  free(strings);
}

static char **copy_strings(napi_env env, napi_value array) {
  uint32_t length;
  if (napi_get_array_length(env, array, &length) != napi_ok) return NULL;
  char **copies = calloc(length + 1, sizeof *copies);
  for (uint32_t i = 0; copies && i < length; i++) {
    napi_value element;
    napi_get_element(env, array, i, &element);
    if (!(copies[i] = copy_string(env, element))) {
      free_strings(copies);
      return NULL;
    }
  }
  return copies;
}

static void copy_groups(napi_env env, napi_value array, struct launch *launch) {
  if (napi_get_array_length(env, array, &launch->group_count) != napi_ok) return;
  launch->groups = calloc(launch->group_count + 1, sizeof *launch->groups);
  for (uint32_t i = 0; launch->groups && i < launch->group_count; i++) {
    napi_value element;
    napi_get_element(env, array, i, &element);
    napi_get_value_uint32(env, element, &launch->groups[i]);
  }
}

bool read_spawn(napi_env env, const napi_value arguments[3], struct spawn *spawn) {
  napi_value what = arguments[0], bounds = arguments[1], birthplace = arguments[2];
  struct launch *launch = &spawn->launch;
  memset(spawn, 0, sizeof *spawn);
  memset(launch->streams, -1, sizeof launch->streams);
  memset(spawn->parent_fd, -1, sizeof spawn->parent_fd);
  spawn->pid = spawn->pidfd = spawn->control = -1;
  launch->error = ENOMEM;
  launch->files = copy_strings(env, get(env, what, "files"));
  launch->argv = copy_strings(env, get(env, what, "argv"));
  launch->envp = copy_strings(env, get(env, what, "envp"));
  launch->home = copy_string(env, get(env, what, "home"));
  launch->cwd = copy_string(env, get(env, what, "cwd"));
  copy_groups(env, get(env, what, "groups"), launch);
  launch->cgroup = copy_string(env, birthplace);
  launch->uid = get_unsigned(env, what, "uid");
  launch->gid = get_unsigned(env, what, "gid");
  launch->home_in_env = get_bool(env, what, "homeInEnv");
  launch->change_user = get_bool(env, what, "changeUser");
  launch->no_new_privileges = get_bool(env, bounds, "noNewPrivileges");
  launch->dies_with_parent = get_bool(env, bounds, "diesWithGateway");
  launch->open_files_soft = get_unsigned(env, bounds, "openFilesSoft");
  launch->open_files_max = get_unsigned(env, bounds, "openFilesMax");
  launch->processes_max = get_unsigned(env, bounds, "processesMax");
  spawn->stdin_pipe = get_bool(env, what, "stdin");
  spawn->tty = get_int(env, what, "tty");
  spawn->supervisor = copy_string(env, get(env, bounds, "supervisor"));
  return launch->files && launch->argv && launch->envp && launch->home && launch->groups;
}

void free_spawn(struct spawn *spawn) {
  struct launch *launch = &spawn->launch;
  free_strings(launch->files);
  free_strings(launch->argv);
  free_strings(launch->envp);
  free(launch->home);
  free(launch->cwd);
  free(launch->groups);
  free(launch->cgroup);
  free(spawn->supervisor);
}

napi_value spawn_result(napi_env env, const struct spawn *spawn) {
  napi_value result, stage;
  napi_create_object(env, &result);
  if (spawn->pid > 0) {
    set_number(env, result, "pid", spawn->pid);
    set_number(env, result, "pidfd", spawn->pidfd);
    set_number(env, result, "control", spawn->control);
    set_number(env, result, "stdin", spawn->parent_fd[0]);
    set_number(env, result, "stdout", spawn->parent_fd[1]);
    set_number(env, result, "stderr", spawn->parent_fd[2]);
  } else {
    set_number(env, result, "errno", spawn->launch.error);
    napi_create_string_utf8(env, stage_names[spawn->launch.stage], NAPI_AUTO_LENGTH, &stage);
    napi_set_named_property(env, result, "stage", stage);
  }
  return result;
}
