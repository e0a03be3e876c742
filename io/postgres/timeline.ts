/** When each run and each statement of it ran, by this process' clock: asks the server nothing, so it may stand beside production. */
import type { RunTimes } from "../../core/blocked.ts";
import type { Run } from "../../core/runs.ts";
import type { Observer } from "./observer.ts";

interface Timeline {
  /** Wraps the one that was given, whose own questions are not counted. */
  observer: Observer;
  /** To be told the points that applying passes. */
  passed(point: string): void;
  /** What ran; a run that was cut off ends now. Statements that had been done before are not in it. */
  times(): RunTimes[];
}

/** A transaction that is tried again takes the place of the one that was taken back. */
export function keepTime(inner: Observer = {}): Timeline {
  const runs: { run: Run; times: RunTimes; open: boolean }[] = [];
  const last = () => {
    const current = runs.at(-1);
    if (current === undefined) throw new Error("a statement was timed before its run began");
    return current.times.statements;
  };
  const observer: Observer = {
    ...inner,
    onlyListens: inner.statementBegins === undefined && inner.statementEnded === undefined,
    runBegins: async (run) => {
      await inner.runBegins?.(run);
      if (runs.at(-1)?.run === run) runs.pop();
      const began = performance.now();
      const times = { transactional: run.transactional, began, ended: began, statements: [] };
      runs.push({ run, times, open: true });
    },
    statementBegins: async (item, statement) => {
      await inner.statementBegins?.(item, statement);
      const { line, summary } = statement;
      const began = performance.now();
      last().push({ path: item.path, line, summary, began, ended: began });
    },
    statementEnded: async (item, statement, result) => {
      const statements = last();
      const current = statements.at(-1);
      if (result === undefined) statements.pop();
      else if (current !== undefined) current.ended = performance.now();
      await inner.statementEnded?.(item, statement, result);
    },
  };
  return {
    observer,
    passed: (point) => {
      const current = runs.at(-1);
      if (point !== "committed" || current === undefined) return;
      current.open = false;
      current.times.ended = performance.now();
    },
    times: () =>
      runs.map(({ times, open }) => {
        if (!open) return times;
        const now = performance.now();
        const statements = times.statements.map((one) =>
          one.ended === one.began ? { ...one, ended: now } : one,
        );
        return { ...times, ended: now, statements };
      }),
  };
}
