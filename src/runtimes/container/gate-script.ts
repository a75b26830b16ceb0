import { lookup } from "./lookup.ts";

/**
 * What stands before a command in a container, for any POSIX shell and with its builtins alone: nothing is forked, so that it works
 * where there is room for one process only, and where the image has nothing but a shell.
 *
 * `$0` is the word by which its announcements on stderr are known; then come the target's PATH, the directory to start in, what a
 * login shell is told on a terminal, and the command. It announces `missing`, `denied` or `cwd` and ends, or `ready` with its pid
 * and waits for a line on stdin; an end of the input ends it. `passed` is the last that it says before it becomes the command.
 */
export const gateScript = `
execgate_say() { echo "execgate $0 $*" >&2; }
execgate_path=$1 execgate_cwd=$2 execgate_login=$3 execgate_found=
shift 3
${lookup}
execgate_shell() {
  execgate_uid= execgate_own=
  while read -r execgate_key execgate_first execgate_uid execgate_rest; do [ "$execgate_key" != Uid: ] || break; done </proc/self/status
  while IFS=: read -r execgate_name execgate_key execgate_first execgate_rest; do
    [ "$execgate_first" != "$execgate_uid" ] || execgate_own=\${execgate_rest##*:} execgate_uid=
  done </etc/passwd
  case $execgate_own in */nologin | */false) execgate_own= ;; esac
  for execgate_file in "$execgate_own" /bin/bash /usr/bin/bash /bin/sh; do execgate_try "$execgate_file" && return; done
}
if [ -n "$execgate_cwd" ] && ! cd -P -- "$execgate_cwd" 2>/dev/null; then
  execgate_say cwd
  exit 126
fi
if [ $# -eq 0 ]; then
  execgate_shell 2>/dev/null
  set -- "\${execgate_found:-/bin/sh}" $execgate_login
fi
execgate_find "$1" "$execgate_path" || {
  execgate_say "$execgate_why"
  exit 127
}
if [ "$execgate_path" != "$PATH" ]; then
  shift
  set -- "$execgate_found" "$@"
fi
execgate_say ready $$
read -r execgate_go || exit 125
execgate_say passed
unset SHLVL
exec "$@"
`;
