/** A start that cannot be: the message names the key path, the process exits with 78. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}
