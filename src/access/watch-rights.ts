import type { Clock } from "../exec/clock.ts";
import type { Authentication } from "./authentication.ts";
import type { Authorizer } from "./authorizer.ts";
import type { Grants } from "./grants.ts";

/** How often it is asked whether rights still hold, milliseconds: what went on by one that does not is gone within five seconds. */
const checkMs = 1000;

/** Ends what goes on by a credential that expires or is revoked, or by a binding that ends. @returns what ends the watch */
export function watchRights(grants: Grants, authentication: Authentication, authorizer: Authorizer, clock: Clock): () => void {
  let cancel = (): void => undefined;
  const check = (): void => {
    grants.renew((principal) => authentication.current(principal));
    authorizer.reviewBindings();
    cancel = clock.after(checkMs, check);
  };
  cancel = clock.after(checkMs, check);
  return () => cancel();
}
