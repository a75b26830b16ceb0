/**
 * Functions of a POSIX shell, of builtins alone, that look for a command as the shell itself would do. `execgate_find NAME PATH`
 * puts where it is into `execgate_found`, a name with a slash in it being looked for at its place only. It fails when there is
 * none, and `execgate_why` then is `missing`, or `denied` where something is there that cannot be executed. `execgate_try FILE`
 * says of one file whether it is a program.
 */
export const lookup = `
execgate_try() {
  [ -e "$1" ] || return 1
  [ -f "$1" ] && [ -x "$1" ] && execgate_found=$1 && return
  execgate_why=denied
  return 1
}
execgate_find() {
  execgate_found= execgate_why=missing execgate_rest=$2:
  case $1 in
    */*) execgate_try "$1"; return ;;
    '') return 1 ;;
  esac
  while [ "$execgate_rest" ]; do
    execgate_place=\${execgate_rest%%:*} execgate_rest=\${execgate_rest#*:}
    execgate_try "\${execgate_place:-.}/$1" && return
  done
  return 1
}
`;
