import { countShort } from "../bench/completeness.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { promise } from "../fixtures/promise.ts";

promise("C4", "of seq 60000 and END nothing is short, and the exit message is the last", async function* (scale) {
  const runs = scale === "full" ? 1000 : 60;
  await using gateway = await GatewayProcess.spawn();
  const port = Number(new URL(await gateway.url()).port);
  for (const kind of ["tty", "pipe"] as const) {
    const short = await countShort(port, kind === "tty", runs);
    yield { what: `runs of ${runs} that were not complete, ${kind}`, measured: short, limit: 0, unit: "runs" };
  }
});
