import { expect, test } from "vitest";
import { readRole, readStateFile, writeStateFile } from "../../core/workspace.ts";

test.each([
  ["prod\n", "prod"],
  ["# what this machine is\r\n\r\n  PROD \r\n", "prod"],
  ["", ""],
  ["# nothing", ""],
])("the role file %j says %j", (text, role) => {
  expect(readRole(text)).toBe(role);
});

test("a state file is kept with all that others wrote into it, and names the promotion only while one runs", () => {
  const read = readStateFile('{"since":"2026-01-01","state":"canonical","by":{"team":"platform"}}');
  if (typeof read === "string") throw new Error(read);
  const running = writeStateFile(read, "provisional", "p1");
  expect(JSON.parse(running)).toEqual({
    state: "provisional",
    promotion: "p1",
    since: "2026-01-01",
    by: { team: "platform" },
  });
  const after = readStateFile(running);
  if (typeof after === "string") throw new Error(after);
  expect(JSON.parse(writeStateFile(after, "canonical"))).toEqual(read);
  expect(writeStateFile(undefined, "writeable")).toBe('{\n  "state": "writeable"\n}\n');
});

test.each([
  ["canonical", "it is not JSON"],
  ["[]", "it is no object"],
  ['{"state":"frozen"}', "it is no object whose"],
])("a state file that holds %s is told as what it is", (text, problem) => {
  expect(readStateFile(text)).toContain(problem);
});
