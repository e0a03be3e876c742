/** By whom the parts of a shape are asked for: one session, or of a large database two under one snapshot, which the server answers on two processors. */
import { type Beside, openBeside } from "../reading-beside.ts";
import type { Session } from "../session.ts";
import { type Kind, objectsQuery, type PartRow } from "./catalog.ts";
import { type Group, groupsOf } from "./parts.ts";

/** SQL: with some hundreds of tables a second session is worth its beginning; on a standby none is asked for. */
export const IS_LARGE = "not pg_is_in_recovery() and pg_relation_size('pg_attribute') > 2000000";

/**
 * Rows are gathered by hashing: nothing that is read has an order, and sorting it takes longer than reading it. Joins are in the order
 * in which they are written, for looking for the best one takes longer than any. All rows are wanted, not the first ones soon.
 */
export const SETTINGS = [
  "set local enable_sort = off",
  "set local join_collapse_limit = 1",
  "set local from_collapse_limit = 1",
  "set local cursor_tuple_fraction = 1",
].join("; ");

type Kinds = ReadonlyMap<string, Kind>;

export interface Answers {
  groups: PartRow[];
  /** The kinds. */
  others: Promise<PartRow[]>;
}

/** What the server prints of tables: who prints one part of a table has opened it for the next. */
const OF_TABLES = ["otherIndexes", "otherConstraints", "policies", "triggers"];

/**
 * Of a large database two sessions ask: the second one, under the same snapshot, for what the server prints of tables, the first for all
 * else. Whatever the second one does not answer the first is asked for. The second one is gone when `end` resolves.
 */
export function askBeside(
  session: Session,
  beside: Beside | undefined,
  kinds: Kinds,
): { answers: Promise<Answers>; end: () => Promise<void> } {
  const { defaults, indexes, ...plain } = groupsOf(session.major);
  const printed = { defaults, indexes };
  if (beside === undefined)
    return { answers: ask(session, { ...plain, ...printed }, kinds), end: async () => undefined };
  const { true: ofTables, false: ofOthers } = Object.groupBy(
    kinds,
    ([part]) => `${OF_TABLES.includes(part)}`,
  );
  const opening = openBeside(session, beside);
  const end = async () => (await opening)?.close();
  const answers = async (): Promise<Answers> => {
    const fromSecond = opening
      .then((second) => second && ask(second, printed, new Map(ofTables)))
      // As if there were none: the first session finds out whether it is the server that fails.
      .catch(() => undefined);
    const groups = await askAll(session, plain);
    const others = session.query<PartRow>(objectsQuery({}, new Map(ofOthers)));
    others.catch(() => undefined);
    const more = (await fromSecond) ?? (await ask(session, printed, new Map(ofTables)));
    const last = more.others.catch(() => session.query<PartRow>(objectsQuery({}, new Map(ofTables))));
    return {
      groups: [...groups, ...more.groups],
      others: Promise.all([others, last]).then((all) => all.flat()),
    };
  };
  return { answers: answers(), end };
}

/** The groups first, and the kinds of what is left. */
async function ask(session: Session, groups: Partial<Record<Group, string>>, kinds: Kinds): Promise<Answers> {
  // A cursor's rows are of one snapshot, whenever they are asked for.
  const inGroups = await session.query<PartRow>(
    `${SETTINGS}; declare rehearsal_shape no scroll cursor for ${objectsQuery(groups, kinds)};
    fetch ${Object.keys(groups).length} from rehearsal_shape`,
  );
  assertAll(groups, inGroups);
  const others = session.query<PartRow>("fetch all from rehearsal_shape");
  // It is waited for when the groups have been gone through.
  others.catch(() => undefined);
  return { groups: inGroups, others };
}

async function askAll(session: Session, groups: Partial<Record<Group, string>>): Promise<PartRow[]> {
  const rows = await session.query<PartRow>(objectsQuery(groups, new Map()));
  assertAll(groups, rows);
  return rows;
}

/** The server appends one part to the other; a shape without its tables would look like a database without any. */
function assertAll(groups: Partial<Record<Group, string>>, rows: readonly PartRow[]): void {
  const [parts, sent] = [Object.keys(groups).join(", "), rows.map(({ part }) => part).join(", ")];
  if (sent !== parts) throw new Error(`the server sent ${sent} for ${parts}`);
}
