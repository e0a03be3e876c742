/** Large objects written again into a copy: all of them, with owners, rights, comments and labels as they stand in the original. */
import { quoteLiteral, quoteName } from "../../core/names.ts";
import type { Session } from "./session.ts";

interface Granted {
  grantor: string;
  /** Null for everybody. */
  grantee: string | null;
  privilege: string;
  grantable: boolean;
}

interface LargeObject {
  oid: string;
  owner: string;
  /** Null where nobody ever said anything about its rights. */
  granted: Granted[] | null;
}

/** What does the writing, inside of its transaction. */
interface Into {
  execute(sql: string): Promise<void>;
}

/** Bytes of a large object per statement. */
const SLICE = 1 << 20;

/** They have no table to compare by, so what the copy had of them goes first. The original must be at rest. */
export async function refreshLargeObjects(original: Session, into: Into): Promise<void> {
  await into.execute("select pg_catalog.lo_unlink(oid) from pg_catalog.pg_largeobject_metadata");
  const objects = await original.query<LargeObject>(
    `select oid::text, pg_get_userbyid(lomowner)::text as owner,
        case when lomacl is not null then (
          select coalesce(json_agg(json_build_object('grantor', pg_get_userbyid(a.grantor), 'privilege', a.privilege_type,
            'grantee', case when a.grantee <> 0 then pg_get_userbyid(a.grantee) end, 'grantable', a.is_grantable) order by place), '[]')
          from aclexplode(lomacl) with ordinality a(grantor, grantee, privilege_type, is_grantable, place)) end as granted
      from pg_largeobject_metadata order by oid`,
  );
  for (const object of objects) {
    await into.execute(`select pg_catalog.lo_create(${object.oid})`);
    await writeBytes(original, into, object.oid);
    await into.execute(`alter large object ${object.oid} owner to ${quoteName(object.owner)}`);
    for (const statement of rights(object)) await into.execute(statement);
  }
  const said = await original.query<{ statement: string }>(
    `select format('comment on large object %s is %L', objoid, description) as statement from pg_description
        where classoid = 'pg_largeobject'::regclass
      union all select format('security label for %I on large object %s is %L', provider, objoid, label) from pg_seclabel
        where classoid = 'pg_largeobject'::regclass`,
  );
  for (const { statement } of said) await into.execute(statement);
}

async function writeBytes(original: Session, into: Into, oid: string): Promise<void> {
  for (let offset = 0; ; offset += SLICE) {
    const [slice] = await original.query<{ hex: string }>(
      "select encode(lo_get($1::oid, $2::int8, $3::int4), 'hex') as hex",
      [oid, offset, SLICE],
    );
    if (!slice?.hex) return;
    await into.execute(
      `select pg_catalog.lo_put(${oid}, ${offset}, ${quoteLiteral(`\\x${slice.hex}`)}::pg_catalog.bytea)`,
    );
  }
}

/** Statements that give a new object exactly these rights; whoever granted one has had it, with the right to grant it, by then. */
function rights({ oid, owner, granted }: LargeObject): string[] {
  if (granted === null) return [];
  const object = `large object ${oid}`;
  const statements = [`revoke all on ${object} from ${quoteName(owner)}`];
  const able = new Set<string>();
  for (let left = granted; left.length > 0; ) {
    const now = left.filter(
      ({ grantor, privilege }) => grantor === owner || able.has(`${privilege} ${grantor}`),
    );
    if (now.length === 0) throw new Error(`nobody can have granted ${JSON.stringify(left)} on ${object}`);
    for (const { grantor, grantee, privilege, grantable } of now) {
      const to = grantee === null ? "public" : quoteName(grantee);
      const grant = `grant ${privilege} on ${object} to ${to}${grantable ? " with grant option" : ""}`;
      // What the owner gives, a superuser gives in the owner's name; others have to do it themselves.
      statements.push(
        grantor === owner ? grant : `set local role ${quoteName(grantor)}; ${grant}; reset role`,
      );
    }
    for (const { grantee, privilege, grantable } of now)
      if (grantee !== null && grantable) able.add(`${privilege} ${grantee}`);
    left = left.filter((one) => !now.includes(one));
  }
  return statements;
}
