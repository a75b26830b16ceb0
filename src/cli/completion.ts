import { ClientError } from "./client-error.ts";
import type { ClientIo } from "./io.ts";

const endpointFlags = "--server --token-file --ca-file";

/** The words behind each command. */
const flags: Readonly<Record<string, string>> = {
  serve: "--config --listen --host-user",
  exec: `-i -t --interactive --tty --env --cwd --user --timeout --keep --reason ${endpointFlags}`,
  attach: `--view --no-stdin ${endpointFlags}`,
  sessions: `--json --target --state ${endpointFlags}`,
  kill: `--json ${endpointFlags}`,
  targets: `--json --runtime ${endpointFlags}`,
  probe: `--json --target ${endpointFlags}`,
  cp: endpointFlags,
  replay: "--speed --idle",
  kubeconfig: "",
  token: "new",
  policy: "check explain",
  audit: "verify",
  completion: "bash zsh fish",
  version: "",
  help: "",
};

/** Commands whose next word is an id of `execgate sessions`, or of `execgate targets`. */
const idsOf = { sessions: ["attach", "kill"], targets: ["exec"] } as const;

const names = Object.keys(flags);
const cases = (say: (name: string, words: string) => string): string => names.map((name) => say(name, flags[name] ?? "")).join("\n");
/**
 * Asks the gateway with a command of its own; what cannot be asked completes nothing. Names come from others, and bash expands
 * the words that it is given to choose from: only what means nothing to a shell is one.
 */
const listing = (list: keyof typeof idsOf): string =>
  `execgate ${list} 2>/dev/null | awk 'NR > 1 && $1 ~ "^[A-Za-z0-9._:/-]+$" { print $1 }'`;

const bash = `# execgate completion bash > /etc/bash_completion.d/execgate
_execgate() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${names.join(" ")}"
  else
    case "\${COMP_WORDS[1]}" in
${cases((name, words) => `      ${name}) words="${words}" ;;`)}
    esac
    case "\${COMP_WORDS[1]}" in
      ${idsOf.sessions.join("|")}) [[ "$word" == -* ]] || words="$words $(${listing("sessions")})" ;;
      ${idsOf.targets.join("|")}) [[ "$word" == -* ]] || words="$words $(${listing("targets")})" ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  [ "\${#COMPREPLY[@]}" -gt 0 ] || COMPREPLY=($(compgen -f -- "$word"))
}
complete -F _execgate execgate
`;

const zsh = `#compdef execgate
# execgate completion zsh > "\${fpath[1]}/_execgate"
_execgate() {
  local -a choices
  if (( CURRENT == 2 )); then
    choices=(${names.join(" ")})
  else
    case "$words[2]" in
${cases((name, words) => `      ${name}) choices=(${words}) ;;`)}
    esac
    case "$words[2]" in
      ${idsOf.sessions.join("|")}) choices+=(\${(f)"$(${listing("sessions")})"}) ;;
      ${idsOf.targets.join("|")}) choices+=(\${(f)"$(${listing("targets")})"}) ;;
    esac
  fi
  compadd -a choices
  _files
}
_execgate "$@"
`;

/** What fish runs each time it is to complete, in quotes within which it expands nothing when it reads the script. */
const later = (command: string): string => `'(${command.replaceAll("'", "\\'")})'`;

const fish = `# execgate completion fish > ~/.config/fish/completions/execgate.fish
complete -c execgate -n __fish_use_subcommand -f -a "${names.join(" ")}"
${cases((name, words) => `complete -c execgate -n "__fish_seen_subcommand_from ${name}" -a "${words}"`)}
complete -c execgate -f -n "__fish_seen_subcommand_from ${idsOf.sessions.join(" ")}" -a ${later(listing("sessions"))}
complete -c execgate -f -n "__fish_seen_subcommand_from ${idsOf.targets.join(" ")}" -a ${later(listing("targets"))}
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
