import type { AuthSettings } from "../access/authentication.ts";
import { ownerName } from "../access/static-tokens.ts";
import { isLoopback } from "../address.ts";
import { type Static, Type } from "../typebox.ts";
import { ConfigError } from "./config-error.ts";
import { readDate } from "./date.ts";
import { count, optionalSection, path, text, texts } from "./fields.ts";

/** Signatures that anybody can check and only the issuer can make. */
const algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"] as const;

const tokenName = "a name of letters, digits and . _ @ -, at most 64";

const tokenSchema = Type.Object(
  {
    id: Type.String({ pattern: "^[A-Za-z0-9._@-]{1,64}$", expected: tokenName }),
    sha256: Type.String({ pattern: "^[0-9a-fA-F]{64}$", expected: "the 64 hexadecimal digits that execgate token new prints" }),
    groups: texts("a group's name"),
    expires: Type.Optional(text("a date such as 2027-06-01")),
  },
  { additionalProperties: false, expected: "a token" },
);

const jwtSchema = Type.Object(
  {
    issuer: text("the issuer's URL"),
    audience: Type.Unsafe<string | string[]>({
      type: ["string", "array"],
      minLength: 1,
      minItems: 1,
      items: { type: "string", minLength: 1 },
      expected: "an audience, or a list of them",
    }),
    jwksUrl: Type.Optional(text("an https URL")),
    jwksFile: Type.Optional(path()),
    algorithms: Type.Array(Type.Enum([...algorithms], { expected: `one of ${algorithms.join(", ")}` }), {
      minItems: 1,
      expected: "a list of algorithms",
    }),
    subjectClaim: Type.String({ minLength: 1, default: "sub", expected: "a claim's name" }),
    groupsClaim: Type.Optional(text("a claim's name")),
    header: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9-]+$", expected: "a header's name" })),
    clockToleranceMs: count(30_000, 0, 300_000),
  },
  { additionalProperties: false, expected: "an issuer" },
);

/** `auth`: whose credentials are accepted. */
export const authSchema = optionalSection({
  tokens: Type.Array(tokenSchema, { default: [], expected: "a list of tokens" }),
  jwt: Type.Array(jwtSchema, { default: [], expected: "a list of issuers" }),
});

type AuthFile = NonNullable<Static<typeof authSchema>>;

/** @throws ConfigError for what each value for itself does not show */
export function readAuth(file: AuthFile): AuthSettings {
  checkUnique(
    "auth.tokens",
    "id",
    file.tokens.map(({ id }) => id),
  );
  checkUnique(
    "auth.tokens",
    "sha256",
    file.tokens.map(({ sha256 }) => sha256.toLowerCase()),
  );
  checkUnique(
    "auth.jwt",
    "issuer",
    file.jwt.map(({ issuer }) => issuer),
  );
  return Object.freeze({
    tokens: file.tokens.map(({ expires, ...token }, i) => {
      if (token.id === ownerName) throw new ConfigError(`auth.tokens.${i}.id: ${ownerName} is the name of the gateway's own token`);
      return { ...token, expiresAt: expires === undefined ? undefined : readDate(`auth.tokens.${i}.expires`, expires) };
    }),
    jwt: file.jwt.map((issuer, i) => {
      checkKeys(`auth.jwt.${i}`, issuer);
      return { ...issuer, header: issuer.header?.toLowerCase() };
    }),
  });
}

function checkUnique(list: string, key: string, values: readonly string[]): void {
  const again = values.findIndex((value, i) => values.indexOf(value) < i);
  if (again >= 0) throw new ConfigError(`${list}.${again}.${key}: another entry has the same`);
}

function checkKeys(at: string, { jwksUrl, jwksFile }: AuthFile["jwt"][number]): void {
  if ((jwksUrl === undefined) === (jwksFile === undefined)) throw new ConfigError(`${at}: expected either jwksUrl or jwksFile`);
  if (jwksUrl === undefined) return;
  const url = URL.canParse(jwksUrl) ? new URL(jwksUrl) : undefined;
  if (url?.protocol === "https:") return;
  // Whoever stands between could give keys of their own; on this machine nobody does.
  if (url?.protocol === "http:" && isLoopback(url.hostname.replace(/^\[|\]$/g, ""))) return;
  throw new ConfigError(`${at}.jwksUrl: expected an https URL, or an http one on loopback, got ${JSON.stringify(jwksUrl)}`);
}
