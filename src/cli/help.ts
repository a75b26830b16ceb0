/** What `execgate COMMAND --help` prints of each command: how it is called, and what its flags do. */
const sections: Readonly<Record<string, string>> = {
  serve: `execgate serve [--config FILE] [--listen ADDR]… [--runtime KIND]… [--host-user USER]

  Runs the gateway until SIGTERM, on http://127.0.0.1:8080 and https://127.0.0.1:8443 unless ADDR says where: host:port,
  [v6]:port or unix:/path, with https:// in front for TLS. A configuration that is no good ends the start with 78.`,

  exec: `execgate exec [-i] [-t] [FLAGS] [TARGET] [-- COMMAND…]

  TARGET is host unless it is named; without a command the target's login shell is run.
  -i, --interactive     send stdin
  -t, --tty             run on a terminal
      --env NAME=VALUE  set a variable; may be repeated
      --cwd DIR         start in this directory
      --user USER       run as this user
      --timeout TIME    end the command after this time (500ms, 5s, 2m, 1h)
      --keep TIME       let the session outlive a lost connection for this time, and go on when it is back; 5m with -t
      --reason TEXT     why, for a policy that wants to know

  With -it on a terminal, at the beginning of a line ~. ends the session, ~d leaves it for a later attach, ~^Z suspends this
  client, ~~ sends one tilde.
  The exit status is the command's own; 124 after a timeout, 137 when it was killed, 255 when it was lost or never started.`,

  attach: `execgate attach [--view] [--no-stdin] ID

  Joins a session where it is, with what is kept of its output; --view only watches. Escapes and exit status are those of exec.`,

  sessions: `execgate sessions [--target TARGET] [--state STATE] [--json]

  Lists what runs and what has ended in the last 10 minutes; STATE is starting, running, draining or ended. With --json each
  is a line.`,

  kill: `execgate kill [--json] ID…

  Ends sessions with all their processes, and says so when they are gone. With --json each that was ended is a line.`,

  targets: `execgate targets [--runtime NAME] [--json]

  Lists where commands can run; runtimes that cannot be asked are told on stderr. With --json each target is a line.`,

  probe: `execgate probe [--target TARGET] [--json] NAME

  Runs a health check that the gateway's configuration declares. The exit status is 0 when it passes, 1 when it does not.`,

  cp: `execgate cp [TARGET:]SRC [TARGET:]DST

  Copies a file or a folder by the target's tar, into DST where that is a folder. A path with a colon of this machine is
  written with a slash or a dot in front. Nothing is ever written outside of DST.`,

  replay: `execgate replay [--speed N] [--idle SECONDS] FILE

  Plays a recording (asciicast v2), with no pause longer than --idle.`,

  completion: `execgate completion bash|zsh|fish

  Prints the shell's completion; its first lines say where it goes.`,

  kubeconfig: `execgate kubeconfig [-o FILE] [--server URL]

  Prints a kubeconfig with the gateway's certificate and the token, or writes it to FILE with mode 0600. kubectl sends no
  token over plain http: the server is https://127.0.0.1:8443 unless another is named.
  -o, --output FILE              write it there
      --client-certificate FILE  present this in place of the token,
      --client-key FILE          with its key`,

  token: `execgate token new NAME [--groups A,B] [--expires DAY]

  Prints a secret, this once, and the line for auth.tokens that knows it by its SHA-256.`,

  policy: `execgate policy check FILE, execgate policy explain --help

  What a file allows, without a gateway.`,

  audit: `execgate audit verify FILE…

  Whether a trail is as it was written; rotated files, the oldest first.`,

  version: "execgate version",
  help: "execgate help [COMMAND]",
};

const endpointHelp = `Every command that asks a gateway takes:

      --server URL      default $EXECGATE_SERVER, else http://127.0.0.1:8080
      --token-file FILE default $EXECGATE_TOKEN, $EXECGATE_TOKEN_FILE, else the file that a gateway of this user made
      --ca-file FILE    the certificates to trust`;

const askingCommands: readonly string[] = ["exec", "attach", "sessions", "kill", "targets", "probe", "cp", "kubeconfig"];

const summary = `Usage: execgate COMMAND

  serve       run the gateway
  exec        run a command on a target
  attach      join a session
  sessions    list sessions
  kill        end sessions
  targets     list where commands can run
  probe       run a declared health check
  cp          copy files to and from a target
  replay      play a recording
  completion  print a shell's completion
  kubeconfig  say to kubectl where the gateway is
  token       make a token for the gateway's configuration
  policy      say what a configuration file allows, and by which rule
  audit       check an audit trail
  version     print the version
  help        print this, or more of one command`;

/** The names of all commands, the gateway's and its operator's too. */
export const commandNames: readonly string[] = Object.keys(sections);

/** The text of `execgate help`. */
export const helpText = `${[summary, ...Object.values(sections).slice(0, -2), endpointHelp].join("\n\n")}\n`;

/** What there is to know of one command; undefined for one that there is not. */
export function helpOf(command: string): string | undefined {
  const section = Object.hasOwn(sections, command) ? sections[command] : undefined;
  return section && `${[section, ...(askingCommands.includes(command) ? [endpointHelp] : [])].join("\n\n")}\n`;
}

/** The flags that the help of a command names. */
export function flagsOf(command: string): readonly string[] {
  return [...new Set(helpOf(command)?.match(/(?<=[\s[])(?:--[a-z][a-z-]*|-[a-z])(?![a-z-])/g))];
}
