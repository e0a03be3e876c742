/** Tokens of OpenID Connect: a person's, by the subject they are mapped to, and a pipeline's, by the trust that fits it. */
import type { Actor, Credential, Grant } from "../../core/access.ts";
import { RehearsalError } from "../../core/errors.ts";
import { githubPipeline } from "../../core/github-trust.ts";
import { gitlabPipeline } from "../../core/gitlab-trust.ts";
import type { Issuer } from "../../core/issuer.ts";
import { type Claims, claim, type Pipeline } from "../../core/pipeline-trust.ts";
import { type KeysOf, openIssuerKeys } from "../../io/issuer-keys.ts";
import { findIssuer, type NamedIssuer } from "../../io/ledger/issuers.ts";
import { findByIdentity, findPerson, type Person } from "../../io/ledger/people.ts";
import type { Session } from "../../io/postgres/session.ts";
import { issuerOf, verifyToken } from "../../io/token.ts";
import { actorOf, unauthorized } from "./actor.ts";

/**
 * Who speaks by this token. Throws `TokenRefused`, `IdentityUnknown`, `PipelineUntrusted`, `Unauthorized` for a person who
 * is disabled, and `IssuerUnreachable` where nobody can tell whether the token is good.
 */
export async function actorOfToken(ledger: Session, jwt: string, keysOf = issuerKeys()): Promise<Actor> {
  const issuer = await findIssuer(ledger, await issuerOf(jwt));
  if (issuer === undefined)
    throw new RehearsalError("TokenRefused", { reason: "its issuer is not one that is registered here" });
  const claims = await verifyToken(jwt, issuer.settings, keysOf);
  return issuer.settings.kind === "people"
    ? actorOfSubject(ledger, issuer, claims)
    : actorOfPipeline(ledger, issuer, claims);
}

/** Whether issuers on this machine, without TLS, may be registered and asked. */
export function localIssuers(): boolean {
  return process.env.REHEARSAL_LOCAL_ISSUERS === "yes";
}

/** One for the sandbox's life, so that keys are fetched once in a while and not once in a request. */
let kept: KeysOf | undefined;
const issuerKeys = (): KeysOf => {
  kept ??= openIssuerKeys({ loopback: localIssuers() });
  return kept;
};

async function actorOfSubject(ledger: Session, issuer: NamedIssuer, claims: Claims): Promise<Actor> {
  const subject = claim(claims, "sub") ?? "";
  const person = await knownBy(ledger, issuer.settings, subject);
  return actorOf(person, { kind: "token", id: `${issuer.name} ${subject}`.slice(0, 200) }, null);
}

/** A pipeline acts: it starts promotions, and may approve them where a person set it off. It never administers. */
const ACTING: Grant[] = [
  { environment: "*", role: "promoter" },
  { environment: "*", role: "approver" },
];

/** Of whom nobody knows who set it off decides nothing: it could be whoever asked for the promotion. */
const UNDECIDING: Grant[] = [{ environment: "*", role: "promoter" }];

/**
 * The pipeline's own person holds what it may do; where the trust knows who set it off, that person is the one who speaks,
 * so that nobody approves by a key what they asked for by a pipeline.
 */
async function actorOfPipeline(ledger: Session, issuer: NamedIssuer, claims: Claims): Promise<Actor> {
  const { trust, actor: subject, byActor, rehearsesOnly, run } = pipelineOf(issuer, claims);
  const own = await findPerson(ledger, trust.person);
  if (own === undefined) throw unauthorized(`the trust's person "${trust.person}" is not known any more`);
  const by = await whoSetItOff(ledger, issuer.settings, { subject, trust });
  const credential: Credential = { kind: "token", id: `${issuer.name} ${trust.person} ${run}`.slice(0, 200) };
  const within = actorOf(own, credential, trust.scope ?? null);
  const actor = actorOf(
    { ...own, grants: [...within.grants] },
    credential,
    by && byActor ? ACTING : UNDECIDING,
  );
  // Asked for the refusal alone: somebody disabled sets nothing off.
  if (by !== undefined) actorOf(by, credential, null);
  return { ...actor, person: by?.name ?? own.name, pipeline: rehearsesOnly ? "rehearses" : "promotes" };
}

function pipelineOf({ name, settings }: NamedIssuer, claims: Claims): Pipeline {
  if (settings.kind === "people") throw new Error(`${name} vouches for no pipelines`);
  const found =
    settings.kind === "github"
      ? githubPipeline(settings.trusts, claims)
      : gitlabPipeline(settings.trusts, claims);
  if (!("misfits" in found)) return found;
  const told = found.misfits.map((one) => `${one} is ${JSON.stringify(claim(claims, one) ?? null)}`);
  throw new RehearsalError("PipelineUntrusted", { issuer: name, claims: [...new Set(told)].join(", ") });
}

async function whoSetItOff(
  ledger: Session,
  issuer: Issuer,
  { subject, trust }: { subject: string | undefined; trust: Pipeline["trust"] },
): Promise<Person | undefined> {
  const wanted = trust.actors ?? (trust.pullRequest === "rehearse" ? "any" : "mapped");
  if (wanted === "mapped") return knownBy(ledger, issuer, subject ?? "");
  return subject === undefined ? undefined : findByIdentity(ledger, { issuer: issuer.url, subject });
}

/** Throws `IdentityUnknown`. */
async function knownBy(ledger: Session, { url }: Issuer, subject: string): Promise<Person> {
  const person = await findByIdentity(ledger, { issuer: url, subject });
  if (person === undefined) throw new RehearsalError("IdentityUnknown", { issuer: url, subject });
  return person;
}
