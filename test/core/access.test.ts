/** Who may do what: roles, environments, and how a credential narrows them. */
import { expect, test } from "vitest";
import {
  ACCESS_ROLES,
  covers,
  environmentsFor,
  type Grant,
  may,
  narrow,
  PERMISSIONS,
  rolesWith,
  tidy,
} from "../../core/access.ts";

const grants = (...each: string[]): Grant[] =>
  each.map((text) => {
    const [environment = "", role = ""] = text.split("=");
    return { environment, role: role as Grant["role"] };
  });

test("each role may what it is there for, and everybody with a role may read", () => {
  const table = Object.fromEntries(
    ACCESS_ROLES.map((role) => [
      role,
      PERMISSIONS.filter((permission) => may({ grants: grants(`dev=${role}`) }, permission, "dev")),
    ]),
  );
  expect(table).toEqual({
    viewer: ["read"],
    promoter: ["read", "promote"],
    approver: ["read", "decide"],
    admin: ["read", "promote", "decide", "administer"],
  });
  expect(rolesWith("decide")).toEqual(["approver", "admin"]);
});

test("a role on one environment gives nothing on another, nor on all of them", () => {
  const actor = { grants: grants("dev=admin") };
  expect(may(actor, "read", "prod")).toBe(false);
  expect(may(actor, "administer", "*")).toBe(false);
  expect(may({ grants: grants("*=viewer") }, "read", "prod")).toBe(true);
  expect(may({ grants: [] }, "read", "dev")).toBe(false);
});

test("where somebody may is told by name, or as all", () => {
  const actor = { grants: grants("b=promoter", "a=viewer", "a=approver") };
  expect(environmentsFor(actor, "read")).toEqual(["a", "b"]);
  expect(environmentsFor(actor, "promote")).toEqual(["b"]);
  expect(environmentsFor(actor, "administer")).toEqual([]);
  expect(environmentsFor({ grants: grants("a=viewer", "*=approver") }, "read")).toBe("*");
});

test.each([
  ["the whole", ["*=admin"], null, ["*=admin"]],
  ["one environment of all", ["*=admin"], ["dev=admin"], ["dev=admin"]],
  ["a lesser role", ["*=admin"], ["*=viewer"], ["*=viewer"]],
  ["never a greater one", ["dev=viewer"], ["*=admin"], ["dev=viewer"]],
  ["never another environment", ["dev=admin"], ["prod=admin"], []],
  ["what promoter and approver have in common", ["dev=promoter"], ["dev=approver"], ["dev=viewer"]],
  ["each environment by itself", ["a=promoter", "b=approver"], ["*=promoter"], ["a=promoter", "b=viewer"]],
  ["nothing", ["*=admin"], [], []],
])("a scope gives %s", (_, held, scope, given) => {
  expect(narrow(grants(...held), scope && grants(...scope))).toEqual(grants(...given));
});

test("a scope never gives what its person does not hold, nor what it does not name, whatever both are", () => {
  const each = ["*", "a", "b"].flatMap((environment) =>
    ACCESS_ROLES.map((role): Grant => ({ environment, role })),
  );
  const pairs = each.flatMap((one, index) => each.slice(index).map((other) => [one, other]));
  for (const held of pairs)
    for (const scope of pairs) {
      const actor = { grants: narrow(held, scope) };
      for (const permission of PERMISSIONS)
        for (const environment of ["a", "b", "c", "*"]) {
          const both =
            may({ grants: held }, permission, environment) && may({ grants: scope }, permission, environment);
          expect(may(actor, permission, environment)).toBe(both);
        }
    }
});

test("a grant is covered only by as much in the same place or in all", () => {
  expect(covers(grants("*=promoter"), grants("dev=promoter", "prod=viewer"))).toBe(true);
  expect(covers(grants("dev=promoter", "dev=approver"), grants("dev=admin"))).toBe(false);
  expect(covers(grants("dev=admin"), grants("*=viewer"))).toBe(false);
});

test("grants are tidied: each once, and none that another holds already", () => {
  expect(tidy(grants("b=viewer", "*=viewer", "a=promoter", "a=promoter", "a=approver"))).toEqual(
    grants("*=viewer", "a=promoter", "a=approver"),
  );
});
