import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createRequester } from "../fixtures/gateway.ts";
import { kubectls, nameOf, newestKubectl, serveKubectls } from "../fixtures/kubectl-gateway.ts";
import { skipWithout } from "../fixtures/require.ts";
import { hasTmux, Tmux } from "../fixtures/tmux.ts";
import { until } from "../fixtures/until.ts";

const gateway = serveKubectls();
const skip = skipWithout("kubectl", kubectls.length > 0) || skipWithout("tmux", hasTmux);

/** What asks the gateway without TLS. */
const request = () => createRequester(gateway.served.gateway.urls[1] ?? "");

async function clientsOf(pod: string): Promise<number> {
  const { json } = await request()(`/v1/sessions/${pod.toUpperCase()}`);
  return (json as { clients: unknown[] }).clients.length;
}

/** Starts a session, as its owner, and gives back its pod's name. */
async function startSession(body: object): Promise<string> {
  const { json, text } = await request()("/v1/sessions", { method: "POST", body });
  assert.ok(json !== undefined, text);
  return (json as { id: string }).id.toLowerCase();
}

describe("kubectl in a terminal", { skip, concurrency: 2 }, () => {
  for (const kubectl of kubectls) {
    test(`${nameOf(kubectl)}: exec -it has the size of the terminal, also when it changes`, async () => {
      const command = `'${kubectl.path}' exec -it host -- sh; echo "it said $?"; sleep 60`;
      await using tmux = await Tmux.open(command, gateway.home.env, 100, 30);
      await tmux.shows(/^\$ ?$/m);
      await tmux.type("stty size; [ -t 0 ] && echo $TERM");
      await tmux.shows(/^30 100\nxterm$/m);
      await tmux.resize(70, 20);
      // A size travels beside what is typed, and is there when the shell has it.
      await tmux.type("until [ \"$(stty size)\" = '20 70' ]; do sleep 0.05; done; stty size; exit 4");
      await tmux.shows(/^20 70$/m);
      await tmux.shows(/^it said 4$/m);
    });

    test(`${nameOf(kubectl)}: attach -it joins a session, and says how it ended`, async () => {
      const pod = await startSession({ command: ["sh"], tty: true, stdin: true, keepMs: 60_000 });
      const command = `'${kubectl.path}' attach -it -n sessions ${pod}; echo "it said $?"; sleep 60`;
      await using tmux = await Tmux.open(command, gateway.home.env, 90, 25);
      await tmux.shows(/^\$ ?$/m);
      await tmux.type("until [ \"$(stty size)\" = '25 90' ]; do sleep 0.05; done; stty size; exit 5");
      await tmux.shows(/^25 90$/m);
      await tmux.shows(/^it said 5$/m);
    });
  }

  test("^C reaches the command", async () => {
    const command = `'${newestKubectl().path}' exec -it host -- sh -c 'trap "echo caught; exit 6" INT; echo ready; while :; do sleep 0.1; done'; echo "it said $?"; sleep 60`;
    await using tmux = await Tmux.open(command, gateway.home.env, 80, 24);
    await tmux.shows(/^ready$/m);
    await tmux.press("C-c");
    await tmux.shows(/caught\n(.*\n)?it said 6$/m);
  });
});

describe("kubectl attach", { skip: skipWithout("kubectl", kubectls.length > 0), concurrency: 2 }, () => {
  for (const kubectl of kubectls) {
    test(`${nameOf(kubectl)}: without -i it watches, with -i it writes`, async () => {
      const pod = await startSession({ command: ["sh", "-c", "read x; echo got $x; exit 9"], stdin: true, keepMs: 60_000 });
      const viewer = gateway.home.run(kubectl, ["attach", "-n", "sessions", pod]);
      await until("viewer", async () => (await clientsOf(pod)) === 1);
      const writer = await gateway.home.run(kubectl, ["attach", "-i", "-n", "sessions", pod], "a word\n");
      for (const end of [writer, await viewer]) {
        assert.equal(end.status, 9, end.stderr);
        assert.equal(end.stdout.toString(), "got a word\n");
      }
    });
  }

  test("get pods -w tells of sessions that come and go", async (t) => {
    const child = gateway.home.spawn(newestKubectl(), ["get", "pods", "-n", "sessions", "-w", "--output-watch-events"]);
    t.after(() => child.kill("SIGKILL"));
    let told = "";
    child.stdout.on("data", (text: Buffer) => {
      told += text;
    });
    const pod = await startSession({ command: ["cat"], stdin: true, keepMs: 60_000 });
    await until("word of its coming", () => new RegExp(`^ADDED +${pod}`, "m").test(told));
    await request()(`/v1/sessions/${pod.toUpperCase()}`, { method: "DELETE" });
    await until("word of its end", () => new RegExp(`^DELETED +${pod}`, "m").test(told));
  });
});
