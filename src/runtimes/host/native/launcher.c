/*
 * Launcher: a thread that starts commands one after the other, while JavaScript goes on. What it starts is born in the
 * control groups of version 1 that the thread is in, and dies with the thread: it lives as long as its owner.
 */
#define _GNU_SOURCE
#include "spawn-options.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STACK_BYTES = 128 * 1024 };

struct job {
  struct spawn spawn;
  napi_ref callback;
  struct job *next;
};

struct launcher {
  pthread_t thread;
  pid_t tid;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct job *first, *last;
  bool closing, confined;
  napi_threadsafe_function done;
  /* Only its owner's thread looks at these. */
  bool closed, forgotten, silent;
  int under_way;
};

/* The next job, waited for; NULL at the end. */
static struct job *take_job(struct launcher *launcher) {
  pthread_mutex_lock(&launcher->lock);
  while (!launcher->first && !launcher->closing) pthread_cond_wait(&launcher->changed, &launcher->lock);
  struct job *job = launcher->first;
  if (job) launcher->first = job->next;
  pthread_mutex_unlock(&launcher->lock);
  return job;
}

static void *work(void *argument) {
  struct launcher *launcher = argument;
  prctl(PR_SET_NAME, "launcher");
  if (launcher->confined) drop_bounding_set();
  pthread_mutex_lock(&launcher->lock);
  launcher->tid = (pid_t)syscall(SYS_gettid);
  pthread_cond_broadcast(&launcher->changed);
  pthread_mutex_unlock(&launcher->lock);
  for (struct job *job; (job = take_job(launcher));) {
    start_spawn(&job->spawn);
    napi_call_threadsafe_function(launcher->done, job, napi_tsfn_nonblocking);
  }
  return NULL;
}

/* In the owner's thread: tells what became of a job. There is no environment any more when all of it ends. */
static void tell(napi_env env, napi_value unused, void *context, void *data) {
  struct launcher *launcher = context;
  struct job *job = data;
  napi_value callback, receiver, result;
  (void)unused;
  if (env) {
    if (--launcher->under_way == 0) napi_unref_threadsafe_function(env, launcher->done);
    result = spawn_result(env, &job->spawn);
    napi_get_reference_value(env, job->callback, &callback);
    napi_delete_reference(env, job->callback);
    napi_get_undefined(env, &receiver);
    napi_call_function(env, receiver, callback, 1, &result, NULL);
  }
  free_spawn(&job->spawn);
  free(job);
}

static void free_when_unused(struct launcher *launcher) {
  if (!launcher->forgotten || !launcher->silent) return;
  pthread_cond_destroy(&launcher->changed);
  pthread_mutex_destroy(&launcher->lock);
  free(launcher);
}

/* Ends the thread, which finishes what it is starting. */
static void stop(struct launcher *launcher) {
  if (launcher->closed) return;
  launcher->closed = true;
  pthread_mutex_lock(&launcher->lock);
  launcher->closing = true;
  pthread_cond_broadcast(&launcher->changed);
  pthread_mutex_unlock(&launcher->lock);
  pthread_join(launcher->thread, NULL);
}

static void end(struct launcher *launcher) {
  if (launcher->closed) return;
  stop(launcher);
  napi_release_threadsafe_function(launcher->done, napi_tsfn_release);
}

/* Nothing can be told any more: all was, or the environment ends. */
static void fall_silent(napi_env env, void *data, void *hint) {
  struct launcher *launcher = data;
  (void)env, (void)hint;
  stop(launcher);
  launcher->silent = true;
  free_when_unused(launcher);
}

/* JavaScript knows it no longer. */
static void forget(napi_env env, void *data, void *hint) {
  struct launcher *launcher = data;
  (void)env, (void)hint;
  end(launcher);
  launcher->forgotten = true;
  free_when_unused(launcher);
}

/* Starts the thread and waits until it has a number. 0, or what it failed with. */
static int start_thread(struct launcher *launcher) {
  pthread_attr_t attributes;
  sigset_t all, before;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&launcher->thread, &attributes, work, launcher);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  if (error) return error;
  pthread_mutex_lock(&launcher->lock);
  while (!launcher->tid) pthread_cond_wait(&launcher->changed, &launcher->lock);
  pthread_mutex_unlock(&launcher->lock);
  return 0;
}

/* new Launcher(confined): throws when there can be no further thread. tid: the thread's number. */
static napi_value construct(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value confined, self, name;
  napi_get_cb_info(env, info, &count, &confined, &self, NULL);
  struct launcher *launcher = calloc(1, sizeof *launcher);
  if (!launcher) return NULL;
  napi_get_value_bool(env, confined, &launcher->confined);
  pthread_mutex_init(&launcher->lock, NULL);
  pthread_cond_init(&launcher->changed, NULL);
  napi_create_string_utf8(env, "execgate launcher", NAPI_AUTO_LENGTH, &name);
  napi_create_threadsafe_function(env, NULL, NULL, name, 0, 1, launcher, fall_silent, launcher, tell, &launcher->done);
  napi_unref_threadsafe_function(env, launcher->done);
  if (start_thread(launcher) != 0) {
    launcher->closed = launcher->forgotten = true;
    napi_release_threadsafe_function(launcher->done, napi_tsfn_release);
    napi_throw_error(env, "EAGAIN", "no further thread can be started");
    return NULL;
  }
  napi_wrap(env, self, launcher, forget, NULL, NULL);
  set_number(env, self, "tid", launcher->tid);
  return self;
}

/* spawn(launch, bounds, birthplace, callback): callback(result) when the command runs, or could not be started. */
static napi_value spawn(napi_env env, napi_callback_info info) {
  size_t count = 4;
  napi_value arguments[4], self;
  struct launcher *launcher = NULL;
  napi_get_cb_info(env, info, &count, arguments, &self, NULL);
  napi_unwrap(env, self, (void **)&launcher);
  struct job *job = launcher && !launcher->closed ? calloc(1, sizeof *job) : NULL;
  if (!job) {
    napi_throw_error(env, "EAGAIN", "the launcher can start nothing");
    return NULL;
  }
  bool is_read = read_spawn(env, arguments, &job->spawn);
  napi_create_reference(env, arguments[3], 1, &job->callback);
  if (launcher->under_way++ == 0) napi_ref_threadsafe_function(env, launcher->done);
  if (!is_read) {
    napi_call_threadsafe_function(launcher->done, job, napi_tsfn_nonblocking);
    return NULL;
  }
  pthread_mutex_lock(&launcher->lock);
  if (launcher->first) launcher->last->next = job;
  else launcher->first = job;
  launcher->last = job;
  pthread_cond_signal(&launcher->changed);
  pthread_mutex_unlock(&launcher->lock);
  return NULL;
}

/* close(): ends the thread. What it has started, and was to die with it, is to be gone before. */
static napi_value close_launcher(napi_env env, napi_callback_info info) {
  napi_value self;
  struct launcher *launcher = NULL;
  napi_get_cb_info(env, info, NULL, NULL, &self, NULL);
  napi_unwrap(env, self, (void **)&launcher);
  if (launcher) end(launcher);
  return NULL;
}

void export_launcher(napi_env env, napi_value exports) {
  napi_value constructor;
  const napi_property_descriptor methods[] = {
      {.utf8name = "spawn", .method = spawn, .attributes = napi_default_method},
      {.utf8name = "close", .method = close_launcher, .attributes = napi_default_method},
  };
  napi_define_class(env, "Launcher", NAPI_AUTO_LENGTH, construct, NULL, sizeof methods / sizeof *methods, methods, &constructor);
  napi_set_named_property(env, exports, "Launcher", constructor);
}
