import { parseFlagsAlone } from "./arguments.ts";
import { findEndpoint } from "./endpoint.ts";
import type { ClientIo } from "./io.ts";
import { printList, queryOf } from "./list.ts";

interface TargetItem {
  readonly id: string;
  readonly runtime: string;
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
}

const columns = {
  ID: ({ id }: TargetItem) => id,
  RUNTIME: ({ runtime }: TargetItem) => runtime,
  STATE: ({ state }: TargetItem) => state,
  LABELS: ({ labels }: TargetItem) =>
    Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
};

/** `execgate targets`: where commands can run. */
export async function targets(args: readonly string[], io: ClientIo): Promise<number> {
  const values = parseFlagsAlone(args, { json: { type: "boolean" }, runtime: { type: "string" } });
  const path = `/v1/targets${queryOf({ runtime: values.runtime })}`;
  return await printList(findEndpoint(values, io.env), { path, key: "targets", columns }, values.json === true, io);
}
