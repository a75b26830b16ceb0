import type { ExitMessage } from "../wire/codec.ts";

/** How a connection ended, as far as this side knows. Only `exit` says anything about the command's own end. */
export type ConnectionEnd =
  | { readonly kind: "exit"; readonly exit: ExitMessage }
  | { readonly kind: "error"; readonly code: string; readonly message: string }
  /** Left by `detach()`: the session stays for its `keepMs`. */
  | { readonly kind: "detached" }
  /** Closed by `close()` of this side. */
  | { readonly kind: "closed" }
  /** Closed by the other side or the network; `opened` is false when the server never let it in. 4400 also for an answer that makes no sense. */
  | { readonly kind: "lost"; readonly closeCode: number; readonly reason: string; readonly opened: boolean };
