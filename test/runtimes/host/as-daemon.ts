/** Run as root: becomes daemon with one more group, and prints what a host runtime does there. */
import { toExecgateError } from "../../../src/errors.ts";
import { createHost } from "./running.ts";

process.setgroups?.([1, 44]);
process.setgid?.(1);
process.setuid?.(1);

const host = createHost();
const codeOf = (started: Promise<unknown>) => started.then(String, (error: unknown) => toExecgateError(error).code);
const result = {
  plain: await host.lines("id -un; id -G; pwd"),
  own: (await host.lines("id -un", { user: "daemon" }))[0],
  root: await codeOf(host.start({ command: ["true"], user: "root" })),
  missing: await codeOf(host.start({ command: ["true"], user: "nemo" })),
  configured: await codeOf(createHost({ user: "root" }).start({ command: ["true"] })),
  dynamic: await codeOf(createHost({ user: "dynamic" }).runtime.ping(new AbortController().signal)),
  capability: host.runtime.capabilities.user,
};
process.stdout.write(JSON.stringify(result));
