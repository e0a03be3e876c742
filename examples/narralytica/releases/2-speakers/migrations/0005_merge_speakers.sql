-- Gives speakers whose names differ only in case and spaces one identity, and marks doubtful segments for review.
-- rehearsal: idempotent

create table if not exists speaker_identities (
  id bigint generated always as identity primary key,
  name_key text not null unique check (name_key = lower(btrim(name_key)) and name_key <> ''),
  display_name text not null
);

comment on table speaker_identities is 'A person; several speakers may be the same one.';

alter table speakers add column if not exists identity_id bigint references speaker_identities (id) on delete set null;
alter table segments add column if not exists needs_review boolean not null default false;

insert into speaker_identities (name_key, display_name)
select lower(btrim(display_name)), min(btrim(display_name) collate "C")
from speakers
group by lower(btrim(display_name))
having count(*) > 1
order by 1
on conflict (name_key) do nothing;

update speakers p
set identity_id = i.id
from speaker_identities i
where i.name_key = lower(btrim(p.display_name)) and p.identity_id is null;

-- Only those worth a person's time: unsure, and long enough to matter.
update segments
set needs_review = true
where confidence < 0.2 and end_ms - start_ms > 5000 and not needs_review;

create index if not exists speakers_identity on speakers (identity_id) where identity_id is not null;
create index if not exists segments_needing_review on segments (transcript_id) where needs_review;
