/**
 * Large objects as COPY text: one line per piece of 256 KiB, `oid <tab> offset <tab> bytes`, so that they travel, are verified and are
 * bounded as tables are. Who owns them and who may read them stands in the archive; here are only their bytes.
 */
import type { CopySession } from "./copy.ts";
import type { Session } from "./session.ts";

/** INV_READ of libpq/libpq-fs.h. */
const INV_READ = 0x40000;
const PIECE = 256 * 1024;
/** What one stored object holds at most, unless a single large object is larger. */
const GROUP_BYTES = 512 * 1024 ** 2;

/** A run of large objects, by object identifier. */
interface LargeObjectGroup {
  first: string;
  last: string;
  bytes: number;
}

/** Each large object's length; OFFSET 0 keeps the planner from merging the steps, so that it is asked before the object is closed. */
const LENGTHS = `select oid, length from (
    select oid, fd, lo_lseek64(fd, 0, 2) as length
    from (select oid, lo_open(oid, ${INV_READ}) as fd from pg_largeobject_metadata order by oid offset 0) opened offset 0
  ) measured where lo_close(fd) = 0`;

/** All large objects in runs of bounded size, in the order of their identifiers. */
export async function groupLargeObjects(session: Session): Promise<LargeObjectGroup[]> {
  const found = await session.query<{ oid: string; length: string }>(
    `select oid::text as oid, length::text as length from (${LENGTHS}) known order by known.oid`,
  );
  const groups: LargeObjectGroup[] = [];
  for (const { oid, length } of found) {
    const group = groups.at(-1);
    if (group !== undefined && group.bytes + Number(length) <= GROUP_BYTES) {
      group.last = oid;
      group.bytes += Number(length);
    } else {
      groups.push({ first: oid, last: oid, bytes: Number(length) });
    }
  }
  return groups;
}

/** The COPY that reads a run; an object without bytes has one line without bytes. */
export function copyLargeObjectsOut({ first, last }: LargeObjectGroup): string {
  return `COPY (select known.oid, at, lo_get(known.oid, at, ${PIECE})
    from (${LENGTHS.replace("pg_largeobject_metadata", `pg_largeobject_metadata where oid between ${first} and ${last}`)}) known,
      generate_series(0::bigint, greatest(known.length - 1, 0), ${PIECE}) at) TO stdout`;
}

/** Writes a run's bytes into large objects that exist already; inside the caller's transaction. Returns the number of lines. */
export async function copyLargeObjectsIn(
  copying: CopySession,
  source: AsyncIterable<Uint8Array>,
): Promise<number> {
  await copying.execute(
    "create temporary table large_object_pieces (object oid, at int8, bytes bytea) on commit drop",
  );
  const lines = await copying.copyIn("COPY pg_temp.large_object_pieces FROM stdin", source);
  // lo_put returns nothing, and never null: the condition is only there so that no row comes back.
  await copying.execute("select from pg_temp.large_object_pieces where lo_put(object, at, bytes) is null");
  return lines;
}
