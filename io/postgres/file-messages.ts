/** The files of one transaction as what is said to the server: each statement alone, and behind each file what takes back what it did to the session. */
import type { RunItem } from "../../core/runs.ts";
import { asFileError } from "./file-error.ts";
import { type FilePolicy, settling, timeoutPins } from "./file-settings.ts";
import type { Observer } from "./observer.ts";
import { assertNothingMade, objectsOf, type RecordMark } from "./record-guard.ts";
import type { Session, StatementResult } from "./session.ts";

interface FilesOptions {
  session: Session;
  policy: FilePolicy;
  observer?: Observer;
  /** Told each file when those before it have run. */
  onItem?: (item: RunItem) => void;
}

/**
 * Runs files in the transaction that is open, under the settings that stand; to take back what the last of them did to the session is left
 * to the caller. Returns the milliseconds of each. Throws `FileError` for the first statement that the server refuses, and `LedgerTouched`
 * for a file that leaves something new in our schema to those behind it.
 */
export async function runFiles(
  { session, policy, observer, onItem }: FilesOptions,
  items: readonly RunItem[],
  record: RecordMark,
): Promise<number[]> {
  const [pins, between] = [timeoutPins(policy), `${settling(session, policy)}; ${objectsOf(record)}`];
  const texts = items.flatMap(({ statements }, place) => [
    ...(place === 0 ? [] : [between]),
    // Before the first they are pinned already.
    ...statements.flatMap(({ sql }, at) => (at === 0 ? [sql] : [pins, sql])),
  ]);
  const answer = sendAhead(session, texts, mayGoAhead(observer) ? MOST : 1);
  const milliseconds: number[] = [];
  for (const [place, item] of items.entries()) {
    const began = performance.now();
    const before = items[place - 1];
    if (before !== undefined) assertNothingMade(before, await answer(), record);
    onItem?.(item);
    for (const [at, statement] of item.statements.entries()) {
      if (at > 0) await answer();
      await observer?.statementBegins?.(item, statement);
      const [result] = await asFileError(item, statement, answer);
      await observer?.statementEnded?.(item, statement, result);
    }
    milliseconds.push(performance.now() - began);
  }
  return milliseconds;
}

function mayGoAhead(observer: Observer = {}): boolean {
  const asked = observer.statementBegins !== undefined || observer.statementEnded !== undefined;
  return observer.onlyListens === true || !asked;
}

/** Texts at once, at most. */
const MOST = 256;
const MOST_LETTERS = 2 ** 20;
/** What is sent ahead is what the server has lately answered in so many milliseconds: when we die, it runs that to its end before it finds out. */
const AHEAD = 100;

/** Gives the answers one by one; a text is sent when its answer is asked for, or ahead of that together with one before it. */
function sendAhead(
  session: Session,
  texts: readonly string[],
  most: number,
): () => Promise<StatementResult[]> {
  let waiting: Promise<StatementResult[]>[] = [];
  let [at, count, began] = [0, 0, 0];
  return () => {
    if (waiting.length === 0) {
      const now = performance.now();
      // Twice as many as the last time, or as many as the last time's pace allows.
      const pace = Math.floor((count * AHEAD) / (now - began));
      count = Math.max(1, Math.min(most, count * 2, pace));
      const sent = withinLetters(texts.slice(at, at + count));
      waiting = session.executeAll(sent);
      [at, count, began] = [at + sent.length, sent.length, now];
    }
    return waiting.shift() ?? Promise.reject(new Error("more answers were asked for than texts were given"));
  };
}

/** The first ones that are not too long together; one at least. */
function withinLetters(texts: readonly string[]): readonly string[] {
  let letters = 0;
  const over = texts.findIndex((text, place) => {
    letters += text.length;
    return place > 0 && letters > MOST_LETTERS;
  });
  return over < 0 ? texts : texts.slice(0, over);
}
