/** The retention policies of an environment: those of the release that was promoted there last, and whether they were tested. */
import type { Json } from "../core/canonical-json.ts";
import { didYouMean } from "../core/did-you-mean.ts";
import { digestOf } from "../core/digest.ts";
import { RehearsalError } from "../core/errors.ts";
import { INVENTORY_PATH, type Inventory, parseInventory } from "../core/inventory.ts";
import type { RetentionPolicy } from "../core/prune/policy.ts";
import type { Environment } from "../io/ledger/environments.ts";
import { findPolicyTest, listPolicyTests, type PolicyTest } from "../io/ledger/policy-tests.ts";
import { releaseKey } from "../io/ledger/releases.ts";
import type { ObjectStore } from "../io/object-store.ts";
import type { Session } from "../io/postgres/session.ts";

export interface KnownPolicy {
  policy: RetentionPolicy;
  /** `policyDigest` of it. */
  digest: string;
  /** The whole hash of the release that has it. */
  release: string;
  inventory: Inventory;
}

/** A policy and the newest test of it, whatever it was like then. */
export interface ListedPolicy extends KnownPolicy {
  test: PolicyTest | undefined;
}

/**
 * What a policy deletes, as one hash. How fast a sweep goes and whether events delete are left out: a policy may be tested
 * first and automated later.
 */
export function policyDigest({ automate: _, rate: __, ...policy }: RetentionPolicy): string {
  return digestOf(JSON.parse(JSON.stringify(policy)) as Json);
}

/** Every policy by its name; none where nothing was promoted yet. */
export async function listPolicies(
  ledger: Session,
  store: ObjectStore,
  environment: Pick<Environment, "name" | "release">,
): Promise<ListedPolicy[]> {
  const known = await readPolicies(store, environment);
  const listed: ListedPolicy[] = [];
  for (const one of known) {
    const [test] = await listPolicyTests(ledger, environment.name, { policy: one.policy.name, limit: 1 });
    listed.push({ ...one, test });
  }
  return listed;
}

/** The policy of that name; throws `PolicyUnknown`. */
export async function findPolicy(
  store: ObjectStore,
  environment: Pick<Environment, "name" | "release">,
  name: string,
): Promise<KnownPolicy> {
  const known = await readPolicies(store, environment);
  const found = known.find(({ policy }) => policy.name === name);
  if (found !== undefined) return found;
  const names = known.map(({ policy }) => policy.name);
  throw new RehearsalError("PolicyUnknown", {
    policy: name,
    environment: environment.name,
    guess: names.length === 0 ? "" : didYouMean(name, names),
  });
}

/** Why a policy may not delete here: undefined when exactly it has passed a test on the shape that the environment has. */
export async function whyUntested(
  ledger: Session,
  { name, fingerprint }: Pick<Environment, "name" | "fingerprint">,
  { policy, digest }: Pick<KnownPolicy, "policy" | "digest">,
): Promise<RehearsalError<"PolicyUntested"> | undefined> {
  const test = await findPolicyTest(ledger, {
    ...{ environment: name, policy: policy.name, digest, fingerprint },
  });
  if (test?.passed) return undefined;
  const [newest] = await listPolicyTests(ledger, name, { policy: policy.name, limit: 1 });
  const reason =
    test !== undefined
      ? `its test ${test.task} did not pass`
      : newest === undefined
        ? "it was never tested"
        : newest.digest === digest
          ? "the schema has changed since it was tested"
          : "it has changed since it was tested";
  return new RehearsalError("PolicyUntested", { policy: policy.name, environment: name, reason });
}

/** By release, for the next call asks for the same; its name is the hash of its bytes. */
const parsed = new Map<string, KnownPolicy[]>();

/** Releases whose policies are kept; the oldest makes room. */
const KEPT = 50;

async function readPolicies(
  store: ObjectStore,
  { release }: Pick<Environment, "release">,
): Promise<KnownPolicy[]> {
  if (release === null) return [];
  const standing = parsed.get(release);
  if (standing !== undefined) return standing;
  // On first use: it brings the parser of SQL, which what only the clock calls would read at every cold start.
  const { readBundle } = await import("../core/release.ts");
  const { files } = readBundle(await store.get(releaseKey(release)), release);
  const inventory = parseInventory(files.find(({ path }) => path === INVENTORY_PATH)?.bytes);
  const policies = inventory.retention
    .map((policy) => ({ policy, digest: policyDigest(policy), release, inventory }))
    .sort((a, b) => (a.policy.name < b.policy.name ? -1 : 1));
  if (parsed.size >= KEPT) for (const [oldest] of [...parsed].slice(0, 1)) parsed.delete(oldest);
  parsed.set(release, policies);
  return policies;
}
