/** Duties that are kept apart, as properties of the whole table; the same rules look at the deployed roles in program.test.ts. */
import { expect, test } from "vitest";
import { STEPS } from "../../../core/steps.ts";
import { STEP_CREDENTIALS } from "../../../functions/credentials.ts";
import { type RoleName, roleName, secretArns } from "../../../infra/deployment.ts";
import { statementsOf, TABLE } from "../../../infra/permissions/permissions.ts";
import { FUNCTION_NAMES } from "../../../workflows/modules.ts";
import { approves, type Roles, reaches, separationBroken } from "../rules/separation.ts";
import { DEPLOYMENT as d, surroundings } from "./place.ts";

const around = surroundings();
const listed = {
  ...around,
  reach: {
    ...around.reach,
    accounts: ["111111111111"],
    databaseUsers: {
      environments: ["arn:aws:rds-db:us-east-1:000000000000:dbuser:cluster-ABC/production"],
      copies: ["arn:aws:rds-db:us-east-1:000000000000:dbuser:cluster-ABC/copies"],
    },
  },
};
const of = (role: RoleName) => statementsOf(role, d, listed);
const roles: Roles = new Map((Object.keys(TABLE) as RoleName[]).map((role) => [roleName(d, role), of(role)]));

test("no function may both approve and migrate, and who makes copies has no way to production", () => {
  expect(separationBroken(d, roles)).toEqual([]);
});

test.each<[string, RoleName, RoleName]>([
  ["approving were given to who migrates", "migrate", "decide"],
  ["production's credentials were given to who approves", "api", "look"],
  ["production's credentials were given to who restores", "restore", "migrate"],
])("it would be seen if %s", (_, role, other) => {
  const mixed = new Map(roles).set(roleName(d, role), [...of(role), ...of(other)]);
  expect(separationBroken(d, mixed)).not.toEqual([]);
});

test("answers are given by the API, the policy's step, who repeats them and who hands on the container's word, and by nobody else", () => {
  const who = (Object.keys(TABLE) as RoleName[]).filter((role) => approves(of(role)));
  expect(who.sort()).toEqual(["answer", "api", "decide", "reconcile"]);
});

test("each step's role reads the credentials that the step is given, and no others", () => {
  for (const step of STEPS) {
    const given = STEP_CREDENTIALS[step];
    expect([reaches(d, of(step), "environments"), reaches(d, of(step), "copies")], step).toEqual([
      given === "production",
      given === "copies",
    ]);
  }
});

test("databases are reached by the steps that need one, the tasks, the prunes and what sets them off, what looks into them, and what sweeps copies", () => {
  const beside = FUNCTION_NAMES.filter(
    (name) =>
      !(STEPS as readonly string[]).includes(name) &&
      (reaches(d, of(name), "environments") || reaches(d, of(name), "copies")),
  );
  expect(beside.sort()).toEqual([
    "archived",
    "back-up-worker",
    "drain",
    "drift",
    "look",
    "prune",
    "sweep",
    "task",
  ]);
});

test("credentials are written by what registers environments alone, and it cannot approve", () => {
  const writes = (role: RoleName, use: "environments" | "copies") =>
    of(role).some(
      ({ Action, Resource }) =>
        Action.includes("secretsmanager:PutSecretValue") && Resource.includes(secretArns(d, use)),
    );
  const writers = (Object.keys(TABLE) as RoleName[]).filter(
    (role) => writes(role, "environments") || writes(role, "copies"),
  );
  expect(writers).toEqual(["look"]);
});
