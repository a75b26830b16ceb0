import { dial } from "../fixtures/exec-client.ts";
import type { ExecAnswer } from "../fixtures/gateway.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { promise } from "../fixtures/promise.ts";

const terminals = 50;

/** What a command says of itself: its descriptors, its status and its environment. `ls` has the folder that it lists open, too. */
const script = "ls /proc/self/fd | tr '\\n' ' '; echo; cat /proc/self/status; echo ENVIRONMENT; env";

/** Lines of /proc/self/status, and the one value that each must have for a command of nobody. */
const expectedAsNobody: Readonly<Record<string, string>> = {
  Uid: "65534 65534 65534 65534",
  Gid: "65534 65534 65534 65534",
  Groups: "",
};

const expectedOfAll: Readonly<Record<string, string>> = {
  CapInh: "0000000000000000",
  CapPrm: "0000000000000000",
  CapEff: "0000000000000000",
  CapAmb: "0000000000000000",
  NoNewPrivs: "1",
  SigBlk: "0000000000000000",
  SigIgn: "0000000000000000",
};

const allowedNames = new Set(["HOME", "PATH", "USER", "LOGNAME", "SHELL", "LANG", "TERM", "PWD", "OLDPWD", "_", "SHLVL"]);

promise("C6", "a command has descriptors 0, 1 and 2, and nothing else of the gateway's", async function* () {
  const isRoot = process.getuid?.() === 0;
  await using gateway = await GatewayProcess.spawn({ env: { GATEWAY_SECRET: "canary-of-the-gateway" } });
  const [url, request] = [await gateway.url(), await gateway.requester()];
  const others = await Promise.all(Array.from({ length: terminals }, () => dial(`${url}/v1/exec?command=cat&tty=1`)));
  await Promise.all(others.map((other) => other.control("attached")));
  // Only root has a bounding set to give up.
  const expected = { ...expectedOfAll, ...(isRoot && { ...expectedAsNobody, CapBnd: "0000000000000000" }) };
  for (const tty of [false, true]) {
    const { json } = await request("/v1/exec", { method: "POST", body: { command: ["sh", "-c", script], tty } });
    const text = (json as ExecAnswer).stdout.data.replaceAll("\r", "");
    const [status = "", environment = ""] = text.split("ENVIRONMENT\n");
    const [descriptors = ""] = status.split("\n");
    const where = `${tty ? "tty" : "pipe"}, ${terminals} terminals open`;
    const foreign = descriptors
      .trim()
      .split(" ")
      .filter((fd) => !["0", "1", "2", "3"].includes(fd));
    yield { what: `descriptors but 0, 1, 2 and that of ls, ${where}`, measured: foreign.length, limit: 0, unit: "fds" };
    const wrong = Object.entries(expected).filter(([name, value]) => valueIn(status, name) !== value);
    const named = wrong.map(([name]) => ` ${name}=${valueIn(status, name)}`).join("");
    yield {
      what: `ids, groups, capabilities and signals not as declared, ${where}${named}`,
      measured: wrong.length,
      limit: 0,
      unit: "lines",
    };
    const names = environment
      .trim()
      .split("\n")
      .map((line) => line.split("=")[0] ?? "");
    const unknown = names.filter((name) => !allowedNames.has(name)).length + (text.includes("canary") ? 1 : 0);
    yield { what: `variables that are not on the list, ${where}`, measured: unknown, limit: 0, unit: "names" };
  }
  for (const other of others) other[Symbol.dispose]();
});

function valueIn(status: string, name: string): string | undefined {
  return new RegExp(`^${name}:[ \t]*(.*)$`, "m").exec(status)?.[1]?.trim().replaceAll("\t", " ");
}
