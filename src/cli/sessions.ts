import { parseFlagsAlone } from "./arguments.ts";
import { findEndpoint } from "./endpoint.ts";
import type { ClientIo } from "./io.ts";
import { printList, queryOf } from "./list.ts";

interface SessionItem {
  readonly id: string;
  readonly state: string;
  readonly outcome: string | null;
  readonly exitCode: number | null;
  readonly principal: string;
  readonly target: string;
  readonly command: readonly string[];
  readonly clients: readonly unknown[];
  readonly createdAt: string;
}

const columns = {
  ID: ({ id }: SessionItem) => id,
  STATE: ({ state, outcome, exitCode }: SessionItem) => (state === "ended" ? `${outcome} ${exitCode ?? ""}`.trim() : state),
  TARGET: ({ target }: SessionItem) => target,
  OWNER: ({ principal }: SessionItem) => principal,
  CLIENTS: ({ clients }: SessionItem) => String(clients.length),
  STARTED: ({ createdAt }: SessionItem) => createdAt.replace(/\.\d+Z$/, "Z"),
  COMMAND: ({ command }: SessionItem) => (command.length === 0 ? "(login shell)" : command.join(" ")),
};

/** `execgate sessions`: what runs and what has ended lately, as far as the caller may see it. */
export async function sessions(args: readonly string[], io: ClientIo): Promise<number> {
  const values = parseFlagsAlone(args, { json: { type: "boolean" }, target: { type: "string" }, state: { type: "string" } });
  const path = `/v1/sessions${queryOf({ target: values.target, state: values.state })}`;
  return await printList(findEndpoint(values, io.env), { path, key: "sessions", columns }, values.json === true, io);
}
