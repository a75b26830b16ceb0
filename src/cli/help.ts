/** The text of `execgate help`. */
export const helpText = `Usage: execgate COMMAND

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
  help        print this

execgate serve [--config FILE] [--listen ADDR]… [--runtime KIND]… [--host-user USER]

  Runs the gateway until SIGTERM, on http://127.0.0.1:8080 and https://127.0.0.1:8443 unless ADDR says where: host:port,
  [v6]:port or unix:/path, with https:// in front for TLS. A configuration that is no good ends the start with 78.

execgate exec [-i] [-t] [FLAGS] [TARGET] [-- COMMAND…]

  TARGET is host unless it is named; without a command the target's login shell is run.
  -i, --interactive     send stdin
  -t, --tty             run on a terminal
      --env NAME=VALUE  set a variable; may be repeated
      --cwd DIR         start in this directory
      --user USER       run as this user
      --timeout TIME    end the command after this time (500ms, 5s, 2m, 1h)
      --keep TIME       let the session outlive a lost connection for this time, and go on when it is back; 5m with -t
      --reason TEXT     why, for a policy that wants to know

  With -it on a terminal, at the beginning of a line ~. ends the session, ~d leaves it for a later attach, ~~ sends one tilde.
  The exit status is the command's own; 124 after a timeout, 137 when it was killed, 255 when it was lost or never started.

execgate attach [--view] [--no-stdin] ID

  Joins a session where it is, with what is kept of its output; --view only watches. Escapes and exit status are those of exec.

execgate sessions [--target TARGET] [--state STATE] [--json]
execgate targets [--runtime NAME] [--json]
execgate kill [--json] ID…
execgate probe [--target TARGET] [--json] NAME

  With --json each item is a line. The exit status of probe is 0 when it passes, 1 when it does not.

execgate cp [TARGET:]SRC [TARGET:]DST

  Copies a file or a folder by the target's tar, into DST where that is a folder. A path with a colon of this machine is
  written with a slash or a dot in front. Nothing is ever written outside of DST.

execgate replay [--speed N] [--idle SECONDS] FILE

  Plays a recording (asciicast v2), with no pause longer than --idle.

execgate completion bash|zsh|fish

execgate kubeconfig [-o FILE] [--server URL]

  Prints a kubeconfig with the gateway's certificate and the token, or writes it to FILE with mode 0600. kubectl sends no
  token over plain http: the server is https://127.0.0.1:8443 unless another is named.
      --client-certificate FILE, --client-key FILE   to present in place of the token

execgate token new NAME [--groups A,B] [--expires DAY]

  Prints a secret, this once, and the line for auth.tokens that knows it by its SHA-256.

execgate policy check FILE, execgate policy explain --help

  What a file allows, without a gateway.

Every command that asks a gateway takes:

      --server URL      default $EXECGATE_SERVER, else http://127.0.0.1:8080
      --token-file FILE default $EXECGATE_TOKEN, $EXECGATE_TOKEN_FILE, else the file that a gateway of this user made
      --ca-file FILE    the certificates to trust
`;
