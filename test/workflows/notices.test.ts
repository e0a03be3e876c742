/**
 * Notices on their way: of a real promotion and of drift, to receivers that fail as receivers do.
 * Long because it is all about one service, and what a test of it costs is the start of one.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { appendEvent, lockLog } from "../../io/ledger/events.ts";
import { openSession } from "../../io/postgres/session.ts";
import type { KeptMail } from "../../local/ses.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { LocalService, until } from "../service/local-service.ts";
import { PROJECT, SCHEMA } from "../service/project.ts";
import { type Received, startReceiver, status } from "../service/receiver.ts";

interface Delivery {
  seq: number;
  id: string;
  status: string;
  attempts: number;
  error: string | null;
}

describe("notices", () => {
  let service: LocalService;
  let receiver: Awaited<ReturnType<typeof startReceiver>>;
  let shop: DatabaseAddress;
  let drifts = 0;

  beforeAll(async () => {
    const server = newestServer();
    receiver = await startReceiver();
    // The clock is the test's: what is due again goes out when the test says so.
    service = await new LocalService(server.address, "notices", { notifySeconds: 3_600 }).start();
    shop = await freshDatabase(server, SCHEMA, `notices_${process.pid}`);
    await service.register("shop", shop, { decision: "approval" });
  });

  afterAll(async () => {
    await service.stop();
    await receiver.stop();
    await dropDatabases(shop);
  });

  /** Registers a webhook that hears of drift; returns the peer that verifies what it is sent. */
  async function webhook(name: string, settings: object = {}): Promise<Webhook> {
    const { secret = "" } = await service.must<{ secret?: string }>("PUT", `/destinations/${name}`, {
      ...{ kind: "webhook", target: `${receiver.url}/${name}`, notices: ["drift-found"] },
      ...settings,
    });
    return new Webhook(secret);
  }

  const remove = (name: string) => service.must("DELETE", `/destinations/${name}`);

  async function findDrift(column = `by_hand_${++drifts}`): Promise<void> {
    await execute(shop, `alter table videos add column "${column.replaceAll('"', '""')}" int`);
    await service.must("GET", "/environments/shop/drift");
  }

  async function deliveries(name: string): Promise<Delivery[]> {
    const path = `/destinations/${name}/deliveries`;
    return (await service.must<{ deliveries: Delivery[] }>("GET", path)).deliveries;
  }

  async function notify(): Promise<unknown> {
    const result = await service.stack.lambda.invoke("notify", {});
    if ("error" in result) throw new Error(result.error.errorMessage);
    return result.payload;
  }

  /** Lets the time pass that the ledger waits: for the next attempt, or for a sandbox that may still be at it. */
  const elapse = (name: string) =>
    rows(
      service.control,
      "update ledger.deliveries set due_at = now(), claimed_until = now() - interval '1 s' where destination = $1 returning seq",
      [name],
    );

  const cameTo = (name: string, count: number) => until(() => receiver.at(`/${name}`).length >= count);
  const endedAs = (name: string, wanted: string) =>
    until(async () => (await deliveries(name)).every((one) => one.status === wanted));

  /** What the peer makes of a request; throws when its signature is none. */
  const verified = (peer: Webhook, { headers, body }: Received) =>
    peer.verify(body, headers as Record<string, string>) as {
      type: string;
      data: Record<string, unknown>;
    };

  const log = async () => {
    const { entries } = await service.must<{ entries: { body: string }[] }>("GET", "/log?limit=200");
    return entries.map(({ body }) => JSON.parse(body) as { type: string; data: Record<string, unknown> });
  };

  const mails = () => filesOf<KeptMail>(service.stack.mails);

  /** The names of the secrets about a destination. */
  const keptSecrets = async (name: string) =>
    (await filesOf<{ name: string }>(join(service.folder, "secrets")))
      .map((secret) => secret.name)
      .filter((one) => one.startsWith(`rehearsal/destinations/${name}-`));

  test("of a promotion reach a webhook that verifies them, Slack and a mailbox, with who may act and where", async () => {
    const all = ["approval-wanted", "promoted", "refused", "rolled-back", "held"];
    const peer = await webhook("hook", { notices: all, environments: ["shop"] });
    await webhook("elsewhere", { notices: all, environments: ["other"] });
    const slack = `${receiver.url}/services/T0/B0/very-secret`;
    await service.must("PUT", "/destinations/chat", { kind: "slack", target: slack, notices: all });
    await service.must("PUT", "/destinations/mail", {
      ...{ kind: "email", target: "on-call@shop.example", notices: ["approval-wanted"] },
    });
    const id = await service.promote("shop", await service.release(PROJECT));
    await service.until(id, "waiting");
    await service.must("POST", `/promotions/${id}/approve`, {}, service.keys.reviewer);
    await service.until(id, "promoted");
    await cameTo("hook", 2);
    const [asked, done] = receiver.at("/hook").map((one) => verified(peer, one));
    expect(asked).toMatchObject({
      type: "promotion.approval-wanted",
      data: {
        notice: "approval-wanted",
        environment: "shop",
        promotion: id,
        text: expect.stringMatching(/^operator asks to promote shop to release [0-9a-f]{12}/),
        act: "An approver or admin of shop may approve or reject it, but operator, who asked, cannot approve it.",
        url: `${service.url}/console/promotions/${id}`,
      },
    });
    expect(done).toMatchObject({ type: "promotion.succeeded", data: { title: "shop: promoted" } });
    await until(() => receiver.at("/services/T0/B0/very-secret").length >= 2);
    const [message] = receiver.at("/services/T0/B0/very-secret").map(({ body }) => JSON.parse(body));
    expect(message.blocks[0].text).toEqual({
      type: "plain_text",
      text: "shop: approval wanted",
      emoji: false,
    });
    await until(async () => (await mails()).length > 0);
    expect(await mails()).toMatchObject([
      {
        to: ["on-call@shop.example"],
        subject: "Rehearsal: shop: approval wanted",
        text: expect.stringContaining(`${service.url}/console/promotions/${id}`),
        html: expect.stringContaining(`<a href="${service.url}/console/promotions/${id}">`),
        headers: { "Auto-Submitted": "auto-generated" },
      },
    ]);
    expect(receiver.at("/elsewhere")).toEqual([]);
    const told = JSON.stringify([await log(), await service.must("GET", "/destinations")]);
    expect(told).toContain(receiver.url);
    for (const secret of ["very-secret", "whsec_"]) expect(told).not.toContain(secret);
    for (const name of ["hook", "elsewhere", "chat", "mail"]) await remove(name);
  });

  test("abuse 31: of drift are sent once until something else drifts, and what others have named is no markup in Slack", async () => {
    await service.must("PUT", "/destinations/chat", { kind: "slack", target: `${receiver.url}/chat` });
    await findDrift("<!channel> *b* & <https://x.example|y>");
    await service.must("GET", "/environments/shop/drift");
    await cameTo("chat", 1);
    await findDrift();
    await cameTo("chat", 2);
    const found = receiver.at("/chat");
    expect(found).toHaveLength(2);
    const { blocks, text } = JSON.parse(found[0]?.body ?? "");
    expect(found[0]?.body).not.toContain("<!channel>");
    const quoting = blocks.filter((one: { text: { text: string } }) => one.text.text.includes("!channel"));
    expect(quoting).toMatchObject([
      { text: { type: "plain_text", text: expect.stringContaining("&lt;!channel&gt; *b* &amp;") } },
    ]);
    expect(text).not.toContain("channel");
    const page = (cursor = "") =>
      service.must<{ deliveries: Delivery[]; next: string | null }>(
        "GET",
        `/destinations/chat/deliveries?limit=1${cursor}`,
      );
    const newest = await page();
    const oldest = await page(`&cursor=${newest.next}`);
    expect(newest.deliveries[0]?.seq).toBeGreaterThan(oldest.deliveries[0]?.seq ?? Number.NaN);
    expect(oldest.next).toBeNull();
    await remove("chat");
  });

  test("that a receiver did not take are sent again with the same id and the same body, and with the time of each attempt", async () => {
    const peer = await webhook("flaky");
    receiver.answer("/flaky", status(500), status(503, { "retry-after": "3600" }));
    await findDrift();
    await cameTo("flaky", 1);
    await until(async () => (await deliveries("flaky"))[0]?.error !== null);
    expect(await deliveries("flaky")).toMatchObject([
      { status: "waiting", attempts: 1, error: "it answered 500" },
    ]);
    // Not before it is due.
    expect(await notify()).toEqual({ delivered: 0, failed: 0 });
    await elapse("flaky");
    expect(await notify()).toEqual({ delivered: 0, failed: 1 });
    const [due] = await rows<{ seconds: number }>(
      service.control,
      "select extract(epoch from due_at - now())::float8 as seconds from ledger.deliveries where destination = 'flaky'",
    );
    expect(due?.seconds).toBeGreaterThan(3_500);
    await elapse("flaky");
    expect(await notify()).toEqual({ delivered: 1, failed: 0 });
    expect(await notify()).toEqual({ delivered: 0, failed: 0 });
    const sent = receiver.at("/flaky");
    expect(sent).toHaveLength(3);
    expect(new Set(sent.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    expect(new Set(sent.map(({ body }) => body)).size).toBe(1);
    for (const one of sent) expect(verified(peer, one).type).toBe("environment.drift-found");
    expect(() => verified(peer, { ...(sent[0] as Received), body: "{}" })).toThrow("No matching signature");
    expect(await deliveries("flaky")).toMatchObject([{ status: "delivered", attempts: 3, error: null }]);
    await remove("flaky");
  });

  test("whose sandbox dies between the sending and the ledger are sent again, and only then, with the same id", async () => {
    await webhook("dying");
    const gate = service.gate("notify:sent", "dies");
    await findDrift();
    await gate.reached();
    expect(receiver.at("/dying")).toHaveLength(1);
    // Who died is not known to be dead: nobody else is at it before it must be.
    expect(await notify()).toEqual({ delivered: 0, failed: 0 });
    await elapse("dying");
    expect(await notify()).toEqual({ delivered: 1, failed: 0 });
    const ids = receiver.at("/dying").map(({ headers }) => headers["webhook-id"]);
    expect(ids).toEqual([ids[0], ids[0]]);
    await remove("dying");
  });

  test("that one sandbox is at are left alone by every other", async () => {
    await webhook("claimed");
    const gate = service.gate("notify:claimed");
    await findDrift();
    await gate.reached();
    expect(await Promise.all([notify(), notify()])).toEqual([
      { delivered: 0, failed: 0 },
      { delivered: 0, failed: 0 },
    ]);
    gate.open();
    await endedAs("claimed", "delivered");
    expect(receiver.at("/claimed")).toHaveLength(1);
    await remove("claimed");
  });

  test("to a receiver that does not answer keep none waiting that go elsewhere", async () => {
    await webhook("silent");
    await webhook("prompt");
    const late = Promise.withResolvers<() => void>();
    receiver.answer("/silent", (response) => late.resolve(() => response.writeHead(200).end()));
    await findDrift();
    const answer = await late.promise;
    await endedAs("prompt", "delivered");
    expect(await deliveries("silent")).toMatchObject([{ status: "waiting" }]);
    answer();
    await endedAs("silent", "delivered");
    for (const name of ["silent", "prompt"]) await remove(name);
  });

  test("that fail a last time are dead, told in the log and to nobody, and sent again when an admin says so", async () => {
    await webhook("lost");
    receiver.answer("/lost", status(302, { location: "http://127.0.0.1:1/" }), status(500));
    await findDrift();
    await until(async () => (await deliveries("lost"))[0]?.error !== null);
    expect(await deliveries("lost")).toMatchObject([
      { status: "waiting", error: "it answered 302, and redirects are not followed" },
    ]);
    await rows(
      service.control,
      "update ledger.deliveries set attempts = 9 where destination = 'lost' returning seq",
    );
    await elapse("lost");
    expect(await notify()).toEqual({ delivered: 0, failed: 1 });
    const [dead] = await deliveries("lost");
    expect(dead).toMatchObject({ status: "dead", attempts: 10, error: "it answered 500" });
    expect(await log()).toContainEqual(
      expect.objectContaining({
        type: "notice.undeliverable",
        data: { destination: "lost", notice: dead?.seq, attempts: 10, most: 10, reason: "it answered 500" },
      }),
    );
    await elapse("lost");
    expect(await notify()).toEqual({ delivered: 0, failed: 0 });
    expect(await service.must("POST", "/destinations/lost/redeliver")).toEqual({ count: 1 });
    expect(await notify()).toEqual({ delivered: 1, failed: 0 });
    expect(new Set(receiver.at("/lost").map(({ headers }) => headers["webhook-id"]))).toEqual(
      new Set([dead?.id]),
    );
    await remove("lost");
  });

  test("go nowhere any more where a receiver said that it is gone, until it is registered anew", async () => {
    const peer = await webhook("gone");
    receiver.answer("/gone", status(410));
    await findDrift();
    await endedAs("gone", "dead");
    await findDrift();
    expect(await deliveries("gone")).toHaveLength(1);
    const refused = await service.call("POST", "/destinations/gone/redeliver");
    expect(refused).toMatchObject({
      status: 409,
      body: { code: "DestinationDisabled", hint: expect.stringContaining("rehearsal destination add") },
    });
    // Its secret is not told again, and is the one that it was.
    expect(
      await service.must("PUT", "/destinations/gone", { kind: "webhook", target: `${receiver.url}/gone` }),
    ).not.toHaveProperty("secret");
    expect(await service.must("POST", "/destinations/gone/redeliver")).toEqual({ count: 1 });
    expect(await notify()).toEqual({ delivered: 1, failed: 0 });
    expect(receiver.at("/gone").map((one) => verified(peer, one).type)).toEqual([
      "environment.drift-found",
      "environment.drift-found",
    ]);
    await remove("gone");
  });

  test.each(["PUT", "DELETE"])(
    "are written with their event though a %s of the destination comes at that moment, and neither dies of the other",
    async (method) => {
      await webhook("busy");
      const step = await openSession(service.control, { application: "test" });
      try {
        const settings = { kind: "webhook", target: `${receiver.url}/busy` };
        let asked: Promise<{ status: number }> | undefined;
        await step.transaction(async () => {
          await lockLog(step);
          asked = service.call(method, "/destinations/busy", method === "PUT" ? settings : undefined);
          await until(async () => {
            const waiting = "select 1 from pg_locks where locktype = 'advisory' and not granted";
            return (await rows(service.control, waiting)).length > 0;
          });
          await appendEvent(step, {
            ...{ type: "environment.drift-found", environment: "shop", announce: true },
            data: { count: 1, differences: [] },
          });
        });
        expect((await asked)?.status).toBeLessThan(300);
      } finally {
        await step.close();
      }
      if (method === "DELETE") return;
      await notify();
      expect(receiver.at("/busy")).toHaveLength(1);
      await remove("busy");
    },
  );

  test("can be tried before anything happens, and a trial tells why it did not arrive", async () => {
    const peer = await webhook("trial");
    receiver.answer("/trial", status(404));
    expect(await service.must("POST", "/destinations/trial/test")).toEqual({
      delivered: false,
      error: "it answered 404",
    });
    expect(await service.must("POST", "/destinations/trial/test")).toEqual({ delivered: true, error: null });
    const [, arrived] = receiver.at("/trial");
    expect(verified(peer, arrived as Received)).toMatchObject({
      type: "rehearsal.test",
      data: { text: expect.stringContaining("operator asked") },
    });
    const inside = await service.call("PUT", "/destinations/inside", {
      ...{ kind: "webhook", target: "https://10.0.0.1/" },
    });
    expect(inside).toMatchObject({
      status: 400,
      body: { code: "InputInvalid", detail: expect.stringContaining("a private network") },
    });
    expect(await keptSecrets("trial")).toHaveLength(1);
    await remove("trial");
    expect(await keptSecrets("trial")).toEqual([]);
  });
});

/** The JSON files of a folder, in the order of their names. */
async function filesOf<T>(folder: string): Promise<T[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".json")).sort();
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), "utf8")) as T));
}
