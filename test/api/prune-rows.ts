/** Rows of prunes in a ledger: what has ended, and what was tested, for whoever shows them. */
import { parseInventory } from "../../core/inventory.ts";
import { policyDigest } from "../../functions/retention-policies.ts";
import { readEnvironment } from "../../io/ledger/environments.ts";
import { putPolicyTest } from "../../io/ledger/policy-tests.ts";
import { newId } from "../../io/new-id.ts";
import type { World } from "./world.ts";

/** Of two policies: books, and shelves. */
export const INVENTORY = `owner: the library
retention:
  books:
    root: books
    archived: { status: archived }
    since: archived_at
    keep: [{ table: loans }]
    prune: [{ table: pages }]
  shelves: { root: shelves, archived: { gone: true }, since: gone_at, prune: [{ table: labels }] }
`;

/** That the policy has passed a test, as it is and on the shape that is there. */
export async function testedPolicy(world: World, environment: string, passed = true): Promise<string> {
  const { fingerprint, release } = await released(world, environment);
  const [policy] = parseInventory(Buffer.from(INVENTORY)).retention;
  if (policy === undefined) throw new Error("there is no policy");
  const task = newId("task");
  await world.ledger.query(
    `insert into ledger.tasks (id, kind, environment, input, requested_by, status, outcome, ended_at)
      values ($1, 'prune-test', $2, '{}', 'tester', 'succeeded', '{}', now())`,
    [task, environment],
  );
  const result = { problems: [], records: { due: 1, tested: 1, left: 0 }, rows: { pages: 3 } };
  const digest = policyDigest(policy);
  await putPolicyTest(world.ledger, {
    ...{ task, environment, policy: "books", release, digest, fingerprint, passed, result },
  });
  return task;
}

/** A prune that has ended, with records `r1` to `rN`. */
export async function endedPrune(world: World, environment: string, records: number): Promise<string> {
  const id = newId("prune");
  const { release } = await released(world, environment);
  await world.ledger.query(
    `insert into ledger.prunes (id, environment, policy, release, digest, trigger, mode, requested_by, status, counts, ended_at)
      values ($1, $2, 'books', $3, '', 'sweep', 'prune', 'tester', 'pruned', $4, now())`,
    [
      id,
      environment,
      release,
      JSON.stringify({ records: { pruned: records }, rows: 9, objects: 2, bytes: 512 }),
    ],
  );
  await world.ledger.query(
    `insert into ledger.prune_records (prune, record, environment, policy, batch, status, candidates, deleted)
      select $1, 'r' || n, $2, 'books', 1, 'pruned', '{"rows": {"pages": 4}, "objects": 1, "bytes": 9, "kept": {"pages": 1}}',
        '{"rows": {"pages": 3}, "objects": 1, "bytes": 9}' from generate_series(1, $3::int) n`,
    [id, environment, records],
  );
  return id;
}

/** What the environment runs. */
async function released(world: World, environment: string) {
  const { fingerprint, release } = await readEnvironment(world.ledger, environment);
  if (release === null) throw new Error(`nothing was promoted to ${environment}`);
  return { fingerprint, release };
}
