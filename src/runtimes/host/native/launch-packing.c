/* A launch as bytes: its numbers, then its strings, each with its NUL. */
#define _GNU_SOURCE
#include "launch.h"

#include <stdlib.h>
#include <string.h>

/* How many strings of each list follow, and every number. */
struct header {
  uint32_t file_count, argv_count, envp_count, group_count;
  uint32_t uid, gid, open_files_soft, open_files_max, processes_max;
  uint8_t home_in_env, has_cwd, change_user, no_new_privileges, terminal, padding[3];
};

static uint32_t count(char **list) {
  uint32_t length = 0;
  while (list[length]) length++;
  return length;
}

static size_t size_of_list(char **list) {
  size_t size = 0;
  for (; *list; list++) size += strlen(*list) + 1;
  return size;
}

static char *put(char *to, const void *from, size_t size) {
  memcpy(to, from, size);
  return to + size;
}

static char *put_string(char *to, const char *string) {
  return put(to, string, strlen(string) + 1);
}

static char *put_list(char *to, char **list) {
  for (; *list; list++) to = put_string(to, *list);
  return to;
}

char *pack_launch(const struct launch *launch, size_t *length) {
  struct header header = {
      .file_count = count(launch->files),
      .argv_count = count(launch->argv),
      .envp_count = count(launch->envp),
      .group_count = launch->group_count,
      .uid = launch->uid,
      .gid = launch->gid,
      .open_files_soft = launch->open_files_soft,
      .open_files_max = launch->open_files_max,
      .processes_max = launch->processes_max,
      .home_in_env = launch->home_in_env,
      .has_cwd = launch->cwd != NULL,
      .change_user = launch->change_user,
      .no_new_privileges = launch->no_new_privileges,
      .terminal = launch->terminal,
  };
  size_t groups = launch->group_count * sizeof *launch->groups;
  *length = sizeof header + groups + size_of_list(launch->files) + size_of_list(launch->argv) + size_of_list(launch->envp) +
            strlen(launch->home) + 1 + (launch->cwd ? strlen(launch->cwd) + 1 : 0);
  char *bytes = malloc(*length), *to = bytes;
  if (!bytes) return NULL;
  to = put(to, &header, sizeof header);
  if (groups) to = put(to, launch->groups, groups);
  to = put_list(to, launch->files);
  to = put_list(to, launch->argv);
  to = put_list(to, launch->envp);
  to = put_string(to, launch->home);
  if (launch->cwd) put_string(to, launch->cwd);
  return bytes;
}

/* The next string, or NULL when the bytes end before it does. */
static char *take_string(char **from, char *end) {
  char *string = *from, *nul = memchr(string, 0, end - string);
  if (!nul) return NULL;
  *from = nul + 1;
  return string;
}

static char **take_list(char **from, char *end, uint32_t length) {
  /* Each string takes a byte at least: a longer list cannot be there. */
  if (length > (size_t)(end - *from)) return NULL;
  char **list = calloc((size_t)length + 1, sizeof *list);
  for (uint32_t i = 0; list && i < length; i++) {
    if ((list[i] = take_string(from, end))) continue;
    free(list);
    return NULL;
  }
  return list;
}

bool unpack_launch(struct launch *launch, char *bytes, size_t length) {
  struct header header;
  char *from = bytes + sizeof header, *end = bytes + length;
  if (length < sizeof header) return false;
  memcpy(&header, bytes, sizeof header);
  size_t groups = (size_t)header.group_count * sizeof *launch->groups;
  if (groups > (size_t)(end - from)) return false;
  launch->groups = (gid_t *)(void *)from;
  launch->group_count = header.group_count;
  from += groups;
  launch->files = take_list(&from, end, header.file_count);
  launch->argv = launch->files ? take_list(&from, end, header.argv_count) : NULL;
  launch->envp = launch->argv ? take_list(&from, end, header.envp_count) : NULL;
  launch->home = launch->envp ? take_string(&from, end) : NULL;
  launch->cwd = launch->home && header.has_cwd ? take_string(&from, end) : NULL;
  launch->uid = header.uid;
  launch->gid = header.gid;
  launch->open_files_soft = header.open_files_soft;
  launch->open_files_max = header.open_files_max;
  launch->processes_max = header.processes_max;
  launch->home_in_env = header.home_in_env;
  launch->change_user = header.change_user;
  launch->no_new_privileges = header.no_new_privileges;
  launch->terminal = header.terminal;
  return launch->home && (launch->cwd || !header.has_cwd) && from == end;
}

void free_unpacked(struct launch *launch) {
  free(launch->files);
  free(launch->argv);
  free(launch->envp);
}
