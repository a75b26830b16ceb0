{
  "target_defaults": { "cflags": ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-pthread"], "ldflags": ["-pthread"] },
  "variables": { "launch": ["launch.c", "launch-packing.c", "launch-watch.c", "clone-into.c"] },
  "targets": [
    {
      "target_name": "spawn",
      # Their threads outlive a worker that loaded it.
      "ldflags": ["-Wl,-z,nodelete"],
      "conditions": [
        ["OS=='linux'", { "sources": ["<@(launch)", "addon.c", "launcher.c", "path.c", "pidfd.c", "poll.c", "spawn.c", "spawn-options.c", "wait.c"] }, { "type": "none" }]
      ]
    },
    {
      "target_name": "supervisor",
      "conditions": [
        ["OS=='linux'", { "type": "executable", "sources": ["<@(launch)", "supervisor.c"] }, { "type": "none" }]
      ]
    }
  ]
}
