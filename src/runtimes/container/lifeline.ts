import { randomBytes } from "node:crypto";
import { Guard } from "./guard.ts";

/** Reads directories, one a line, until the gateway is gone; then it ends and removes the gateway's groups in all of them. */
const script = `
while read -r directory; do set -- "$@" "$directory"; done
for directory; do
  for group in "$directory/$0"-*; do [ ! -e "$group" ] || echo 1 >"$group/cgroup.kill"; done
done
sleep 0.2
for directory; do
  for group in "$directory/$0"-*; do [ ! -e "$group" ] || rmdir "$group"; done
done
`;

/** Ends the gateway's groups in containers when the gateway is gone, in whichever way. */
export class Lifeline {
  readonly #prefix = `execgate-${randomBytes(6).toString("hex")}`;
  readonly #directories = new Set<string>();
  readonly #guard = new Guard(script, this.#prefix);

  /** What a group is to be called so that it is the gateway's. */
  groupName(mark: string): string {
    return `${this.#prefix}-${mark}`;
  }

  /** Watches over the gateway's groups in `directory` from here on. */
  guard(directory: string): void {
    if (this.#directories.has(directory)) return;
    this.#directories.add(directory);
    this.#guard.tell(directory);
  }

  /** Lets the guard do its work now. */
  close(): void {
    this.#guard.close();
  }
}
