{
  "target_defaults": { "cflags": ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-pthread"], "ldflags": ["-pthread"] },
  "targets": [
    {
      "target_name": "spawn",
      # The watcher's thread outlives a worker that loaded it.
      "ldflags": ["-Wl,-z,nodelete"],
      "conditions": [
        ["OS=='linux'", { "sources": ["spawn.c", "launch.c", "launch-packing.c", "launch-watch.c", "path.c", "pidfd.c", "poll.c", "wait.c"] }, { "type": "none" }]
      ]
    },
    {
      "target_name": "supervisor",
      "conditions": [
        ["OS=='linux'", { "type": "executable", "sources": ["supervisor.c", "launch.c", "launch-packing.c", "launch-watch.c"] }, { "type": "none" }]
      ]
    }
  ]
}
