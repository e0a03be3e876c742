/** What a session has prepared for a plan: catalogs are read once, and the statement that every record needs is planned once. */
import { quoteLiteral } from "../../../core/names.ts";
import type { Session } from "../session.ts";
import { type Operators, readOperators } from "./statements.ts";

export interface Prepared {
  operators: Operators;
  /** Tells this database from every other, and this run of its server: what transactions' numbers mean is known only here. */
  place: string;
  /** SQL that executes a text with parameters `$1` …, arrays of texts or texts; it is prepared at the first call. */
  call(name: string, text: () => string, values: readonly Value[]): Promise<string>;
}

type Value = readonly (string | null)[] | string | null;

const sessions = new WeakMap<Session, { plans: WeakMap<object, Promise<Prepared>>; count: number }>();

/** What statements are about is a plan or a bundle. The session must be used by one caller at a time, and its statements not be deallocated. */
export function prepare(session: Session, plan: object): Promise<Prepared> {
  let known = sessions.get(session);
  if (known === undefined) {
    known = { plans: new WeakMap(), count: 0 };
    sessions.set(session, known);
  }
  const found = known.plans.get(plan);
  if (found !== undefined) return found;
  const prepared = make(session, ++known.count);
  known.plans.set(plan, prepared);
  // A failure is the first caller's; the next one tries again.
  prepared.catch(() => known.plans.delete(plan));
  return prepared;
}

async function make(session: Session, number: number): Promise<Prepared> {
  const operators = await readOperators(session);
  const [row] = await session.query<{ place: string }>(
    `select d.oid || ' ' || extract(epoch from pg_postmaster_start_time()) as place
      from pg_database d where d.datname = current_database()`,
  );
  const made = new Set<string>();
  return {
    operators,
    place: row?.place ?? "",
    call: async (name, text, values) => {
      const statement = `rehearsal_prune_${number}_${name}`;
      if (!made.has(name)) {
        const types = values.map((value) => (Array.isArray(value) ? "text[]" : "text")).join(", ");
        await session.execute(`prepare ${statement}${types === "" ? "" : ` (${types})`} as ${text()}`);
        made.add(name);
      }
      const given = values.map(literal).join(", ");
      return `execute ${statement}${given === "" ? "" : `(${given})`}`;
    },
  };
}

function literal(value: Value): string {
  if (value === null) return "null";
  if (typeof value === "string") return quoteLiteral(value);
  const inside = value.map((one) =>
    one === null ? "null" : `"${one.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`,
  );
  return quoteLiteral(`{${inside.join(",")}}`);
}
