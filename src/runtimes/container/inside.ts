/**
 * Scripts that reach a command and what it brought forth from inside its container, through an exec of their own, where its
 * processes cannot be reached from outside. A POSIX shell is all that they need.
 */
import { constants } from "node:os";
import type { Signal } from "../../exec/runtime.ts";

/** A command as its own container sees it. */
export interface InsideProcess {
  /** A text that nobody else's environment has. */
  readonly cookie: string;
  /** Its process id, which is also that of its group and session; 0 when nobody told. */
  readonly pid: number;
  /** When it started, in ticks since the machine's start; 0 when nobody told. */
  readonly startedTicks: number;
  /** The same of the container's first process. */
  readonly initTicks: number;
}

/**
 * Sets `state`, `parent`, `group`, `session`, `foreground` and `started` of a process, or fails. The name of a program
 * may hold anything, line breaks and brackets too: what is looked at begins behind the last bracket.
 */
const readStat = `
stat() {
  text=
  while IFS= read -r line || [ "$line" ]; do text="$text $line"; done 2>/dev/null <"/proc/$1/stat" || return 1
  set -- \${text##*) }
  [ $# -ge 20 ] || return 1
  state=$1 parent=$2 group=$3 session=$4 foreground=$6 started=\${20}
}
holds() {
  while IFS= read -r line || [ "$line" ]; do case $line in *"$cookie"*) return 0 ;; esac; done 2>/dev/null <"/proc/$1/$2"
  return 1
}
`;

/**
 * Kills until it sees nothing of the command any more. The command's are: its group and session, whoever has its cookie
 * in the environment (or, as the gate, among the arguments), and their children. Only processes that started no earlier
 * than the command come into question, and a number that has been given to another process since is not taken for the
 * command's. Whoever was found once stays known: one that is on its way out shows no environment any more. The cookie
 * comes in halves, the second first, so that the script does not find itself.
 *
 * Arguments: the cookie's second and first half, the command's pid, its start, the start of the container's init.
 * It says `gone` when no process is left that started after the command, `unseen` when there are some that cannot be told
 * to be the command's, `left` when some of its own do not go.
 */
const killScript = `${readStat}
cookie=$2$1 leader=$3 since=$4 init=$5
if stat 1 && [ "$init" -gt 0 ] && [ "$started" != "$init" ]; then echo gone; exit; fi
round=0 known=" "
while [ $round -lt 100 ]; do
  round=$((round + 1)) mine=" " all=
  owner=$leader
  if [ "$since" -gt 0 ] && stat "$leader" && [ "$started" != "$since" ]; then owner=0; fi
  for path in /proc/[0-9]*; do
    pid=\${path#/proc/}
    [ "$pid" != "$$" ] && stat "$pid" && [ "$started" -ge "$since" ] || continue
    case $state in Z | X) continue ;; esac
    all="$all $pid:$parent:$started"
    case $known in *" $pid:$started "*) mine="$mine$pid " && continue ;; esac
    if [ "$owner" -gt 0 ] && { [ "$group" = "$owner" ] || [ "$session" = "$owner" ]; } || holds "$pid" environ || holds "$pid" cmdline
    then mine="$mine$pid " known="$known$pid:$started "; fi
  done
  grown=yes
  while [ "$grown" ]; do
    grown=
    for entry in $all; do
      pid=\${entry%%:*} parent=\${entry#*:}
      case $mine in *" $pid "*) continue ;; esac
      case $mine in *" \${parent%:*} "*) mine="$mine$pid " known="$known$pid:\${parent#*:} " grown=yes ;; esac
    done
  done
  if [ "$mine" = " " ]; then
    if [ "$all" ] || [ "$since" = 0 ]; then echo unseen; else echo gone; fi
    exit
  fi
  kill -9 $mine 2>/dev/null
done
echo left
`;

/** Arguments: the command's pid and start, the signal's number, and whether the terminal's foreground group is meant. */
const signalScript = `${readStat}
stat "$1" || exit 0
if [ "$2" -gt 0 ] && [ "$started" != "$2" ]; then exit; fi
if [ "$4" = tty ] && [ "$foreground" -gt 0 ]; then group=$foreground; fi
kill -s "$3" -- "-$group"
`;

/** What is run to end all of `process`. */
export function killCommand({ cookie, pid, startedTicks, initTicks }: InsideProcess): readonly string[] {
  const half = cookie.length / 2;
  const numbers = [pid, startedTicks, initTicks].map(String);
  return ["sh", "-c", killScript, "execgate-kill", cookie.slice(half), cookie.slice(0, half), ...numbers];
}

/** What is run to send a signal to the command's group, or to the one that has its terminal. */
export function signalCommand(process: InsideProcess, name: Signal, isTerminal: boolean): readonly string[] {
  const numbers = [process.pid, process.startedTicks, constants.signals[name]].map(String);
  return ["sh", "-c", signalScript, "execgate-signal", ...numbers, isTerminal ? "tty" : "pipes"];
}
