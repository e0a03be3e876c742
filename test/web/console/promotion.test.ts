/** A promotion's page as HTML: what it says, that nothing in it becomes markup, and that it holds to the policy on content. */
import { Script } from "node:vm";
import { describe, expect, test } from "vitest";
import type { Comparison } from "../../../core/comparison.ts";
import { isEnded, STATUSES } from "../../../core/steps.ts";
import { barChart } from "../../../web/console/chart.ts";
import { LIVE } from "../../../web/console/live.ts";
import { promotionMain, promotionParts } from "../../../web/console/promotion.ts";
import { timesChart, waitsChart } from "../../../web/console/rehearsal-charts.ts";
import { attempt, reportOf, viewOf } from "./promotion-view.ts";

const HOSTILE = `"><script>alert(1)</script><img src=x onerror=alert(1)>'&</textarea></title></svg>\${x}`;

const mainOf = async (...given: Parameters<typeof viewOf>) => String(await promotionMain(viewOf(...given)));

/** The text of the page without its tags, each run of spaces as one. */
const textOf = (html: string) =>
  html
    .replace(/<[^>]*>/g, " ")
    .replaceAll("&quot;", '"')
    .replace(/\s+/g, " ")
    .trim();

describe("abuse 31: what a release, a person or an error says stays text on a promotion's page", () => {
  test("in names, SQL, comments, plans, findings, errors, progress and the log", async () => {
    const html = await mainOf(HOSTILE);
    expect(html).not.toContain("<script");
    expect(html).not.toContain("<img");
    // Every tag is one of ours: no text has opened one, and none has ended an attribute.
    const names = new Set([...html.matchAll(/<\/?([a-z0-9-]+)/gi)].map(([, name]) => name));
    expect([...names].filter((name) => !OURS.has(name ?? ""))).toEqual([]);
    expect(
      [...html.matchAll(/<[a-z][^>]*>/g)].filter(([tag]) => /\son[a-z]+=/.test(withoutValues(tag))),
    ).toEqual([]);
    // And it is there to be read: escaped, in as many places as it was given.
    expect(html.split("&lt;script&gt;alert(1)&lt;/script&gt;").length).toBeGreaterThan(60);
  });

  test("in a chart's labels, title and description", async () => {
    const bar = {
      label: HOSTILE,
      detail: HOSTILE,
      parts: [{ value: 1, text: HOSTILE, tone: "reads" as const }],
    };
    const limit = { value: 1, text: HOSTILE };
    const svg = String(await barChart({ id: "c", title: HOSTILE, summary: HOSTILE, bars: [bar], limit }));
    expect(svg).not.toContain("<script");
    expect(svg.match(/<\/svg>/g)).toHaveLength(svg.match(/<svg/g)?.length ?? 0);
  });
});

const OURS = new Set(
  `a article br button caption code dd desc details div dl dt form h1 h2 h3 header input label li line nav ol p path
  circle pre progress rect section span strong summary svg table tbody td text textarea th thead time title tr ul wbr`.split(
    /\s+/,
  ),
);

const withoutValues = (tag: string) => tag.replace(/"[^"]*"/g, '""');

describe("the page holds to the policy on content, and can be read by ear", () => {
  test("no style, script or handler stands in it", async () => {
    for (const status of STATUSES) {
      const view = viewOf("plain");
      const html = await mainOf("plain", { course: { ...view.course, status } });
      expect(html).not.toMatch(/\sstyle=|<style|<script|javascript:/);
    }
  });

  test("every id is there once, and whatever is named by one is there", async () => {
    const html = await mainOf("plain");
    const ids = [...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    const named = [...html.matchAll(/(?:aria-labelledby|aria-describedby|for)="([^"]*)"|href="#([^"]*)"/g)];
    expect(
      named.flatMap(([, list, id]) => (list ?? id ?? "").split(" ")).filter((id) => !ids.includes(id)),
    ).toEqual([]);
  });

  test("how each step stands is a word, and the one that runs tells how far it is", async () => {
    const text = textOf(await mainOf("plain"));
    expect(text).toMatch(/Admit done .* Snapshot to come .* Restore done .* Rehearse running/);
    expect(text).toContain("25 % · 1.0 KiB of 4.0 KiB, 5 of 20 rows, about 3.0 s left, plain");
    expect(await mainOf("plain")).toContain(
      '<progress id="progress-rehearse" aria-label="Rehearse" max="100" value="25">',
    );
    expect(text).toContain("2 attempts");
  });

  test("a progress whose end nobody knows has no value", async () => {
    const view = viewOf("plain");
    const running = attempt("migrate", {
      status: "running",
      endedAt: null,
      progress: { done: { bytes: 0, rows: 7 } },
    });
    const html = await mainOf("plain", { course: { ...view.course, status: "running", steps: [running] } });
    expect(html).toContain('<progress id="progress-migrate" aria-label="Migrate" max="100"></progress>');
  });

  test("an event of the log is told by its plain facts, and a comment in it as it was said", async () => {
    const text = textOf(await mainOf("plain"));
    expect(text).toMatch(/7 2026-01-02 03:04 promotion\.rejected by plain; comment plain aaaaaaaaaaaa/);
    expect(text).not.toContain("not told");
    expect(text).toContain("chain verified");
    const broken = { seq: 8, reason: "event 8 is missing" };
    const log = { ...viewOf("plain").log, proved: { from: 7, to: 9, broken } };
    expect(textOf(await mainOf("plain", { log }))).toContain("chain broken");
  });

  test("each difference of the schema says in a word what became of it", async () => {
    const text = textOf(await mainOf("plain"));
    expect(text).toContain("1 object removed, 1 object changed");
    expect(text).toContain("changed table public.plain");
    expect(text).toMatch(/column plain changed plain plain2/);
    expect(text).toContain("and 19 lines more");
    expect(text).toContain("and 2 more objects");
  });
});

describe("what can be done", () => {
  const none = { approve: false, reject: false, cancel: false, reasons: [] };

  test("is shown when it can be, each form with the session's secret", async () => {
    const html = await mainOf("plain");
    const forms = html.match(/<form.*?<\/form>/gs) ?? [];
    expect(forms.map((form) => /action="([^"]*)"/.exec(form)?.[1])).toEqual([
      "/console/promotions/p1/approve",
      "/console/promotions/p1/cancel",
      "/console/promotions/p1/rollback",
    ]);
    for (const form of forms) expect(form).toContain('name="csrf" value="the-secret"');
    expect(forms[0]).toContain(`name="evidence" value="${"f".repeat(64)}"`);
    expect(forms[0]).toContain('formaction="/console/promotions/p1/reject"');
    expect(forms[2]).toContain("Type prod to confirm");
    expect(forms[2]).toContain('value="plain"');
  });

  test("is told with its reason where another has to do it", async () => {
    const reasons = ["You asked for this promotion; another approver must decide."];
    const html = await mainOf("plain", { actions: { ...none, reject: true, reasons } });
    expect(html).toContain(reasons[0]);
    expect(html).not.toContain(">Approve<");
    expect(html).toContain('action="/console/promotions/p1/reject"');
  });

  test("is nothing where there is nothing to do", async () => {
    const view = viewOf("plain");
    const course = { ...view.course, status: "promoted" as const, verdict: null };
    expect(await mainOf("plain", { actions: none, course })).not.toContain('id="decision"');
  });
});

describe("charts and the tables beneath them say the same", () => {
  const comparison: Comparison = {
    total: { rehearsed: 400, real: 500, ratio: 1.25 },
    statements: [
      { path: "migrations/0001_a.sql", line: 3, summary: "a", rehearsed: 100, real: 200, ratio: 2 },
      { path: "migrations/0001_a.sql", line: 4, summary: "b", rehearsed: null, real: 100, ratio: null },
    ],
    blocked: [],
  };

  test("time by file, beside what production took", async () => {
    const html = String(await timesChart(reportOf("a"), comparison));
    // The longest bar is 62 hundredths of the width, and the others are in proportion.
    const widths = [...html.matchAll(/<rect class="(\w+)"[^>]* width="([\d.]+)%"/g)].map(
      ([, tone, width]) => [tone, width],
    );
    expect(widths).toEqual([
      ["rehearsed", "20.67"],
      ["real", "62"],
      ["rehearsed", "62"],
    ]);
    expect(textOf(html)).toContain("0001_a.sql 100 ms rehearsed 300 ms in production 0002_a.sql 300 ms");
    expect(textOf(html)).toContain("migrations/0001_a.sql 100 ms 300 ms proved to change nothing");
    expect(textOf(html)).toContain("migrations/0002_a.sql 300 ms not yet not claimed");
    expect(html).toMatch(/role="img" aria-labelledby="times-title times-desc"/);
    expect(html).toContain(
      "2 files took 400 ms on the copy. The longest: migrations/0002_a.sql, 300 ms; migrations/0001_a.sql, 100 ms.",
    );
  });

  test("who waits, for which statement and how long, with the budget as a line", async () => {
    const { blocked = [], budgets } = reportOf("files");
    const html = String(await waitsChart(blocked, budgets));
    expect(html).toMatch(/<rect class="writes"[^>]* width="62%"/);
    expect(html).toMatch(/<rect class="reads"[^>]* width="15.5%"/);
    expect(html).toMatch(/<line class="limit" x1="46.5%"/);
    expect(textOf(html)).toContain("files: writes 0001_files.sql:3 files 200 ms");
    expect(textOf(html)).toContain(
      '"public"."files" writes 200 ms migrations/0001_files.sql:3 files ShareLock a probe that waited',
    );
    expect(textOf(String(await waitsChart([])))).toBe("Nobody who reads or writes has to wait.");
  });

  test("of very many files the slowest are drawn, and told how many are not", async () => {
    const files = Array.from({ length: 400 }, (_, index) => index + 1);
    const html = String(await timesChart(reportOf("a", files), undefined));
    expect(html.match(/<rect/g)).toHaveLength(15);
    expect(html.match(/<th scope="row">/g)).toHaveLength(200);
    expect(textOf(html)).toContain("and 385 more files that took less");
    expect(textOf(html)).toContain("and 200 more files, which the report has");
  });

  test("the size is told as a difference", async () => {
    const text = textOf(await mainOf("plain"));
    expect(text).toContain("The database grows by 1.0 MiB (+100.0 %), from 1.0 MiB to 2.0 MiB.");
  });
});

describe("what the script keeps up to date", () => {
  test("the report is left out for whoever shows it already", async () => {
    const view = viewOf("plain");
    const whole = String(await promotionParts(view));
    const short = String(await promotionParts({ ...view, rehearsed: undefined }, "rehearse.1"));
    expect(whole).toContain('id="report" data-report="rehearse.1"><section');
    expect(short).toContain('<div id="report" data-report="rehearse.1" data-same></div>');
    expect(short).toContain('href="#rehearsal"');
    expect(short).not.toContain('id="rehearsal"');
  });

  test.each(STATUSES)(
    "%s: it goes on exactly as long as something may change, and says how it stands",
    async (status) => {
      const view = viewOf("plain");
      const html = String(await promotionParts({ ...view, course: { ...view.course, status } }));
      expect(/ data-over[ >]/.test(html)).toBe(isEnded(status) && status !== "held");
      expect(html).toMatch(/data-says="The promotion of prod [^"]+\."/);
    },
  );

  test("the script is a program of less than 10 kB", () => {
    expect(() => new Script(LIVE)).not.toThrow();
    expect(Buffer.byteLength(LIVE)).toBeLessThan(10_000);
  });
});
