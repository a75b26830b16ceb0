import type { Signal } from "../../exec/runtime.ts";

/**
 * What is asked of a container from within, by a shell of its own, where its processes cannot be reached from outside. Builtins do all
 * of it. `$1` is the pid of the command in the container, `$2` the text that its environment has.
 */
const stat = `
eg_stat() {
  eg_line=
  { read -r eg_line </proc/$1/stat; } 2>/dev/null || return
  set -- \${eg_line##*) }
  eg_state=$1 eg_parent=$2 eg_group=$3 eg_session=$4 eg_foreground=$6
}
`;

/** Ends whoever has the command's session, its mark in the environment, or a parent that was ended; says how many were left. */
const kill = `${stat}
eg_pid=$1 eg_mark=$2 eg_seen=" $1 "
eg_marked() {
  while IFS= read -r eg_line; do
    case $eg_line in *"$eg_mark"*) return ;; esac
  done <"$1/environ"
  case $eg_line in *"$eg_mark"*) return ;; esac
  return 1
}
eg_round=0
while [ $eg_round -lt 30 ]; do
  eg_round=$((eg_round + 1)) eg_left=0
  for eg_proc in /proc/[0-9]*; do
    eg_one=\${eg_proc#/proc/}
    [ "$eg_one" != $$ ] && [ "$eg_one" != 1 ] && eg_stat "$eg_one" && [ "$eg_state" != Z ] || continue
    case $eg_seen in *" $eg_one "* | *" $eg_parent "*) ;; *)
      [ "$eg_session" = "$eg_pid" ] || eg_marked "$eg_proc" 2>/dev/null || continue ;;
    esac
    eg_seen="$eg_seen$eg_one "
    eg_left=$((eg_left + 1))
    kill -KILL "$eg_one" 2>/dev/null
  done
  [ $eg_left -gt 0 ] || break
done
echo $eg_left
`;

/** Sends `$3` to the foreground group of the command's terminal, or to its own group. */
const signal = `${stat}
eg_stat "$1" || exit 0
eg_to=$eg_group
[ "$4" != tty ] || eg_to=$eg_foreground
kill -s "$3" -- "-$eg_to"
`;

export function killCommand(pid: number, mark: string): string[] {
  return ["/bin/sh", "-c", kill, "sh", String(pid), mark];
}

export function signalCommand(pid: number, mark: string, name: Signal, isTerminal: boolean): string[] {
  return ["/bin/sh", "-c", signal, "sh", String(pid), mark, name.slice(3), isTerminal ? "tty" : ""];
}
