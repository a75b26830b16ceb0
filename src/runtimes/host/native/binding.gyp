{
  "targets": [
    {
      "target_name": "spawn",
      "conditions": [
        ["OS=='linux'", {
          "sources": ["spawn.c", "poll.c", "wait.c"],
          "cflags": ["-std=gnu11", "-O2", "-Wall", "-Wextra"]
        }, { "type": "none" }]
      ]
    }
  ]
}
