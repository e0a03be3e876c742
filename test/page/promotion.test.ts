/** A promotion's page over HTTP: decided by its forms, ended, followed, and read by each only as far as they may. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fingerprint, type Shape } from "../../core/shape.ts";
import { writeArtifact } from "../../functions/artifacts.ts";
import { keepShape } from "../../functions/shapes.ts";
import { updatePromotion } from "../../io/ledger/promotions.ts";
import { ask, EVIDENCE, end, play, start } from "../api/course.ts";
import {
  KEY,
  keepPerson,
  OTHER_KEY,
  openWorld,
  registerFresh,
  uploadRelease,
  type World,
} from "../api/world.ts";
import { reportOf } from "../web/console/promotion-view.ts";
import { type Visitor, visit } from "./visitor.ts";

let world: World;
let release: string;
/** Who asks for every promotion, and another admin. */
let tester: Visitor;
let other: Visitor;

beforeAll(async () => {
  world = await openWorld();
  release = await uploadRelease(world);
  tester = await visit(world, KEY);
  other = await visit(world, OTHER_KEY);
});

afterAll(async () => {
  await world.close();
});

let made = 0;

async function begun(role: "dev" | "prod" = "prod") {
  const environment = `page-${++made}`;
  await registerFresh(world, environment, { role, policy: { decision: "approval" } });
  const { id } = await start(world, environment, release);
  return { id, environment, path: `/console/promotions/${id}` };
}

async function waiting(role?: "dev" | "prod") {
  const found = await begun(role);
  await ask(world, found.id);
  return found;
}

async function held() {
  const found = await begun();
  await play(world, found.id, "hold");
  await updatePromotion(world.ledger, found.id, { status: "held" });
  return found;
}

const show = async (id: string) =>
  (
    await world.call<{ status: string; asked: string; approval: { status: string; comment: string } }>(
      "GET",
      `/promotions/${id}`,
    )
  ).body;

describe("what the page shows", () => {
  test("is the runbook, the report beside the schema, the evidence, the log with its chain, and artifacts", async () => {
    const { id, path } = await waiting();
    const shapes = ["one", "other"].map(
      (type): Shape => ({
        format: "rehearsal-shape/1",
        objects: { "table public.books": { schema: "public", name: "books", columns: { title: { type } } } },
      }),
    );
    const [before, after] = shapes as [Shape, Shape];
    await keepShape(world.store, before);
    const prefix = `promotions/${id}/rehearse/1/`;
    const report = {
      ...reportOf("books", [10]),
      ...{ fingerprintBefore: fingerprint(before), fingerprintAfter: fingerprint(after) },
    };
    const written = await writeArtifact(world.store, `${prefix}report.json`, report);
    const expected = await writeArtifact(world.store, `${prefix}expectations.json`, {
      ...{ format: "rehearsal-expectations/1", runs: [{ shape: after }] },
    });
    await updatePromotion(world.ledger, id, {
      facts: {
        rehearsal: {
          ...{ key: written.key, sha256: written.sha256, fingerprints: [] },
          ...{ expectationsKey: expected.key, expectationsSha256: expected.sha256 },
        },
      },
    });
    const answer = await other.get(path);
    const page = await answer.text();
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
    expect(answer.headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; style-src 'self'; script-src 'self';/,
    );
    for (const part of ["runbook", "rehearsal", "evidence", "log", "artifacts"])
      expect(page).toContain(`id="${part}"`);
    expect(page).toContain("<code>one</code>");
    expect(page).toContain("<code>other</code>");
    expect(page).toContain(EVIDENCE);
    expect(page).toContain("chain verified");
    const href = `${path}/artifacts/rehearse/1/report.json`;
    expect(page).toContain(`<a href="${href}">`);
    const redirected = await other.get(href);
    expect(redirected.status).toBe(302);
    const fetched = await fetch(redirected.headers.get("location") ?? "");
    expect(await fetched.json()).toMatchObject({ promotion: "p1" });
    expect((await other.get(`${path}/artifacts/rehearse/1/none.json`)).status).toBe(404);
  });

  test("is loaded again by itself where no script runs, as long as it goes on by itself and nobody types", async () => {
    const { id, path } = await begun();
    expect(await tester.read(path)).toContain('<noscript><meta http-equiv="refresh"');
    await ask(world, id);
    expect(await tester.read(path)).not.toContain('http-equiv="refresh"');
  });

  test("tells of an event that somebody has changed in the ledger", async () => {
    const { id, path } = await begun("dev");
    const [row] = await world.ledger.query<{ seq: string; body: string }>(
      "select seq, body from ledger.events where promotion = $1 limit 1",
      [id],
    );
    // As somebody would who owns the ledger's tables.
    const write = async (body?: string) => {
      await world.ledger.query("alter table ledger.events disable trigger events_append_only");
      await world.ledger.query("update ledger.events set body = $2 where seq = $1", [row?.seq, body]);
      await world.ledger.query("alter table ledger.events enable trigger events_append_only");
    };
    await write(row?.body.replace("tester", "nobody"));
    const page = await tester.read(path);
    await write(row?.body);
    expect(page).toContain("chain broken");
    expect(page).toContain(`Event ${row?.seq} does not hold: its body does not have the hash it carries`);
    expect(await tester.read(path)).toContain("chain verified");
  });
});

describe("a decision by the form", () => {
  test("is refused to whoever asked for the promotion, and taken from a second person with the comment", async () => {
    const { id, path } = await waiting();
    expect(await tester.read(path)).toContain("You asked for this promotion; another approver must decide.");
    expect(await tester.read(path)).not.toContain(">Approve<");
    const own = await tester.force(`${path}/approve`, { evidence: EVIDENCE, comment: "mine" });
    const again = await own.text();
    expect(own.status).toBe(403);
    expect(again).toContain('role="alert"');
    expect(again).toContain("OwnApproval");
    expect(again).toContain(">mine</textarea>");
    expect((await show(id)).status).toBe("waiting");
    const answer = await other.submit(path, `${path}/approve`, { comment: "read it, <go>" });
    expect([answer.status, answer.headers.get("location")]).toEqual([303, path]);
    expect((await show(id)).approval).toMatchObject({ status: "approved", comment: "read it, <go>" });
    expect((await world.execution(id)).status).toBe("SUCCEEDED");
    expect(await other.read(path)).toContain("other approved and said: “read it, &lt;go&gt;”.");
  });

  test("is for the evidence that the page showed, and for no other", async () => {
    const { id, path } = await waiting();
    const page = await other.read(path);
    expect(page).toContain(`name="evidence" value="${EVIDENCE}"`);
    const answer = await other.force(`${path}/approve`, { evidence: "d".repeat(64), comment: "what I saw" });
    expect(answer.status).toBe(409);
    const again = await answer.text();
    expect(again).toContain("EvidenceChanged");
    expect(again).toContain(">what I saw</textarea>");
    const none = await other.force(`${path}/approve`);
    expect([none.status, (await none.text()).includes("InputInvalid")]).toEqual([400, true]);
    expect((await show(id)).status).toBe("waiting");
    await end(world, id);
  });

  test("may be a rejection, by the requester as well", async () => {
    const { id, path } = await waiting();
    const answer = await tester.submit(path, `${path}/reject`, { comment: "not today" });
    expect(answer.status).toBe(303);
    expect((await show(id)).approval).toMatchObject({ status: "rejected", comment: "not today" });
    const late = await other.force(`${path}/approve`, { evidence: EVIDENCE });
    expect([late.status, (await late.text()).includes("ApprovalNotWanted")]).toEqual([409, true]);
    expect((await tester.get(`${path}/approve`)).headers.get("location")).toBe(path);
  });
});

describe("an end by the form", () => {
  test("a cancellation is asked for once, and too late is told", async () => {
    const { id, path } = await begun();
    expect((await tester.submit(path, `${path}/cancel`)).status).toBe(303);
    expect((await show(id)).asked).toBe("cancel");
    const page = await tester.read(path);
    expect(page).toContain("A cancellation was asked for");
    expect(page).not.toContain(`action="${path}/cancel"`);
    const late = await begun();
    await play(world, late.id, "decide");
    await play(world, late.id, "open", "running");
    const answer = await tester.force(`${late.path}/cancel`);
    expect([answer.status, (await answer.text()).includes("CancelTooLate")]).toEqual([409, true]);
  });

  test("a rollback of prod wants the environment's name typed, and nothing else", async () => {
    const { id, environment, path } = await held();
    for (const confirm of ["", "staging"]) {
      const answer = await tester.submit(path, `${path}/rollback`, { confirm });
      const page = await answer.text();
      expect([answer.status, page.includes("ConfirmationMissing")]).toEqual([422, true]);
      expect(page).toContain(`name="confirm" type="text" value="${confirm}"`);
    }
    expect((await show(id)).status).toBe("held");
    expect((await tester.submit(path, `${path}/rollback`, { confirm: environment })).status).toBe(303);
    expect((await show(id)).status).toBe("running");
    expect((await world.execution(`${id}-rollback-1`, world.rollbackMachine)).status).toBe("RUNNING");
    expect(await tester.read(path)).not.toContain(`action="${path}/rollback"`);
  });

  test("elsewhere a rollback is one press, and only while a step will heed it", async () => {
    const { id, path } = await begun("dev");
    await play(world, id, "decide");
    expect(await tester.read(path)).not.toContain(`action="${path}/rollback"`);
    await play(world, id, "migrate", "running");
    expect((await tester.submit(path, `${path}/rollback`)).status).toBe(303);
    expect((await show(id)).asked).toBe("roll-back");
  });
});

describe("roles", () => {
  test("a viewer reads and does nothing, an approver decides and ends nothing, a stranger learns nothing", async () => {
    const { id, environment, path } = await waiting();
    const as = async (role: "viewer" | "approver", where: string) => {
      const key = `rk_${role}_${where}`;
      await keepPerson(world.ledger, `${role}-${where}`, key, [{ environment: where, role }]);
      return visit(world, key);
    };
    const viewer = await as("viewer", environment);
    const seen = await viewer.read(path);
    expect(seen).toContain(`It takes the role of approver or admin in ${environment} to decide.`);
    expect(seen).not.toContain(`action="${path}`);
    for (const what of ["approve", "reject", "cancel", "rollback"])
      expect((await viewer.force(`${path}/${what}`, { evidence: EVIDENCE })).status).toBe(403);
    const approver = await as("approver", environment);
    expect(await approver.read(path)).toContain(`action="${path}/approve"`);
    expect(await approver.read(path)).not.toContain(`action="${path}/cancel"`);
    const stranger = await as("approver", "elsewhere");
    for (const what of ["", "/live?since=", "/artifacts/rehearse/1/report.json"])
      expect((await stranger.get(path + what)).status).toBe(404);
    expect((await stranger.force(`${path}/approve`, { evidence: EVIDENCE })).status).toBe(404);
    expect((await show(id)).status).toBe("waiting");
  });

  test("abuse 27: a viewer and an approver get none of a backup's rows, and no link to them; a promoter does", async () => {
    const { id, environment, path } = await begun();
    await world.store.put(`backups/${environment}/${id}-1/data/rows.zst`, Buffer.from("rows"));
    const rows = `${path}/artifacts/backup/1/data/rows.zst`;
    const answers: [role: string, status: number, linked: boolean][] = [];
    for (const role of ["viewer", "approver", "promoter"] as const) {
      await keepPerson(world.ledger, `rows-${role}`, `rk_rows_${role}`, [{ environment, role }]);
      const visitor = await visit(world, `rk_rows_${role}`);
      const linked = (await visitor.read(path)).includes(`href="${rows}"`);
      answers.push([role, (await visitor.get(rows)).status, linked]);
    }
    expect(answers).toEqual([
      ["viewer", 403, false],
      ["approver", 403, false],
      ["promoter", 302, true],
    ]);
  });
});

describe("following", () => {
  const version = (text: string) => / data-version="([^"]*)"/.exec(text)?.[1] ?? "";

  test("answers at once when something is new, and else as soon as something is", async () => {
    const { id, path } = await begun();
    const first = await tester.read(`${path}/live?since=`);
    expect(first).toMatch(/^<div id="promotion"/);
    expect(first).not.toContain("<html");
    const next = tester.get(`${path}/live?since=${version(first)}`);
    await play(world, id, "admit", "running");
    const answer = await next;
    expect(answer.status).toBe(200);
    const text = await answer.text();
    expect(text).toContain('data-says="The promotion of ');
    expect(text).toContain("is at the step Admit.");
    expect(version(text)).not.toBe(version(first));
    expect(version(await tester.read(path))).toBe(version(text));
  });
});
