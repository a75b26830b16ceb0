import { ClientError } from "./client-error.ts";
import { commandNames, flagsOf } from "./help.ts";
import type { ClientIo } from "./io.ts";

/** Words that stand behind a command, where they are always the same. */
const words: Readonly<Record<string, readonly string[]>> = {
  token: ["new"],
  policy: ["check", "explain"],
  audit: ["verify"],
  completion: ["bash", "zsh", "fish"],
  help: commandNames,
};

/** What of the gateway's a word behind a command is: the list that holds it in its first column. */
const lists: Readonly<Record<string, string>> = {
  attach: "sessions --state running",
  kill: "sessions --state running",
  exec: "targets",
};

/** Commands whose words are files as well. */
const takesFiles: readonly string[] = ["cp", "replay", "policy", "audit"];
/** Flags that a file follows. */
const fileFlags = ["--config", "--token-file", "--ca-file", "-o", "--output", "--client-certificate", "--client-key"];

/**
 * Asks the gateway with a command of its own; what cannot be asked completes nothing. Names come from others, and bash expands
 * the words that it is given to choose from: only what means nothing to a shell is one.
 */
const listing = (list: string): string => `execgate ${list} 2>/dev/null | awk 'NR > 1 && $1 ~ "^[A-Za-z0-9._:/-]+$" { print $1 }'`;

const cases = (say: (name: string) => string | undefined): string => commandNames.map(say).filter(Boolean).join("\n");

const bash = `# execgate completion bash > /etc/bash_completion.d/execgate
_execgate() {
  # A word of one's own: bash takes those of its line apart at each colon, which ids of targets hold.
  local line="\${COMP_LINE:0:COMP_POINT}" words="" files=""
  local word="\${line##*[[:space:]]}"
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
    ${fileFlags.join("|")}) files=yes ;;
    *) if [ "$COMP_CWORD" -eq 1 ]; then
      words="${commandNames.join(" ")}"
    elif [[ "$word" == -* ]]; then
      case "\${COMP_WORDS[1]}" in
${cases((name) => `        ${name}) words="${flagsOf(name).join(" ")}" ;;`)}
      esac
    else
      case "\${COMP_WORDS[1]}" in
${cases((name) => words[name] && `        ${name}) words="${words[name].join(" ")}" ;;`)}
${cases((name) => lists[name] && `        ${name}) words="$(${listing(lists[name])})" ;;`)}
      esac
      case "\${COMP_WORDS[1]}" in
        ${takesFiles.join("|")}) files=yes ;;
        exec) [[ "$line" != *" -- "* ]] || { words=""; files=yes; } ;;
      esac
    fi ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  [[ "$word" != *:* || "$COMP_WORDBREAKS" != *:* ]] || COMPREPLY=("\${COMPREPLY[@]#"\${word%:*}:"}")
  [ -z "$files" ] || { compopt -o filenames 2>/dev/null; mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word"); }
}
complete -F _execgate execgate
`;

const zsh = `#compdef execgate
# execgate completion zsh > "\${fpath[1]}/_execgate"
_execgate() {
  local -a choices
  if (( \${words[(i)--]} < CURRENT )); then _files; return; fi
  case "$words[CURRENT-1]" in
    ${fileFlags.join("|")}) _files; return ;;
  esac
  if (( CURRENT == 2 )); then
    choices=(${commandNames.join(" ")})
  elif [[ "$PREFIX" == -* ]]; then
    case "$words[2]" in
${cases((name) => `      ${name}) choices=(${flagsOf(name).join(" ")}) ;;`)}
    esac
  else
    case "$words[2]" in
${cases((name) => words[name] && `      ${name}) choices=(${words[name].join(" ")}) ;;`)}
${cases((name) => lists[name] && `      ${name}) choices=(\${(f)"$(${listing(lists[name])})"}) ;;`)}
    esac
    case "$words[2]" in
      ${takesFiles.join("|")}) _files ;;
    esac
  fi
  compadd -a choices
}
_execgate "$@"
`;

/** What fish runs each time it is to complete, in quotes within which it expands nothing when it reads the script. */
const later = (command: string): string => `'(${command.replaceAll("'", "\\'")})'`;

/** A line of fish about one command, which is the first word behind the program's name. */
const inFish = (name: string, rest: string): string => `complete -c execgate -n "__execgate_is ${name}" ${rest}`;

const fish = `# execgate completion fish > ~/.config/fish/completions/execgate.fish
function __execgate_is
  set -l line (commandline -opc)
  test (count $line) -gt 1; and contains -- $line[2] $argv; and not contains -- -- $line
end
complete -c execgate -f
complete -c execgate -n "test (count (commandline -opc)) -eq 1" -a "${commandNames.join(" ")}"
complete -c execgate -n "contains -- -- (commandline -opc)" -F
${inFish(takesFiles.join(" "), "-F")}
complete -c execgate -n "contains -- (commandline -opc)[-1] ${fileFlags.join(" ")}" -F
${cases((name) => (flagsOf(name).length > 0 ? `complete -c execgate -n "__execgate_is ${name}; and string match -q -- '-*' (commandline -ct)" -a "${flagsOf(name).join(" ")}"` : undefined))}
${cases((name) => words[name] && inFish(name, `-a "${words[name].join(" ")}"`))}
${cases((name) => lists[name] && inFish(name, `-a ${later(listing(lists[name]))}`))}
`;

const scripts: Readonly<Record<string, string>> = { bash, zsh, fish };

/** `execgate completion bash|zsh|fish`: the shell's own completion, as a script. */
export async function completion(args: readonly string[], io: ClientIo): Promise<number> {
  const [shell = "", ...more] = args;
  const script = Object.hasOwn(scripts, shell) && more.length === 0 ? scripts[shell] : undefined;
  if (script === undefined) throw new ClientError(`say execgate completion ${Object.keys(scripts).join("|")}`);
  io.stdout.write(script);
  return 0;
}
