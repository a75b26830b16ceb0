import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseGroups, parseMounts } from "../../../src/runtimes/cgroup/mounts.ts";

describe("the hierarchies of control groups", () => {
  test("are found among the mounts, each with its version", () => {
    const text = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
36 31 0:31 / /sys/fs/cgroup/memory rw,relatime shared:2 - cgroup cgroup rw,memory
37 31 0:32 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`;
    assert.deepEqual(parseMounts(text), [
      { root: "/", point: "/sys/fs/cgroup/memory", version: 1, controllers: ["rw", "memory"] },
      { root: "/docker/abc", point: "/sys/fs/cgroup/cpu,cpuacct", version: 1, controllers: ["rw", "cpu", "cpuacct"] },
      { root: "/", point: "/sys/fs/cgroup/unified", version: 2, controllers: [] },
    ]);
  });

  test("say in which group the gateway is, by controller", () => {
    const groups = parseGroups("12:cpu,cpuacct:/a\n1:name=systemd:/\n0::/system.slice/x:y.service\n\n");
    assert.equal(groups.get("cpu"), "/a");
    assert.equal(groups.get("cpuacct"), "/a");
    assert.equal(groups.get(""), "/system.slice/x:y.service");
    assert.equal(groups.get("memory"), undefined);
  });
});
