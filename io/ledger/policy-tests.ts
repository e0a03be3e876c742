/** Tests of retention policies in the ledger: what was proved of which policy, on a copy of which shape. */
import type { Json } from "../../core/canonical-json.ts";
import type { Session } from "../postgres/session.ts";

export interface PolicyTest {
  task: string;
  environment: string;
  policy: string;
  release: string;
  /** Of the policy, as `ledger.prunes` has it. */
  digest: string;
  /** Of the shape that it was tested on. */
  fingerprint: string;
  passed: boolean;
  result: Json;
  testedAt: Date;
}

const COLUMNS = `task, environment, policy, release, digest, fingerprint, passed, result, tested_at as "testedAt"`;

/** Notes a test, once for each task. */
export async function putPolicyTest(session: Session, test: Omit<PolicyTest, "testedAt">): Promise<void> {
  await session.query(
    `insert into ledger.policy_tests (task, environment, policy, release, digest, fingerprint, passed, result)
      values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (task) do nothing`,
    [
      ...[test.task, test.environment, test.policy, test.release, test.digest, test.fingerprint],
      ...[test.passed, JSON.stringify(test.result)],
    ],
  );
}

/** The newest tests of an environment's policy first. */
export async function listPolicyTests(
  session: Session,
  environment: string,
  options: { policy?: string; limit: number },
): Promise<PolicyTest[]> {
  return session.query<PolicyTest>(
    `select ${COLUMNS} from ledger.policy_tests where environment = $1 and ($2::text is null or policy = $2)
      order by tested_at desc, task desc limit $3`,
    [environment, options.policy ?? null, options.limit],
  );
}

/** The newest test of exactly this policy on this environment and shape: what came of it counts, and of nothing before. */
export async function findPolicyTest(
  session: Session,
  of: { environment: string; policy: string; digest: string; fingerprint: string },
): Promise<PolicyTest | undefined> {
  const [row] = await session.query<PolicyTest>(
    `select ${COLUMNS} from ledger.policy_tests where environment = $1 and policy = $2 and digest = $3 and fingerprint = $4
      order by tested_at desc, task desc limit 1`,
    [of.environment, of.policy, of.digest, of.fingerprint],
  );
  return row;
}
