/**
 * What stands before a command in a container, for any POSIX shell and with its builtins alone: nothing is forked, so that it works
 * where there is room for one process only, and where the image has nothing but a shell.
 *
 * `$0` is the word by which its announcements on stderr are known; then come the target's PATH, the directory to start in, what a
 * login shell is told on a terminal, and the command. It announces `missing`, `denied` or `cwd` and ends, or `ready` with its pid
 * and waits for a line on stdin; an end of the input ends it. `passed` is the last that it says before it becomes the command.
 */
export const gateScript = `
eg_say() { echo "execgate $0 $*" >&2; }
eg_path=$1 eg_cwd=$2 eg_login=$3 eg_found= eg_why=missing
shift 3
eg_try() {
  [ -e "$1" ] || return 1
  [ -f "$1" ] && [ -x "$1" ] && eg_found=$1 && return
  eg_why=denied
  return 1
}
eg_shell() {
  eg_uid= eg_own=
  while read -r eg_key eg_first eg_uid eg_rest; do [ "$eg_key" != Uid: ] || break; done </proc/self/status
  while IFS=: read -r eg_name eg_key eg_first eg_rest; do
    [ "$eg_first" != "$eg_uid" ] || eg_own=\${eg_rest##*:} eg_uid=
  done </etc/passwd
  case $eg_own in */nologin | */false) eg_own= ;; esac
  for eg_file in "$eg_own" /bin/bash /usr/bin/bash /bin/sh; do eg_try "$eg_file" && return; done
}
if [ -n "$eg_cwd" ] && ! cd -P -- "$eg_cwd" 2>/dev/null; then
  eg_say cwd
  exit 126
fi
if [ $# -eq 0 ]; then
  eg_shell 2>/dev/null
  set -- "\${eg_found:-/bin/sh}" $eg_login
fi
eg_found=
case $1 in
  */*) eg_try "$1" ;;
  ?*)
    IFS=: && set -f
    for eg_dir in $eg_path; do eg_try "\${eg_dir:-.}/$1" && break; done
    set +f && unset IFS ;;
esac
if [ -z "$eg_found" ]; then
  eg_say "$eg_why"
  exit 127
fi
if [ "$eg_path" != "$PATH" ]; then
  shift
  set -- "$eg_found" "$@"
fi
eg_say ready $$
read -r eg_go || exit 125
eg_say passed
unset SHLVL
exec "$@"
`;
