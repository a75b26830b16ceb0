import { fileURLToPath } from "node:url";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { loadSync, type MethodDefinition, type ServiceDefinition } from "@grpc/proto-loader";
import { ApiError } from "./api-error.ts";

/** Bytes with a name of what they are; a container's spec is one, of JSON. */
export interface Any {
  readonly typeUrl: string;
  readonly value: Buffer;
}

export interface Container {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: Any | null;
}

/** A container's running part. */
export interface Task {
  readonly id: string;
  /** Of the first process, as containerd sees it. */
  readonly pid: number;
  readonly status: "UNKNOWN" | "CREATED" | "RUNNING" | "STOPPED" | "PAUSED" | "PAUSING";
}

/** Something that happened, by what it is called, such as `/tasks/exit`. */
export interface Envelope {
  readonly topic: string;
  readonly event: Any | null;
}

/** Names an exec process; every call about one has these. */
export interface ExecId {
  readonly containerId: string;
  readonly execId: string;
}

/** The calls that are used: what each is given and answers, by service and name. */
interface Calls {
  "containers.v1.Containers/Get": [{ readonly id: string }, { readonly container: Container }];
  "containers.v1.Containers/List": [{ readonly filters: readonly string[] }, { readonly containers: readonly Container[] }];
  "tasks.v1.Tasks/Get": [{ readonly containerId: string }, { readonly process: Task }];
  "tasks.v1.Tasks/List": [object, { readonly tasks: readonly Task[] }];
  "tasks.v1.Tasks/Exec": [ExecId & { stdin: string; stdout: string; stderr: string; terminal: boolean; spec: Any }, object];
  "tasks.v1.Tasks/Start": [ExecId, { readonly pid: number }];
  "tasks.v1.Tasks/Wait": [ExecId, { readonly exitStatus: number }];
  "tasks.v1.Tasks/Kill": [ExecId & { readonly signal: number }, object];
  "tasks.v1.Tasks/ResizePty": [ExecId & { readonly width: number; readonly height: number }, object];
  "tasks.v1.Tasks/CloseIO": [ExecId & { readonly stdin: boolean }, object];
  "tasks.v1.Tasks/DeleteProcess": [ExecId, object];
  "version.v1.Version/Version": [object, { readonly version: string }];
  "events.v1.Events/Subscribe": [{ readonly filters: readonly string[] }, Envelope];
}

export interface CallOptions {
  /** How long the answer may take, milliseconds; 0 is for ever. Default: 4000, so that who waits is told within 5 s */
  readonly msMax?: number;
  readonly signal?: AbortSignal;
}

const callMsMax = 4000;

/** The files lie beside the source, which is four folders above the compiled module. */
const protoDir = fileURLToPath(new URL("../../../../src/runtimes/containerd/proto/", import.meta.url));

/**
 * containerd over its socket. @grpc/grpc-js is the client that the gRPC project itself keeps, without native code; it connects
 * when it is first asked, and again whenever the daemon is back.
 */
export class Api {
  readonly #client: Client;
  readonly #definitions = loadSync(["containers.proto", "events.proto", "tasks.proto", "version.proto"], {
    includeDirs: [protoDir],
    defaults: true,
    enums: String,
  });

  /** @param socket the path of containerd's socket */
  constructor(socket: string) {
    this.#client = new Client(`unix:${socket}`, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.initial_reconnect_backoff_ms": 50,
      "grpc.max_reconnect_backoff_ms": 500,
      "grpc.max_receive_message_length": 64 * 1024 * 1024,
    });
  }

  /** @throws ApiError, also when there is no answer in time; the reason of `signal` when it aborts */
  async call<Name extends keyof Calls>(
    name: Name,
    namespace: string,
    request: Calls[Name][0],
    { msMax = callMsMax, signal }: CallOptions = {},
  ): Promise<Calls[Name][1]> {
    signal?.throwIfAborted();
    const { path, requestSerialize, responseDeserialize } = this.#method(name);
    const metadata = new Metadata();
    if (namespace !== "") metadata.set("containerd-namespace", namespace);
    const deadline = msMax === 0 ? Number.POSITIVE_INFINITY : Date.now() + msMax;
    return await new Promise((resolve, reject) => {
      const call = this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        { deadline },
        (error, reply) => {
          signal?.removeEventListener("abort", cancel);
          if (error === null) resolve(reply as Calls[Name][1]);
          else if (signal?.aborted) reject(signal.reason);
          else reject(new ApiError(error.code ?? status.UNKNOWN, error.details));
        },
      );
      const cancel = (): void => call.cancel();
      signal?.addEventListener("abort", cancel, { once: true });
    });
  }

  /**
   * Has what happens told to `heard`, until `over` says that it is told no more: the daemon is gone, or was never there.
   * @returns ends it
   */
  subscribe(filters: readonly string[], heard: (envelope: Envelope) => void, over: () => void): () => void {
    const { path, requestSerialize, responseDeserialize } = this.#method("events.v1.Events/Subscribe");
    const stream = this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { filters }, new Metadata());
    stream.on("data", heard);
    // The status that follows tells the same.
    stream.on("error", () => {});
    stream.once("status", over);
    return () => stream.cancel();
  }

  close(): void {
    this.#client.close();
  }

  #method(name: keyof Calls): MethodDefinition<object, object> {
    const [service = "", method = ""] = name.split("/");
    const definition = (this.#definitions[`containerd.services.${service}`] as ServiceDefinition)[method];
    if (definition === undefined) throw new Error(`the proto files have no ${name}`);
    return definition as MethodDefinition<object, object>;
  }
}
