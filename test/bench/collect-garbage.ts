import { once } from "node:events";
import { WebSocket } from "ws";

/** Makes a Node process that was started with `--inspect` collect its garbage. @param url the address of its inspector */
export async function collectGarbage(url: string): Promise<void> {
  const inspector = new WebSocket(url);
  await once(inspector, "open");
  const answered = once(inspector, "message");
  inspector.send(JSON.stringify({ id: 1, method: "HeapProfiler.collectGarbage" }));
  await answered;
  inspector.close();
  await once(inspector, "close");
}
