/** The subprotocols that the gateway speaks. A new one is a codec in this folder and a row in the table. */
import type { CodecOptions, ServerCodec } from "./codec.ts";
import { createServerCodec } from "./execgate-v1.ts";
import { createKubernetesCodec } from "./kubernetes-channel.ts";

export { bearerFromSubprotocol, bearerPrefix, encodeBearerSubprotocol, sharePrefix, ticketPrefix } from "./credentials.ts";

export const nativeSubprotocol = "v1.execgate";
const kubernetesV5Subprotocol = "v5.channel.k8s.io";
const kubernetesV4Subprotocol = "v4.channel.k8s.io";

export type Subprotocol = typeof nativeSubprotocol | typeof kubernetesV5Subprotocol | typeof kubernetesV4Subprotocol;

/** Name → the server's codec for one connection. */
export const subprotocols: Readonly<Record<Subprotocol, (options: CodecOptions) => ServerCodec>> = {
  [nativeSubprotocol]: createServerCodec,
  [kubernetesV5Subprotocol]: (options) => createKubernetesCodec(5, options),
  [kubernetesV4Subprotocol]: (options) => createKubernetesCodec(4, options),
};

/** The first that is known of those that a client offers, which puts them in its own order; undefined when there is none. */
export function selectSubprotocol(offered: readonly string[]): Subprotocol | undefined {
  return offered.find((name): name is Subprotocol => Object.hasOwn(subprotocols, name));
}
