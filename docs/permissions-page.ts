/** docs/permissions.md: what each role of a deployment may do, made from the table that the roles are made from. */
import type { RoleName } from "../infra/deployment.ts";
import { NO_REACH } from "../infra/permissions/listed.ts";
import { type Statement, statementsOf, TABLE, UNSCOPED } from "../infra/permissions/permissions.ts";
import { reachOf } from "../infra/permissions/reach.ts";
import { trustOf } from "../infra/permissions/trust.ts";
import { CONTROL_USER, parseSettings } from "../infra/settings.ts";
import { table } from "./markdown.ts";

/** The page's example: names are told as they would be there. */
const EXAMPLE = {
  app: "rehearsal",
  stage: "prod",
  partition: "aws",
  region: "eu-west-1",
  account: "123456789012",
} as const;

const AROUND = {
  ...parseSettings("deploy/prod.yaml", new Uint8Array()),
  controlCluster: "cluster-EXAMPLE",
  masterSecret: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!cluster-example-AbCdEf",
  imageRepository: "arn:aws:ecr:eu-west-1:123456789012:repository/rehearsal-prod",
  emailFrom: "rehearsal@example.com",
  reach: {
    ...NO_REACH,
    storageBuckets: ["shop-uploads"],
    storageKeys: ["arn:aws:kms:eu-west-1:123456789012:key/EXAMPLE"],
    configurationObjects: ["shop-config/production/*"],
    configurationSecrets: ["shop/production/*"],
    configurationParameters: ["/shop/production/*"],
    accounts: ["210987654321"],
    databaseUsers: {
      environments: ["arn:aws:rds-db:eu-west-1:123456789012:dbuser:db-EXAMPLE/production"],
      copies: ["arn:aws:rds-db:eu-west-1:123456789012:dbuser:db-EXAMPLE/copies"],
    },
  },
};

const HEAD = `# Permissions

What each part of a deployment may do in AWS. Made from \`infra/permissions/\` by \`node docs/generate.ts\`, as the roles themselves are; nothing is granted that does not stand here. Why it is so, and what an attacker with one of these roles still could do, is in [decision 39](decisions/0039-least-privilege-proved.md).

Every function, machine and caller has a role of its own, with one inline policy. No action has a wildcard. A resource is named by the deployment, or listed under \`reach\` in the stage's settings: what is not listed is not granted. Each function may besides write its own log, send traces, be attached to the network by Lambda (its code may not), log in to the control database, and have its bucket's and secrets' key used by the service that keeps them.

Three duties are kept apart, and tests hold the table and the evaluated deployment to it:

- Nobody who may answer a waiting promotion can come by credentials of a database. The container of \`compute: fargate\` may not either: \`answer\` hands its word on, and turns away what is a decision's.
- Whoever makes and drops copies (\`restore\`, \`rehearse\`, \`put-away\`, \`sweep\`) has the copies' credentials and no way to production's.
- Nobody can remove the log or the ledger's copy, shorten a lock, or change the bucket, a key or a role.

That the rights suffice is proved by running: the suites of promotions, rollbacks, storage, backups and the command run with every request of every function held against its role, and denied where it is not granted (\`test/infra/permissions/guard.ts\`).
`;

const ROLES = Object.keys(TABLE) as RoleName[];
const FUNCTIONS = ROLES.filter((role) => serviceOf(role) === "lambda.amazonaws.com");

/** What every function has, which its own line leaves out. */
const COMMON = new Set(
  TABLE.hold.map(({ words }) => words).filter((words) => FUNCTIONS.every((role) => has(role, words))),
);

/** What telling takes, which almost every function does. */
const TELLING = new Set(
  TABLE.hold.map(({ words }) => words).filter((words) => !COMMON.has(words) && has("notify", words)),
);

export function permissionsPage(): string {
  return [
    HEAD,
    "## Functions\n",
    `Who *tells* may ${[...TELLING].join("; ")}.\n`,
    table(
      ["Function", "May, besides what every function may"],
      FUNCTIONS.map((role) => [role, wordsOf(role)]),
    ),
    "\n## Who calls them, and the container\n",
    table(
      ["Role", "Taken by", "May"],
      ROLES.filter((role) => !FUNCTIONS.includes(role)).map((role) => [role, serviceOf(role), wordsOf(role)]),
    ),
    "\n## For every resource\n",
    "AWS knows no resource for these actions; a test asks its service authorization reference about each.\n",
    table(
      ["Action", "Why", "Who"],
      Object.entries(UNSCOPED).map(([action, why]) => [action, why, holdersOf(action)]),
    ),
    "\n## What each right is\n",
    "As it stands for the stage `prod` in the account 123456789012, where the settings list one thing of each kind.\n",
    table(["May", "Actions", "Resources", "Only where"], rightsInFull()),
    "",
  ].join("\n");
}

/** Each right once, however many roles have it; what is the same for all but a name is told of the first that has it. */
function rightsInFull(): string[][] {
  const rights = new Map<string, Statement[]>();
  for (const role of ROLES)
    for (const { words, statements } of TABLE[role])
      if (!rights.has(words)) rights.set(words, statements(EXAMPLE, reachOf(EXAMPLE, AROUND, CONTROL_USER)));
  return [...rights].flatMap(([words, statements]) =>
    statements.map((statement) => [plain(words), ...rowOf(statement)]),
  );
}

function rowOf({ Action, Resource, Condition = {} }: Statement): string[] {
  const conditions = Object.entries(Condition).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, values]) => `${operator} ${key}: ${[values].flat().join(", ")}`),
  );
  return [Action.join("\n"), Resource.join("\n"), conditions.join("\n")];
}

function wordsOf(role: RoleName): string {
  const words = TABLE[role].map((grant) => grant.words).filter((text) => !COMMON.has(text));
  const tells = [...TELLING].every((text) => words.includes(text));
  const own = tells ? ["tells", ...words.filter((text) => !TELLING.has(text))] : words;
  return [...new Set(own)].map(plain).join("; ");
}

const plain = (words: string) => words.replaceAll("`", "");

function has(role: RoleName, words: string): boolean {
  return TABLE[role].some((grant) => grant.words === words);
}

function serviceOf(role: RoleName): string {
  return trustOf(role, EXAMPLE).Principal.Service;
}

function holdersOf(action: string): string {
  const holders = ROLES.filter((role) =>
    statementsOf(role, EXAMPLE, AROUND).some(
      ({ Action, Resource }) => Action.includes(action) && Resource.includes("*"),
    ),
  );
  const others = holders.filter((role) => !FUNCTIONS.includes(role));
  return (others.length + FUNCTIONS.length === holders.length ? ["every function", ...others] : holders).join(
    ", ",
  );
}
