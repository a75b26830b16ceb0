import { Guard } from "../container/guard.ts";
import type { Marks } from "./mark.ts";

/** Waits for the gateway's end; then it kills whoever has a mark from `$0` to `$1`, and looks again until nobody has. */
const script = `
while read -r line; do :; done
round=0
while [ $round -lt 40 ]; do
  pids=$(
    grep -s '^Max realtime timeout' /proc/[0-9]*/limits | while read -r file word word soft hard unit; do
      case $hard in *[!0-9]*) continue ;; esac
      [ "$hard" -lt "$0" ] || [ "$hard" -gt "$1" ] || { pid=\${file#/proc/}; echo "\${pid%%/*}"; }
    done
  )
  [ -n "$pids" ] || break
  kill -KILL $pids 2>/dev/null
  sleep 0.05
  round=$((round + 1))
done
`;

/** Ends every marked process of this gateway when the gateway is gone, in whichever way. */
export class MarkGuard {
  readonly #guard: Guard;
  #isStarted = false;

  constructor(marks: Marks) {
    this.#guard = new Guard(script, ...marks.range.map(String));
  }

  /** Called before something is marked. */
  watch(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#guard.tell("");
  }

  close(): void {
    this.#guard.close();
  }
}
