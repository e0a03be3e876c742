import { expect, test } from "vitest";
import { JSON_SHAPES } from "../../cli/json-shapes.ts";
import { buildProgram, everyCommand } from "../../cli/program.ts";
import { jsonPage } from "../../docs/json-page.ts";
import { assertShape } from "./command.ts";

test("every command that has --json has a shape, and no other", () => {
  const program = buildProgram(() => async () => undefined, { out: () => undefined });
  const commands = everyCommand(program)
    .filter(({ options }) => options.some(({ long }) => long === "--json"))
    .map((command) =>
      command.parent === null || command.parent === program
        ? command.name()
        : `${command.parent.name()} ${command.name()}`,
    );
  expect(Object.keys(JSON_SHAPES).sort()).toEqual(commands.sort());
});

test("the page tells names, types, and what may be missing or null", () => {
  const page = jsonPage();
  for (const part of [
    "## `rehearsal promote`",
    "  evidence: string | null;",
    '  status: "ok" | "warning" | "failed";',
    "  uploaded?: boolean;",
    "  bytes: number;",
  ])
    expect(page).toContain(part);
});

test("a document that lacks what the page names is no document of the command, and more is", () => {
  const whole = { url: "http://x/console", opened: false, more: 1 };
  assertShape(["open", "prod", "--print"], whole);
  assertShape(["open"], { error: { code: "NotFound", message: "m", hint: "h", facts: {} } });
  expect(() => assertShape(["open"], { url: "http://x/console" })).toThrow("docs/json.md does not know");
});
