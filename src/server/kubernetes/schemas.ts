import { type Static, Type } from "../../typebox.ts";
import { execQuery } from "../schemas.ts";

/** What Kubernetes clients send: every parameter that they know of is taken, and those that mean nothing here are let be. */

const strict = { additionalProperties: false } as const;
const text = Type.Optional(Type.String({ maxLength: 4096 }));

const anywhere = { pretty: text, timeout: text };

export const objectQuery = Type.Object({ ...anywhere, resourceVersion: text, includeObject: text }, strict);
export type ObjectQuery = Static<typeof objectQuery>;

export const listQuery = Type.Object(
  {
    ...objectQuery.properties,
    allowWatchBookmarks: text,
    continue: text,
    fieldSelector: text,
    labelSelector: text,
    limit: Type.Optional(Type.String({ pattern: "^[0-9]{1,9}$" })),
    resourceVersionMatch: text,
    sendInitialEvents: text,
    timeoutSeconds: Type.Optional(Type.String({ pattern: "^[0-9]{1,9}$" })),
    watch: text,
  },
  strict,
);
export type ListQuery = Static<typeof listQuery>;

export const createQuery = Type.Object({ ...anywhere, dryRun: text, fieldManager: text, fieldValidation: text }, strict);

const { target: _target, flow: _flow, ...execParameters } = execQuery.properties;

/** That of the gateway's own WebSocket; the pod stands for its target. */
export const podExecQuery = Type.Object({ ...execParameters, ...anywhere }, strict);

const { stdin, stdout, stderr, tty, container } = execParameters;

/** What of it means something for a command that runs. */
export const podAttachQuery = Type.Object({ stdin, stdout, stderr, tty, container, ...anywhere }, strict);

const name = Type.String({ minLength: 1, maxLength: 253 });
export const namespaceParams = Type.Object({ namespace: name });
export const podParams = Type.Object({ namespace: name, name });
export const nameParams = Type.Object({ name });
