import { basename } from "node:path";

/** What stands in the place of a secret. */
export const redacted = "[redacted]";

/** argv as the trail may show it. */
export interface RedactedCommand {
  readonly argv: readonly string[];
  readonly isRedacted: boolean;
}

export type Redactor = (command: readonly string[]) => RedactedCommand;

/** What options, variables, headers and query parameters are called whose values are secrets; part of a word is enough. */
const names =
  "passw(?:or)?d|passphrase|(?<![a-z])pass(?![a-z])|_pwd|secret|token|credentials?|authorization|cookie|(?:api|access|private|auth)[-_]?key|signature";
const quoted = `\\\\?"[^"]*"?|\\\\?'[^']*'?`;

/**
 * What is a secret wherever it stands in an argument, also in the script of a shell; the first group is kept. Each takes
 * time that grows with the argument and no faster: nothing unbounded stands before what it looks for.
 */
const patterns: readonly RegExp[] = [
  // --password=…, PGPASSWORD=… as an argument of its own.
  new RegExp(`^(--?[\\w.-]{0,60}?(?:${names})[\\w-]{0,40}=)[^]+$`, "gi"),
  new RegExp(`^(\\w{0,60}?(?:${names})\\w{0,40}=)\\S+$`, "gi"),
  // The same among other words, and ?access_token=…
  new RegExp(`((?:${names})[\\w-]{0,40}=)(?:${quoted}|[^\\s"'&;|]+)`, "gi"),
  // Authorization: Bearer …, X-Api-Key: …, to the end of the header; "token": "…"
  new RegExp(`((?:${names})[\\w-]{0,40}\\\\?["']?\\s{0,8}:\\s{0,8})(?:${quoted}|[^"'\\r\\n]+)`, "gi"),
  // --password … in the script of a shell.
  new RegExp(`(--?(?:[a-z]{1,20}[-_]){0,3}(?:${names})\\s{1,8})(?:${quoted}|[^\\s"'&;|]+)`, "gi"),
  /\b((?:Bearer|Basic|Digest)\s{1,8})[\w.~+/=-]{6,}/gi,
  // The password in a URL's user information.
  /(:\/\/[^\s/:@]{0,256}:)[^\s/@]+(?=@)/g,
  // Tokens that are known by their form: JWT, GitHub, GitLab, Slack, AWS, private keys.
  /(?<![\w-])()eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?/g,
  /(?<![\w-])()(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|sk-)[\w-]{10,}/g,
  /\b()(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)[^-]+/g,
];

/** An option behind which the secret stands as the next argument. */
const secretOption = new RegExp(`^--?[\\w.-]*(?:${names})$`, "i");
const optionLengthMax = 80;

/** Short options that mean a secret to these programs and something else to others: the name, and what is joined to it. */
const programOptions: readonly { readonly program: RegExp; readonly option: RegExp; readonly kept?: RegExp }[] = [
  { program: /^(?:mysql|mariadb)/, option: /^(-p)(.+)$/s },
  { program: /^sshpass$/, option: /^(-p)(.*)$/s },
  { program: /^redis-cli$/, option: /^(-a)(.*)$/s },
  // Of NAME:PASSWORD the name says who it was.
  { program: /^(?:curl|wget)$/, option: /^(-u|-U|--user|--proxy-user)(.*)$/s, kept: /^[^:]*:/ },
];

/**
 * Takes the secrets out of argv by rules over names, forms and programs. It is a net and no proof: what no rule
 * takes for a secret stays. Stdin and `env`, which are never written, are the places for secrets.
 * @param further what is a secret here beside that; each must have the flag `g`
 */
export function createRedactor(further: readonly RegExp[]): Redactor {
  return (command) => {
    const program = basename(command[0] ?? "");
    const own = programOptions.find((row) => row.program.test(program));
    const argv = command.map((argument, index) => {
      if (index === 0) return redactText(argument, further);
      const before = command[index - 1] ?? "";
      if (before.length <= optionLengthMax && secretOption.test(before)) return redacted;
      return redactText(own === undefined ? argument : redactOption(argument, before, own), further);
    });
    return { argv, isRedacted: argv.some((argument, index) => argument !== command[index]) };
  };
}

/** What no pattern can match: it names no value, and is shorter than every token that is known by its form. */
const isPlain = /^[^=:\s]{0,12}$/;

function redactText(argument: string, further: readonly RegExp[]): string {
  const known = isPlain.test(argument) ? argument : patterns.reduce((text, pattern) => text.replace(pattern, `$1${redacted}`), argument);
  return further.reduce((text, pattern) => text.replace(pattern, redacted), known);
}

function redactOption(argument: string, before: string, { option, kept }: (typeof programOptions)[number]): string {
  const isNext = option.exec(before)?.[2] === "";
  const [, name = "", secret = ""] = isNext ? ["", "", argument] : (option.exec(argument) ?? []);
  const shown = kept === undefined ? "" : kept.exec(secret)?.[0];
  return secret === "" || shown === undefined ? argument : name + shown + redacted;
}
