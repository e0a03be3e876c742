/** A promotion drawn as its runbook, for a terminal that is drawn anew in place: what is done, what runs and how far it is, what is to come. */
import { BEYOND_REHEARSAL, isEnded, STEPS, type Step } from "../core/steps.ts";
import type { Detail, StepAttempt } from "./answers.ts";
import { cut, displayWidth, padded } from "./display-width.ts";
import { amounts, howToDecide, moved, shareOf } from "./promotion-text.ts";
import type { Size } from "./screen.ts";
import type { Tint } from "./terminal.ts";
import { bytes, duration, plain, rows, short } from "./text.ts";

interface Moment {
  size: Size;
  /** Milliseconds since 1970, by this machine. */
  now: number;
  /** Counts the drawings. */
  tick: number;
  /** False where the terminal knows only ASCII. */
  unicode: boolean;
  /** Who may decide, when it waits for that. */
  who: string;
  tint(tint: Tint, text: string): string;
}

type Sign = "done" | "failed" | "running" | "waiting" | "to come";

const SIGNS: Record<"unicode" | "ascii", Record<Exclude<Sign, "running">, string> & { spins: string[] }> = {
  unicode: { done: "✓", failed: "✗", waiting: "?", "to come": "·", spins: [..."⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"] },
  ascii: { done: "+", failed: "x", waiting: "?", "to come": ".", spins: [..."|/-\\"] },
};
const TINTS: Record<Sign, Tint> = {
  done: "green",
  failed: "red",
  running: "yellow",
  waiting: "yellow",
  "to come": "dim",
};

/** The steps of a promotion that goes well, and of one that only rehearses; those of another end stand there only once they have begun. */
const PROMOTES = STEPS.slice(0, STEPS.indexOf("put-away"));
const REHEARSES = STEPS.slice(0, STEPS.indexOf("refuse")).filter((step) => !BEYOND_REHEARSAL.has(step));

interface Row {
  sign: Sign;
  step: Step | string;
  /** How long it took, or takes. */
  took: string;
  says: string;
  /** Lines below it. */
  more: string[];
}

/** The runbook as lines, none wider than the size, and no more than fit; the steps that are done give way first. */
export function runbookLines(found: Detail, moment: Moment): string[] {
  const { columns } = moment.size;
  const table = rowsOf(found, moment);
  const below = found.status === "waiting" ? ["", ...howToDecide(found, moment.who).split("\n")] : [];
  const head = headOf(found, moment.now);
  const room = moment.size.rows - 1 - below.length;
  return [
    cut(head, columns),
    ...aligned(fitted(table, room), moment),
    ...below.map((line) => cut(line, columns)),
  ];
}

function headOf({ id, environment, release, createdAt, endedAt }: Detail, now: number): string {
  const took = (endedAt === null ? now : Date.parse(endedAt)) - Date.parse(createdAt);
  return `${id}: "${environment}" to release ${short(release)}, ${duration(Math.max(0, took))}`;
}

function rowsOf(found: Detail, moment: Moment): Row[] {
  const course = found.rehearseOnly ? REHEARSES : PROMOTES;
  const turned = found.steps.some(({ step }) => !course.includes(step)) || isEnded(found.status);
  return STEPS.flatMap((step): Row[] => {
    const attempts = found.steps.filter((attempt) => attempt.step === step);
    const last = attempts.at(-1);
    if (last !== undefined) return [rowOf(found, attempts, last, moment)];
    return turned || !course.includes(step) ? [] : [{ sign: "to come", step, took: "", says: "", more: [] }];
  });
}

function rowOf(found: Detail, attempts: StepAttempt[], last: StepAttempt, moment: Moment): Row {
  const waits = last.step === "decide" && found.status === "waiting";
  const goesOn = last.status === "yielded" && !isEnded(found.status);
  const sign: Sign = waits
    ? "waiting"
    : last.status === "running" || goesOn
      ? "running"
      : last.status === "failed"
        ? "failed"
        : "done";
  const elapsed =
    (last.endedAt === null ? moment.now : Date.parse(last.endedAt)) - Date.parse(last.startedAt);
  const earlier = attempts.slice(0, -1);
  const tries = earlier.filter(({ status }) => status === "failed");
  return {
    sign,
    step: tries.length > 0 ? `${last.step} (try ${tries.length + 1})` : last.step,
    took: duration(Math.max(0, elapsed)),
    says: saysOf(last, sign, Math.max(0, elapsed), moment),
    more: [
      ...tries.map(
        ({ error }, index) => `try ${index + 1} failed: ${plain(error?.message ?? "").replaceAll("\n", " ")}`,
      ),
      ...(sign === "running" && last.progress?.now ? [plain(last.progress.now)] : []),
    ],
  };
}

function saysOf(last: StepAttempt, sign: Sign, elapsed: number, moment: Moment): string {
  if (sign === "failed") return plain(last.error?.message ?? "").replaceAll("\n", " ");
  if (sign === "waiting") return "somebody has to decide";
  if (sign === "running" && last.progress !== null) return underWay(last.progress, elapsed, moment);
  return amounts(last, last.progress);
}

/** A bar with its share, how long it will take yet, what was moved and how fast; what matters least stands last, where a narrow terminal cuts. */
function underWay(progress: NonNullable<StepAttempt["progress"]>, elapsed: number, moment: Moment): string {
  const { done } = progress;
  const share = shareOf(progress);
  const seconds = elapsed / 1_000;
  const rate =
    progress.rowsPerSecond !== undefined
      ? `${rows(Math.round(progress.rowsPerSecond))}/s`
      : done.bytes > 0 && seconds >= 1
        ? `${bytes(Math.round(done.bytes / seconds))}/s`
        : "";
  const left =
    progress.secondsLeft ??
    (share !== undefined && share > 0 && share < 1 && seconds >= 1
      ? (seconds / share) * (1 - share)
      : undefined);
  return [
    share === undefined ? "" : bar(share, moment),
    left === undefined ? "" : `${duration(left * 1_000)} left`,
    moved(done),
    rate,
  ]
    .filter((part) => part !== "")
    .join("  ");
}

function bar(share: number, { size, unicode }: Moment): string {
  const whole = Math.min(1, Math.max(0, share));
  const percent = `${Math.floor(whole * 100)} %`;
  // On a narrow terminal the number says it alone.
  if (size.columns < 60) return percent;
  const width = size.columns < 90 ? 10 : 20;
  const full = Math.round(whole * width);
  const [on, off] = unicode ? ["█", "░"] : ["#", "-"];
  return `${on.repeat(full)}${off.repeat(width - full)} ${percent}`;
}

/** Rows that take no more lines than there are: details go first, then what is long done, then what is to come. */
function fitted(table: Row[], room: number): Row[] {
  const height = (some: Row[]) => some.reduce((sum, { more }) => sum + 1 + more.length, 0);
  if (height(table) <= room) return table;
  const bare = table.map((row) => (row.sign === "done" ? { ...row, more: [] } : row));
  if (height(bare) <= room) return bare;
  const coming = bare.filter(({ sign }) => sign === "to come").length;
  const folded =
    coming < 2 ? bare : [...bare.filter(({ sign }) => sign !== "to come"), summed("to come", coming)];
  const over = height(folded) - room;
  if (over <= 0) return folded;
  const done = folded.filter(({ sign }) => sign === "done");
  const gone = new Set(done.slice(0, Math.min(done.length, over + 1)));
  if (gone.size < 2) return folded;
  return [summed("done", gone.size), ...folded.filter((row) => !gone.has(row))];
}

function summed(sign: "done" | "to come", count: number): Row {
  return { sign, step: `${count} steps ${sign}`, took: "", says: "", more: [] };
}

/** Names and times stand under each other. */
function aligned(table: Row[], moment: Moment): string[] {
  const told = table.filter(({ took }) => took !== "");
  const name = Math.max(0, ...told.map(({ step }) => displayWidth(step)));
  const time = Math.max(0, ...told.map(({ took }) => displayWidth(took)));
  return table.flatMap((row) => drawn(row, { name, time }, moment));
}

function drawn(
  { sign, step, took, says, more }: Row,
  widths: { name: number; time: number },
  { size, tick, unicode, tint }: Moment,
): string[] {
  const signs = SIGNS[unicode ? "unicode" : "ascii"];
  const mark = sign === "running" ? (signs.spins[tick % signs.spins.length] ?? "") : signs[sign];
  const line = took === "" ? step : [padded(step, widths.name), took.padStart(widths.time), says].join("  ");
  const told = cut(line.trimEnd(), size.columns - 2);
  return [
    `${tint(TINTS[sign], mark)} ${sign === "to come" ? tint("dim", told) : told}`,
    ...more.map((text) => tint("dim", cut(`    ${text}`, size.columns))),
  ];
}
