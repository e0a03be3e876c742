/** Notices: what they say, how each kind of destination is told, how they are signed, and when they are tried again. */
import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import {
  MOST_ATTEMPTS,
  newSigningSecret,
  nextAttempt,
  retryAfterSeconds,
  signedHeaders,
} from "../../core/delivery.ts";
import { destinationSchema, shownTarget } from "../../core/destination.ts";
import type { EventContent } from "../../core/log.ts";
import { makeNotice, NOTICE_EVENTS, type Notice, noticeOf } from "../../core/notice.ts";
import { mailSubject, mailText, slackBody, webhookBody } from "../../core/notice-forms.ts";
import { noticeEmail } from "../../web/notice-email.ts";

const HOSTILE =
  '<!channel> <https://x.example|y> &amp; *b* `c` [d](https://x.example) @here <img src=x onerror="z">';

function event(type: string, data: object = {}): EventContent {
  const promotion = type.startsWith("promotion.") ? "p261121aaaaaaaa" : null;
  return {
    ...{ seq: 7, at: "2026-11-21T10:00:00.000Z", type, environment: "shop", promotion },
    data: data as EventContent["data"],
  };
}

const facts = {
  promotion: { release: "0123456789abcdef", requestedBy: "operator", fourEyes: true },
  console: "https://rehearsal.example",
};

const refused = (message: string) =>
  makeNotice(event("promotion.refused", { code: "CheckFailed", message }), facts);

interface Block {
  type: string;
  text: { type: string; text: string };
}
const blocksOf = (notice: Notice) => (JSON.parse(slackBody(notice)) as { blocks: Block[] }).blocks;

describe("a notice", () => {
  test("is made of each event that people are told of, and of no other", () => {
    const told = NOTICE_EVENTS.map((type) =>
      makeNotice(
        event(type, {
          count: 2,
          differences: ["a"],
          records: ["4711"],
          prune: "x261121aaaaaaaa",
          halfDone: 1,
        }),
        facts,
      ),
    );
    expect(told.map(({ title }) => title)).toEqual([
      "shop: approval wanted",
      "shop: promoted",
      "shop: promotion refused",
      "shop: rolled back",
      "shop: held, an operator is needed",
      "shop: drift found",
      "shop: prune failed",
      "shop: pruned records are back",
    ]);
    expect(told.slice(-2)).toMatchObject([
      {
        act: expect.stringContaining("1 of its records"),
        url: "https://rehearsal.example/console/prunes/x261121aaaaaaaa",
      },
      { sentence: expect.stringContaining("2 records have rows again"), quoted: "record: 4711" },
    ]);
    expect(told.find(({ kind }) => kind === "drift-found")).toMatchObject({
      sentence: expect.stringContaining("in 2 places"),
      quoted: "differs: a",
      url: "https://rehearsal.example/console/environments/shop",
    });
    expect(noticeOf("notice.undeliverable")).toBeUndefined();
    expect(() => makeNotice(event("promotion.created"), facts)).toThrow("is no notice");
  });

  test("says who may approve, and leaves out whoever asked only where they may not", () => {
    const wanted = event("promotion.approval-wanted");
    expect(makeNotice(wanted, facts).act).toContain("but operator, who asked, cannot approve it");
    const alone = { promotion: { ...facts.promotion, fourEyes: false } };
    expect(makeNotice(wanted, alone).act).toBe("An approver or admin of shop may approve or reject it.");
    expect(makeNotice(wanted, alone)).not.toHaveProperty("url");
  });

  test("keeps others' words apart from its own, short, and without what moves a cursor", () => {
    const { title, sentence, act, quoted = "" } = refused(`\u001b[2J\u202e${"x".repeat(5_000)}\r\nBcc: all`);
    expect(`${title}${sentence}${act}`).not.toContain("x".repeat(10));
    expect(quoted).toMatch(/^CheckFailed: {2}\[2J x+…$/);
    expect([...quoted]).toHaveLength(1_500);
  });
});

describe("abuse 31: what others have worded is no markup", () => {
  test("in Slack, where it stands escaped and in plain text alone", () => {
    const body = slackBody(refused(HOSTILE));
    expect(body).not.toMatch(/<!|<https:\/\/x|<img/);
    const blocks = blocksOf(refused(HOSTILE));
    const own = "<https://rehearsal.example/console/promotions/p261121aaaaaaaa|Open in the console>";
    expect(blocks.filter(({ text }) => text.type === "mrkdwn").map(({ text }) => text.text)).toEqual([own]);
    expect(blocks[2]?.text).toMatchObject({
      type: "plain_text",
      text: expect.stringContaining("&lt;!channel&gt; &lt;https://x.example|y&gt; &amp;amp; *b*"),
    });
    // Others than Slack read this as Markdown.
    expect(JSON.parse(body)).toMatchObject({ mrkdwn: false, text: expect.not.stringContaining("x.example") });
  });

  test("in Slack, within its limits, though each character is escaped and none in two", () => {
    for (const { text } of blocksOf(refused("<".repeat(5_000)))) {
      expect(text.text.length).toBeLessThanOrEqual(3_000);
      expect(text.text.replaceAll(/&(?:amp|lt|gt);/g, "")).not.toContain("&");
    }
    const [head] = blocksOf({ kind: "test", title: "&".repeat(400), sentence: "x" });
    expect(head?.text.text).toMatch(/^(&amp;){29}…$/);
  });

  test("in a mail, neither of its text, nor of its HTML, nor of its head", () => {
    const notice = refused(HOSTILE);
    expect(noticeEmail(notice)).toContain("&lt;!channel&gt; &lt;https://x.example|y&gt; &amp;amp;");
    expect(noticeEmail(notice)).not.toContain("<img");
    expect(mailText(notice)).toContain("> CheckFailed: <!channel>");
    expect(mailSubject({ kind: "test", title: "a\r\nBcc: all@x.example\u2028b", sentence: "" })).toBe(
      "Rehearsal: a Bcc: all@x.example b",
    );
  });
});

test("a webhook's body says what happened, and carries the event's own data", () => {
  const happened = event("promotion.held", { code: "HookFailed", message: "no", mend: "mend it" });
  const body = JSON.parse(webhookBody(makeNotice(happened, facts), happened.at, happened));
  expect(body).toMatchObject({
    type: "promotion.held",
    timestamp: happened.at,
    data: { notice: "held", seq: 7, quoted: "HookFailed: no\nmend it", details: { code: "HookFailed" } },
  });
});

describe("a signature", () => {
  const secret = newSigningSecret();
  const body = '{"a":"ä"}';
  const sign = (seconds: number) => signedHeaders(secret, { id: "one", seconds, body });
  const now = Math.floor(Date.now() / 1_000);

  test("is what the scheme's own package verifies, and refuses for another body, another secret and an old time", () => {
    expect(new Webhook(secret).verify(body, sign(now))).toEqual({ a: "ä" });
    expect(() => new Webhook(secret).verify('{"a":"b"}', sign(now))).toThrow("No matching signature");
    expect(() => new Webhook(newSigningSecret()).verify(body, sign(now))).toThrow("No matching signature");
    expect(() => new Webhook(secret).verify(body, sign(now - 600))).toThrow("too old");
  });
});

describe("what did not arrive", () => {
  test("is tried again from 10 s on, ever later, to 12 h, and ten times in all", () => {
    const waits = Array.from({ length: MOST_ATTEMPTS }, (_, index) =>
      nextAttempt(index + 1, { chance: 0.5 }),
    );
    expect(waits[0]).toBe(10);
    expect(waits.at(-2)).toBeCloseTo(43_200, 0);
    expect(waits.at(-1)).toBeUndefined();
    const told = waits.slice(0, -1).map(Number);
    expect(told).toEqual([...told].sort((a, b) => a - b));
    for (const chance of [0, 1])
      for (let attempt = 1; attempt < MOST_ATTEMPTS; attempt++) {
        const wait = nextAttempt(attempt, { chance }) ?? 0;
        expect(wait).toBeGreaterThanOrEqual(10);
        expect(wait).toBeLessThanOrEqual(43_200);
      }
  });

  test("waits as long as the receiver asks, but no longer than 12 h", () => {
    expect(nextAttempt(1, { chance: 0, retryAfter: 600 })).toBe(600);
    expect(nextAttempt(1, { chance: 0, retryAfter: 10 ** 9 })).toBe(43_200);
    const now = Date.parse("2026-11-21T10:00:00Z");
    expect(retryAfterSeconds("120", now)).toBe(120);
    expect(retryAfterSeconds("Sat, 21 Nov 2026 10:05:00 GMT", now)).toBe(300);
    expect(retryAfterSeconds("Sat, 21 Nov 2026 09:00:00 GMT", now)).toBe(0);
    for (const nothing of [undefined, "", "soon"]) expect(retryAfterSeconds(nothing, now)).toBeUndefined();
  });
});

describe("a destination", () => {
  const wrong = (settings: object) => destinationSchema.safeParse(settings).error?.issues[0]?.message;

  test.each([
    [
      { kind: "email", target: "a@shop.example\r\nBcc: b@shop.example" },
      "it is not the address of a mailbox",
    ],
    [{ kind: "email", target: "a@shop.example, b@shop.example" }, "it is not the address of a mailbox"],
    [{ kind: "webhook", target: "ftp://shop.example/" }, "it is not an address on https"],
    [{ kind: "webhook", target: "https://" }, "it is not an address that can be called"],
    [{ kind: "slack", target: "https://shop.example/", newSecret: true }, "only webhooks are signed"],
  ])("%j is refused", (settings, message) => {
    expect(wrong(settings)).toBe(message);
  });

  test("hears of everything where nothing is said, and shows of where it is only what is no secret", () => {
    const target = "https://user:pass@hooks.example/services/T0/very-secret?token=x";
    const settings = destinationSchema.parse({ kind: "slack", target });
    expect(settings.notices).toHaveLength(NOTICE_EVENTS.length);
    expect(shownTarget(settings)).toBe("https://hooks.example");
  });
});
