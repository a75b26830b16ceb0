import { openGateway } from "../fixtures/gateway.ts";
import { inParallel } from "../fixtures/in-parallel.ts";
import { type Kubectl, KubectlHome } from "../fixtures/kubectl.ts";
import { kubectls } from "../fixtures/kubectl-gateway.ts";
import { promise } from "../fixtures/promise.ts";
import { skipWithout } from "../fixtures/require.ts";

const command = ["exec", "host", "--", "sh", "-c", "seq 60000; exit 3"];
/** What it writes. */
const expected = Array.from({ length: 60_000 }, (_, index) => `${index + 1}\n`).join("");

promise(
  "K1",
  "to kubectl nothing is short, and the exit code is the command's",
  async function* (scale) {
    const runs = scale === "full" ? 200 : 2 * kubectls.length;
    await using served = await openGateway({}, { listen: ["https://127.0.0.1:0"] });
    await using home = await KubectlHome.create(served.url, await served.readState("tls.crt"));
    let wrong = 0;
    await inParallel(2, runs, async (run) => {
      const { status, stdout } = await home.run(kubectls[run % kubectls.length] as Kubectl, command);
      if (status !== 3 || stdout.toString() !== expected) wrong++;
    });
    yield {
      what: `runs of ${runs} of seq 60000; exit 3, over every kubectl, that were not whole`,
      measured: wrong,
      limit: 0,
      unit: "runs",
    };
  },
  { skip: skipWithout("kubectl", kubectls.length > 0) },
);
