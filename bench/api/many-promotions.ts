/** A ledger as it is after years: so many promotions of ten environments, each with its steps, and backups beside them. */
import type { Session } from "../../io/postgres/session.ts";

/** Writes the rows; returns the promotions' ids. */
export async function writeManyPromotions(ledger: Session, count: number): Promise<string[]> {
  await ledger.execute(`
    insert into ledger.environments (name, role, state, identity, secret, address, policy, fingerprint)
      select 'bench-' || n, 'dev', 'writeable', gen_random_uuid(), 'none', 'nowhere', '{}', 'none' from generate_series(0, 9) n;
    insert into ledger.releases (hash, project, manifest, uploaded_by)
      values (repeat('0', 64), 'bench', '{}', 'operator');
    insert into ledger.promotions (id, environment, release, requested_by, policy, state_before, status, created_at, ended_at)
      select 'p26' || lpad(n::text, 10, '0'), 'bench-' || n % 10, repeat('0', 64), 'operator', '{}', 'writeable', 'promoted',
          now() - make_interval(mins => ${count} - n), now()
        from generate_series(1, ${count}) n;
    insert into ledger.steps (promotion, step, attempt, status, outcome, started_at, ended_at)
      select p.id, step, 1, 'succeeded', '{"rows":3,"bytes":8192,"seconds":1.5}', p.created_at, p.created_at
        from ledger.promotions p,
          unnest(array['admit', 'snapshot', 'back-up', 'restore', 'rehearse', 'decide', 'fence', 'migrate', 'verify', 'open']) step;
    insert into ledger.backups (id, environment, promotion, status, verified_at, verified_by, manifest_key, manifest_sha256,
        bytes, rows, taken_at, retention, retain_until)
      select p.id || '-1', p.environment, p.id, 'verified', now(), 'restore', 'none', 'none', 1, 1, p.created_at, 'promotion', now()
        from ledger.promotions p where p.id ~ '0.$';
    analyze ledger.promotions, ledger.steps, ledger.backups`);
  const found = await ledger.query<{ id: string }>("select id from ledger.promotions order by id");
  return found.map(({ id }) => id);
}
