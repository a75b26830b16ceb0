/**
 * The gate: a shell that stands between the exec of Kubernetes and the command. Kubernetes knows neither environment nor
 * working directory nor the process that it started, and starts the command before anybody can look at what it was
 * started in. The gate waits for the word on its stdin, sets what is to be set, says where it stands and whether the
 * command is there, and becomes the command.
 *
 * It needs a POSIX shell and nothing else: every word of it is built in. Values come to it on stdin and as arguments,
 * never in the script, so that nothing is interpreted and no value of `env` stands in a command line or an audit trail.
 */
import type { ExecSpec } from "../../exec/runtime.ts";
import type { InsideProcess } from "../container/inside.ts";
import { lookup } from "../container/lookup.ts";

/**
 * Its arguments: the cookie, then the command. Its variables begin with `execgate_`, since those of the command are set
 * beside them.
 */
const script = `
execgate_cookie=$1 execgate_path=$PATH execgate_env=0 execgate_part= execgate_dir= execgate_size= execgate_input= execgate_go=
shift
while IFS= read -r execgate_line; do
  execgate_text=$execgate_part\${execgate_line#?} execgate_part=
  case $execgate_line in
    +*) execgate_part=$execgate_text ;;
    e*) execgate_text=$(printf '%b.' "$execgate_text"); set -- "\${execgate_text%.}" "$@"; execgate_env=$((execgate_env + 1)) ;;
    d*) execgate_text=$(printf '%b.' "$execgate_text"); execgate_dir=\${execgate_text%.} ;;
    s*) execgate_size=$execgate_text ;;
    n*) execgate_input=none ;;
    g*) execgate_go=yes; break ;;
    *) exit 0 ;;
  esac
done
[ "$execgate_go" ] || exit 0
execgate_started() {
  execgate_at=0
  { IFS= read -r execgate_line; } 2>/dev/null <"/proc/$1/stat" || return 0
  set -- \${execgate_line##*) }
  execgate_at=\${20:-0}
}
execgate_started 1; execgate_init=$execgate_at
execgate_started "$$"
execgate_say() { printf '%s %s %s %s %s\\n' "$execgate_cookie" "$1" "$$" "$execgate_at" "$execgate_init"; }
[ "$execgate_size" ] && stty $execgate_size 2>/dev/null
if [ "$execgate_dir" ]; then cd -- "$execgate_dir" 2>/dev/null || { execgate_say cwd; exit 126; }; fi
while [ "$execgate_env" -gt 0 ]; do export "$1"; shift; execgate_env=$((execgate_env - 1)); done
export EXECGATE_EXEC="$execgate_cookie"
${lookup}
if [ $# -eq 0 ]; then execgate_find bash "$execgate_path" && set -- "$execgate_found" || set -- sh; fi
execgate_find "$1" "$execgate_path" || { execgate_say "$execgate_why"; exit 127; }
[ "$PATH" = "$execgate_path" ] || { shift; set -- "$execgate_found" "$@"; }
execgate_say ready
if [ "$execgate_input" ]; then exec "$@" </dev/null; else exec "$@"; fi
`;

/** What the API server is asked to run for `command`. */
export function gateCommand(cookie: string, command: readonly string[]): readonly string[] {
  return ["sh", "-c", script, "execgate", cookie, ...command];
}

/** Sent instead of the word, it ends the gate. */
export const turnAway: Buffer = Buffer.from("q\n");

/** A terminal takes no longer line; in UTF-8 a character has up to four bytes. */
const lineLengthMax = 900;

/** What the gate is told: the settings of `spec`, and that it may go. */
export function gateWord({ env, cwd, tty, stdin }: ExecSpec): Buffer {
  const variables = { ...(tty && { TERM: "xterm-256color" }), ...env };
  const lines = [
    ...Object.entries(variables).flatMap(([name, value]) => record("e", `${name}=${value}`)),
    ...(cwd === undefined ? [] : record("d", cwd)),
    ...(tty === undefined ? [] : [`srows ${tty.rows} cols ${tty.cols}`]),
    // On a terminal the end of the input is a character of its own.
    ...(stdin || tty !== undefined ? [] : ["n"]),
    "g",
  ];
  return Buffer.from(`${lines.join("\n")}\n`);
}

/** A value on lines: what a shell's `printf %b` or a terminal would take for something else is written by its number. */
function record(kind: string, value: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that terminals act upon
  const plain = value.replace(/[\\\x00-\x1f\x7f]/g, (character) => `\\0${character.charCodeAt(0).toString(8).padStart(3, "0")}`);
  const pieces = plain.match(new RegExp(`[^]{1,${lineLengthMax}}`, "gu")) ?? [""];
  const last = pieces.pop() ?? "";
  return [...pieces.map((piece) => `+${piece}`), `${kind}${last}`];
}

/** What the gate says of itself, and of the command. */
export interface GateSaid {
  readonly verdict: "ready" | "missing" | "denied" | "cwd";
  readonly process: InsideProcess;
}

/**
 * Looks for the gate's line. What stands before it is a terminal's echo of the word; what stands behind is the command's.
 * @returns undefined while the line is not whole
 */
export function readGate(cookie: string, bytes: Buffer): { said: GateSaid; rest: Buffer } | undefined {
  const text = bytes.toString("latin1");
  const found = new RegExp(`${cookie} (ready|missing|denied|cwd) (\\d+) (\\d+) (\\d+)\\r?\\n`).exec(text);
  if (found === null) return undefined;
  const [line, verdict, pid, started, init] = found;
  const process = { cookie, pid: Number(pid), startedTicks: Number(started), initTicks: Number(init) };
  return { said: { verdict: verdict as GateSaid["verdict"], process }, rest: bytes.subarray(found.index + line.length) };
}
