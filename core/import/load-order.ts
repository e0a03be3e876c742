/** In which order tables are filled, so that no row points at one that is not there yet. */
import { RehearsalError } from "../errors.ts";

export interface Referring {
  /** Quoted and qualified. */
  name: string;
  references: { to: string; constraint: string; deferrable: boolean }[];
}

/**
 * Those that are pointed at first. Where tables point at each other, a constraint that can wait for the end of the transaction
 * does; `deferred` tells that one has to. Throws `ImportTablesCircular` where none can.
 */
export function loadOrder<T extends Referring>(tables: readonly T[]): { order: T[]; deferred: boolean } {
  const waiting = new Map(tables.map((table) => [table.name, table]));
  const order: T[] = [];
  let deferred = false;
  while (waiting.size > 0) {
    const open = (table: T) => table.references.filter(({ to }) => to !== table.name && waiting.has(to));
    const left = [...waiting.values()];
    const ready = left.filter((table) => open(table).length === 0);
    const patient = left.find((table) => open(table).every(({ deferrable }) => deferrable));
    const next = ready.length > 0 ? ready : patient === undefined ? [] : [patient];
    if (next.length === 0)
      throw new RehearsalError("ImportTablesCircular", {
        tables: left.map(({ name }) => name).join(", "),
        constraints: left
          .flatMap((table) => open(table).filter(({ deferrable }) => !deferrable))
          .map(({ constraint }) => constraint)
          .join(", "),
      });
    if (ready.length === 0) deferred = true;
    for (const table of next) {
      order.push(table);
      waiting.delete(table.name);
    }
  }
  return { order, deferred };
}
