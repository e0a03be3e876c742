/** Who may vouch for a person or a pipeline: an OpenID Connect issuer, as an admin configures it. */
import * as z from "zod";
import { githubTrustSchema } from "./github-trust.ts";
import { gitlabTrustSchema } from "./gitlab-trust.ts";
import { isLoopback } from "./loopback.ts";

/** Signatures that are made with a key which is not told: never `none`, and no secret that both sides hold. */
export const SIGNATURES = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
] as const;

/** The most that two clocks are taken to differ, in seconds: more would prolong what has expired. */
const LARGEST_TOLERANCE = 60;

const url = z
  .url({ protocol: /^https?$/ })
  .max(500)
  .refine(
    (text) => !/[?#@]/.test(text) && !text.endsWith("//"),
    "it has no user, password, query or fragment",
  )
  .refine(
    (text) => text.startsWith("https://") || (URL.canParse(text) && isLoopback(new URL(text).hostname)),
    "it is on https; http is only for a service and an issuer on one machine",
  );

const algorithms = z.array(z.enum(SIGNATURES)).min(1);

/** What is asked of every token: `maxAge` in seconds, where nothing else is said. */
const asked = (maxAge: number) => ({
  /** One of them stands in the token's `aud`. */
  audiences: z.array(z.string().min(1).max(300)).min(1).max(10),
  /** Seconds that its clock and ours may differ. */
  toleranceSeconds: z.int().min(0).max(LARGEST_TOLERANCE).default(30),
  /** Seconds after which a token is too old, however long it says that it lives. */
  maxAgeSeconds: z.int().min(60).max(86_400).default(maxAge),
});

export const issuerSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    /** A subject speaks as the person it is mapped to. */
    kind: z.literal("people"),
    /** The `iss` of its tokens, letter for letter: a slash at its end counts. */
    url,
    ...asked(3_600),
    algorithms: algorithms.default(["RS256", "PS256", "ES256", "EdDSA"]),
  }),
  z.strictObject({
    /** A workflow of GitHub Actions speaks as the first trust says that it fits. */
    kind: z.literal("github"),
    url: url.default("https://token.actions.githubusercontent.com"),
    ...asked(600),
    algorithms: algorithms.default(["RS256"]),
    trusts: z.array(githubTrustSchema).min(1).max(100),
  }),
  z.strictObject({
    /** The same for a job of GitLab CI. */
    kind: z.literal("gitlab"),
    url: url.default("https://gitlab.com"),
    ...asked(3_600),
    algorithms: algorithms.default(["RS256"]),
    trusts: z.array(gitlabTrustSchema).min(1).max(100),
  }),
]);

/** An issuer, parsed: every default stands in it. */
export type Issuer = z.infer<typeof issuerSchema>;

/** The people that an issuer's trusts speak as, each once; none for an issuer of people. */
export function peopleOfTrusts(issuer: Issuer): string[] {
  return issuer.kind === "people" ? [] : [...new Set(issuer.trusts.map(({ person }) => person))];
}
