{
  "target_defaults": { "cflags": ["-std=gnu11", "-O2", "-Wall", "-Wextra"] },
  "targets": [
    {
      "target_name": "spawn",
      "conditions": [
        ["OS=='linux'", { "sources": ["spawn.c", "launch.c", "launch-packing.c", "poll.c", "wait.c"] }, { "type": "none" }]
      ]
    },
    {
      "target_name": "supervisor",
      "conditions": [
        ["OS=='linux'", { "type": "executable", "sources": ["supervisor.c", "launch.c", "launch-packing.c"] }, { "type": "none" }]
      ]
    }
  ]
}
