/** A promotion watched in a terminal: drawn in place, at any width, and left as a terminal should be. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { toErrorRecord } from "../../core/errors.ts";
import { updatePromotion } from "../../io/ledger/promotions.ts";
import { type Attempt, beginStep, finishStep, writeProgress } from "../../io/ledger/steps.ts";
import { ask, play, start } from "../api/course.ts";
import { KEY, registerFresh, uploadRelease } from "../api/world.ts";
import { type CommandWorld, openCommandWorld } from "./command.ts";
import { type PseudoTerminal, runInTerminal } from "./pseudo-terminal.ts";

let world: CommandWorld;
let release: string;

beforeAll(async () => {
  world = await openCommandWorld();
  release = await uploadRelease(world);
});

afterAll(async () => {
  // Whoever still follows, because a test failed, keeps the service from closing.
  for (const terminal of opened) terminal.close();
  await world.close();
});

const opened: PseudoTerminal[] = [];

function watch(id: string, size: { columns: number; rows: number }, variables: Record<string, string> = {}) {
  const terminal = runInTerminal(["watch", id], {
    ...size,
    variables: { REHEARSAL_URL: world.url, REHEARSAL_KEY: KEY, ...variables },
  });
  opened.push(terminal);
  return terminal;
}

async function begun(name: string, policy: object = {}) {
  await registerFresh(world, name, { policy });
  return (await start(world, name, release)).id;
}

/** Begins a step that has come half its way. */
async function underWay(id: string, now: string): Promise<Attempt> {
  const { ledger } = world;
  return ledger.transaction(async () => {
    const it = await beginStep(ledger, id, "restore", { everyTime: true });
    if (!("attempt" in it)) throw new Error("the step is done already");
    await writeProgress(ledger, it.attempt, {
      ...{ done: { bytes: 600_000_000, rows: 1_700_000 }, total: { bytes: 1_200_000_000, rows: 3_400_000 } },
      now,
    });
    return it.attempt;
  });
}

/** Lines that tell a step. */
const stepsOf = (lines: string[]) => lines.filter((line) => /^[✓✗·?⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] /u.test(line));

/** A drawing comes in pieces; its last line is that of the step that comes last. */
const wholly = (text: string) => text.includes("· open");

test("the runbook is drawn in place: done, failed, running with a bar, to come; and it stays as it ended", async () => {
  const id = await begun("drawn");
  await play(world, id, "admit");
  await play(world, id, "snapshot");
  await play(world, id, "back-up", "failed");
  await play(world, id, "back-up");
  const attempt = await underWay(id, '"public"."漢字テーブル"');
  const terminal = watch(id, { columns: 100, rows: 30 });
  await terminal.until((text) => text.includes("50 %") && wholly(text));
  const lines = terminal.screen();
  expect(lines[0]).toMatch(new RegExp(`^${id}: "drawn" to release ${release.slice(0, 12)}, \\d`));
  expect(lines.slice(1, 7)).toEqual([
    expect.stringMatching(/^✓ admit {12}\d\.\d s {2}3 rows$/),
    expect.stringMatching(/^✓ snapshot {9}\d\.\d s {2}3 rows$/),
    expect.stringMatching(/^✓ back-up \(try 2\) .*3 rows$/),
    "    try 1 failed: an unforeseen failure: by hand",
    // How much longer is told from the first second on.
    expect.stringMatching(/^\S restore .*█{10}░{10} 50 % {2}(?:\S+ s left {2})?600\.0 MB, 1,700,000 rows/),
    '    "public"."漢字テーブル"',
  ]);
  const coming = ["rehearse", "decide", "fence", "migrate", "verify", "open"];
  expect(stepsOf(lines).slice(4)).toEqual(coming.map((step) => `· ${step}`));
  expect(terminal.cursorSeen()).toBe(false);

  await world.ledger.transaction(() =>
    finishStep(world.ledger, attempt, { error: toErrorRecord(new Error("lost")) }),
  );
  await play(world, id, "refuse");
  await updatePromotion(world.ledger, id, { status: "refused", error: toErrorRecord(new Error("lost")) });
  expect(await terminal.ended).toBe(1);
  const stays = terminal.screen();
  expect(stays.filter((line) => line.includes("restore"))).toEqual([
    expect.stringMatching(/^✗ restore .*an unforeseen failure: lost$/),
  ]);
  expect(stepsOf(stays).at(-1)).toMatch(/^✓ refuse/);
  expect(stays).toContain(`${id}: refused; production is as it was`);
  expect(terminal.cursorSeen()).toBe(true);
});

test("at 40 columns and 12 rows nothing is wider or higher, and what a resize has folded does not stay", async () => {
  const id = await begun("narrow");
  for (const step of ["admit", "snapshot", "back-up"] as const) await play(world, id, step);
  await underWay(id, '"public"."a table with a name that is longer than the terminal is wide, 漢字テーブル"');
  const terminal = watch(id, { columns: 100, rows: 30 });
  await terminal.until((text) => text.includes("░ 50 %") && wholly(text));
  terminal.resize(40, 30);
  await terminal.until((text) => !text.includes("░") && text.includes("50 %") && wholly(text));
  const narrow = terminal.screen();
  expect(narrow[0]).toMatch(/^p\w+: "narrow" to release .*…$/);
  expect(narrow.filter((line) => line.includes(id))).toHaveLength(1);
  expect(narrow.filter((line) => line.includes("restore"))).toEqual([expect.stringMatching(/50 %/)]);
  expect(narrow.find((line) => line.startsWith("    "))).toMatch(/…$/);
  expect(stepsOf(narrow)).toHaveLength(10);
  terminal.resize(40, 8);
  await terminal.until((text) => text.includes("· 6 steps to come"));
  expect(terminal.visible()[0]).toMatch(/"narrow"/);
  terminal.type("\u0003");
  expect(await terminal.ended).toBe(130);
});

test("while it waits the terminal says how to decide, and Ctrl-C leaves it clean and says how to go on", async () => {
  const id = await begun("waits", { decision: "approval" });
  await ask(world, id);
  const terminal = watch(id, { columns: 80, rows: 24 }, { NO_COLOR: "1" });
  await terminal.until((text) => text.includes(`rehearsal reject ${id}`) && text.includes("who:"));
  expect(terminal.screen()).toContain('who:      an approver or admin of "waits"');
  expect(stepsOf(terminal.screen())).toContainEqual(
    expect.stringMatching(/^\? decide .*somebody has to decide$/),
  );
  terminal.type("\u0003");
  expect(await terminal.ended).toBe(130);
  const lines = terminal.screen();
  expect(lines.slice(-2).join("")).toBe(
    `${id} goes on by itself; follow it again with: rehearsal watch ${id}`,
  );
  expect(lines.filter((line) => line.includes(`rehearsal approve ${id}`))).toHaveLength(1);
  expect(terminal.cursorSeen()).toBe(true);
  // NO_COLOR: nothing but what moves the cursor.
  expect(terminal.written()).not.toMatch(new RegExp(`${"\u001b"}\\[[0-9;]*m`));
});

test.each([[{ CI: "true" }], [{ TERM: "dumb" }]])("with %j it is told in lines", async (variables) => {
  const id = await begun(`plain-${Object.keys(variables)}`.toLowerCase());
  await play(world, id, "admit");
  const terminal = watch(id, { columns: 80, rows: 24 }, { NO_COLOR: "1", ...variables });
  await terminal.until((text) => text.includes("admit"));
  await play(world, id, "snapshot");
  await updatePromotion(world.ledger, id, { status: "promoted" });
  expect(await terminal.ended).toBe(0);
  expect(terminal.screen().slice(0, 2)).toEqual([
    expect.stringMatching(/^done {5}admit /),
    expect.stringMatching(/^done {5}snapshot /),
  ]);
  expect(terminal.written()).not.toContain("\u001b");
});
