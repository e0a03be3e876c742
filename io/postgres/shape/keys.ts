/**
 * The columns of plain indexes, written as the server would. It prints a definition one object at a time, and looks up
 * each part of it anew; for the many that are made of columns alone, one query over all of them takes a fraction.
 */

const DIRECTION = `case k.option when 0 then '' when 1 then ' DESC NULLS LAST' when 2 then ' NULLS FIRST' else ' DESC' end`;

/**
 * The server leaves an operator class unsaid when it is the default of the column's type: when it is the default of
 * exactly that type, or of what the type is a case of while having no default of its own. The server's own classes
 * for these methods take no options.
 */
const UNSAID = `o.opcdefault and o.oid < 16384 and (o.opcintype = a.atttypid
    or (o.opcintype = 'text'::regtype and a.atttypid = 'varchar'::regtype or o.opcintype in ('anyarray'::regtype, 'anyenum'::regtype))
      and not exists (select from pg_opclass own where own.opcmethod = o.opcmethod and own.opcdefault and own.opcintype = a.atttypid))`;

/**
 * SQL: by `indexrelid` the columns with their directions (`keys`) and without (`names`), where an index has nothing but
 * columns: no expression, condition, option, included column, and no operator class or collation that must be named.
 */
export const PLAIN_KEYS = `select k.indexrelid, min(k.amname) as method,
    string_agg(quote_ident(a.attname) || ${DIRECTION}, ', ' order by k.place) as keys,
    string_agg(quote_ident(a.attname), ', ' order by k.place) as names
  from (
    select x.indexrelid, x.indrelid, x.indnatts, m.amname, unnest(x.indkey) as attnum, unnest(x.indclass) as class,
      unnest(x.indcollation) as collation, unnest(x.indoption) as option, generate_series(1, x.indnatts) as place
    from pg_index x
      join relation r on r.oid = x.indexrelid and r.reloptions is null
      join pg_am m on m.oid = r.relam and m.amname in ('btree', 'hash', 'gin')
    where x.indexprs is null and x.indpred is null and x.indnatts = x.indnkeyatts and not x.indnullsnotdistinct
  ) k
    join attribute a on a.attrelid = k.indrelid and a.attnum = k.attnum
    join pg_opclass o on o.oid = k.class
  where k.collation in (0, a.attcollation) and (${UNSAID})
  group by k.indexrelid, k.indnatts
  having count(*) = k.indnatts`;
