import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findProgram } from "../../../fixtures/programs.ts";
import { skipWithout } from "../../../fixtures/require.ts";

const execute = promisify(execFile);
const root = new URL("../../../../../", import.meta.url);
const native = fileURLToPath(new URL("src/runtimes/host/native/", root));
const program = fileURLToPath(new URL("test/runtimes/host/native/launch-test.c", root));
const parts = ["launch.c", "launch-packing.c", "launch-watch.c", "clone-into.c"];
const sources = [program, ...parts.map((part) => join(native, part))];

const ways = [
  { name: "as it is", flags: ["-O2"], under: [] },
  { name: "under AddressSanitizer", flags: ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"], under: [] },
  {
    name: "under valgrind",
    flags: ["-g"],
    under: [
      "valgrind",
      "--quiet",
      "--error-exitcode=9",
      "--leak-check=full",
      "--errors-for-leak-kinds=definite",
      "--child-silent-after-fork=yes",
    ],
  },
];

describe("the launch of a command, in C", { timeout: 60_000 }, () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "execgate-launch-"));
  });
  after(() => rm(folder, { recursive: true }));

  for (const { name, flags, under } of ways) {
    const [tool] = under;
    test(`starts, refuses and packs as it should, ${name}`, {
      skip: tool !== undefined && skipWithout(tool, findProgram(tool) !== undefined),
    }, async () => {
      const file = join(folder, name.replaceAll(" ", "-"));
      await execute("cc", ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-pthread", "-I", native, ...flags, "-o", file, ...sources]);
      const [command = "", ...args] = [...under, file, ...(tool ? ["separate"] : [])];
      await execute(command, args);
    });
  }
});
