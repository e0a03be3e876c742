/** Notices: what people are told of, each made from the event in the log that says so. */
import type { EventContent } from "./log.ts";

export const NOTICES = [
  "approval-wanted",
  "promoted",
  "refused",
  "rolled-back",
  "held",
  "drift-found",
  "prune-failed",
  "records-returned",
] as const;

export type NoticeKind = (typeof NOTICES)[number];

const EVENTS: Record<NoticeKind, string> = {
  "approval-wanted": "promotion.approval-wanted",
  promoted: "promotion.succeeded",
  refused: "promotion.refused",
  "rolled-back": "promotion.rolled-back",
  held: "promotion.held",
  "drift-found": "environment.drift-found",
  "prune-failed": "prune.failed",
  "records-returned": "environment.records-returned",
};

/** The types of events that people may be told of. */
export const NOTICE_EVENTS: readonly string[] = Object.values(EVENTS);

/** Of what an event of this type tells people; undefined when of nothing. */
export function noticeOf(type: string): NoticeKind | undefined {
  return NOTICES.find((kind) => EVENTS[kind] === type);
}

export interface Notice {
  kind: NoticeKind | "test";
  /** One line, of the product's own words and checked names alone. */
  title: string;
  /** A sentence of the same. */
  sentence: string;
  /** Who may do what about it. */
  act?: string;
  /** What others have worded: messages with SQL and data in them, names of objects. Whoever shows it escapes it. */
  quoted?: string;
  /** The page of the console, where the service knows its own address. */
  url?: string;
}

/** What a notice says besides its event. */
export interface NoticeFacts {
  /** Of the promotion that it is about. */
  promotion?: {
    release: string;
    requestedBy: string;
    /** A second person has to approve. */
    fourEyes: boolean;
  };
  /** The service's address as people's browsers know it, without a slash at its end. */
  console?: string;
}

/** The longest that others' words are passed on. */
const QUOTED = 1_500;

/** The notice of an event; throws for an event that tells people nothing. */
export function makeNotice(event: EventContent, facts: NoticeFacts): Notice {
  const kind = noticeOf(event.type);
  if (kind === undefined) throw new Error(`an event ${event.type} is no notice`);
  const environment = oneLine(event.environment ?? "");
  const about = { environment, id: oneLine(event.promotion ?? ""), ...facts.promotion };
  const data = new Map(Object.entries((event.data ?? {}) as object));
  const path = pathOf(event, kind);
  const quoted = cut(QUOTES[kind](data), QUOTED);
  return {
    kind,
    ...WORDS[kind](about, data),
    ...(quoted !== "" && { quoted }),
    ...(facts.console !== undefined && { url: `${facts.console}/console/${path}` }),
  };
}

/** What it is about, as a page of the console. */
function pathOf({ environment, promotion, data }: EventContent, kind: NoticeKind): string {
  const prune = new Map(Object.entries((data ?? {}) as object)).get("prune");
  if (kind === "prune-failed" && typeof prune === "string") return `prunes/${oneLine(prune)}`;
  return promotion === null
    ? `environments/${oneLine(environment ?? "")}`
    : `promotions/${oneLine(promotion)}`;
}

/** What is sent to see whether a destination is reached. */
export function testNotice(by: string, console: string | undefined): Notice {
  return {
    kind: "test",
    title: "Rehearsal: a test",
    sentence: `${oneLine(by)} asked whether notices arrive here. They do.`,
    ...(console !== undefined && { url: `${console}/console` }),
  };
}

interface About {
  environment: string;
  id: string;
  release?: string;
  requestedBy?: string;
  fourEyes?: boolean;
}

type Words = Pick<Notice, "title" | "sentence" | "act">;
type Data = ReadonlyMap<string, unknown>;

const WORDS: Record<NoticeKind, (about: About, data: Data) => Words> = {
  "approval-wanted": ({ environment, id, release = "", requestedBy = "somebody", fourEyes }) => ({
    title: `${environment}: approval wanted`,
    sentence: `${oneLine(requestedBy)} asks to promote ${environment} to release ${release.slice(0, 12)} (${id}). It was rehearsed, and the report is there to read.`,
    act: `An approver or admin of ${environment} may approve or reject it${fourEyes ? `, but ${oneLine(requestedBy)}, who asked, cannot approve it` : ""}.`,
  }),
  promoted: ({ environment, id, release = "" }) => ({
    title: `${environment}: promoted`,
    sentence: `${environment} is on release ${release.slice(0, 12)} now (${id}).`,
  }),
  refused: ({ environment, id }) => ({
    title: `${environment}: promotion refused`,
    sentence: `Promotion ${id} was refused, and ${environment} is as it was.`,
  }),
  "rolled-back": ({ environment, id }) => ({
    title: `${environment}: rolled back`,
    sentence: `Promotion ${id} was taken back, and ${environment} is as it was before.`,
  }),
  held: ({ environment, id }) => ({
    title: `${environment}: held, an operator is needed`,
    sentence: `Promotion ${id} can go neither on nor back by itself. ${environment} stays locked, and nothing is deleted.`,
    act: `A promoter or admin of ${environment} mends what is told below, then takes it back.`,
  }),
  "drift-found": ({ environment }, data) => ({
    title: `${environment}: drift found`,
    sentence: `${environment} departs from what was promised of it in ${countOf(data.get("count"))}; promotions are refused until that is mended.`,
    act: `"rehearsal drift ${environment}" tells all of it, and the SQL that leads back.`,
  }),
  "prune-failed": ({ environment }, data) => ({
    title: `${environment}: prune failed`,
    sentence: `Prune ${oneLine(text(data.get("prune")))} of ${environment} did not come to its end. Nothing was deleted that is not in a bundle.`,
    act:
      halfDone(data) > 0
        ? `${halfDone(data)} of its records have lost their rows and not yet their media; the service goes on with those by itself.`
        : "The next sweep takes up what it left.",
  }),
  "records-returned": ({ environment }, data) => ({
    title: `${environment}: pruned records are back`,
    sentence: `An older state of ${environment} took its place, in which ${countOf(data.get("count"), "record has", "records have")} rows again that were pruned; their media are not back.`,
    act: `"rehearsal prune restore" brings their media back; the next sweep prunes what is archived once more.`,
  }),
};

const refusal = (data: Data) =>
  [[text(data.get("code")), text(data.get("message"))].filter(Boolean).join(": "), text(data.get("mend"))]
    .filter(Boolean)
    .join("\n");

const QUOTES: Record<NoticeKind, (data: Data) => string> = {
  "approval-wanted": (data) => lines("data plan", data.get("plans")),
  promoted: () => "",
  refused: refusal,
  "rolled-back": refusal,
  held: refusal,
  "drift-found": (data) => lines("differs", data.get("differences")),
  "prune-failed": refusal,
  "records-returned": (data) => lines("record", data.get("records")),
};

function lines(what: string, value: unknown): string {
  return Array.isArray(value) ? value.map((one) => `${what}: ${oneLine(text(one))}`).join("\n") : "";
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

function countOf(value: unknown, one = "place", more = "places"): string {
  const count = typeof value === "number" ? value : 0;
  return `${count} ${count === 1 ? one : more}`;
}

function halfDone(data: Data): number {
  const count = data.get("halfDone");
  return typeof count === "number" ? count : 0;
}

/** Without what moves a cursor, ends a line or turns the direction of writing. */
export function oneLine(text: string): string {
  return harmless(text).replaceAll("\n", " ");
}

/** At most so many characters; what is longer ends in an ellipsis. Control characters become spaces, line feeds stay. */
export function cut(text: string, most: number): string {
  const characters = [...harmless(text)];
  return characters.length <= most ? characters.join("") : `${characters.slice(0, most - 1).join("")}…`;
}

function harmless(text: string): string {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(/(?!\n)[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, " ")
    .toWellFormed();
}
