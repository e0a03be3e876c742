/** A small project for tests: a production that stands before it, and two migrations, a view and a check. */

/** What production holds before anything is promoted; made by hand, as a database that was taken over. */
export const SCHEMA = `
create table videos (id int generated always as identity primary key, title text not null);
create table segments (
  id bigint generated always as identity primary key,
  video int not null references videos,
  starts numeric(10, 3) not null,
  text text
);
create index segments_video on segments (video);
insert into videos (title) select 'video ' || g from generate_series(1, 20) g;
insert into segments (video, starts, text)
  select 1 + g % 20, g / 10.0, case when g % 7 > 0 then 'words ' || g % 50 end from generate_series(1, 2000) g;
select lo_from_bytea(4242, 'a large object');
`;

export const PROJECT: Record<string, string> = {
  "rehearsal.yaml": "project: videos\n",
  "migrations/0001_speakers.sql": `-- rehearsal: idempotent
create table if not exists speakers (id int primary key, name text not null);
insert into speakers values (1, 'first'), (2, 'second') on conflict do nothing;
alter table segments add column if not exists speaker int references speakers;
create index if not exists segments_speaker on segments (speaker);
`,
  "migrations/0002_backfill.sql": `update segments set speaker = 1 + id % 2 where text is not null;
`,
  "plans/0002.yaml": `migration: "0002"
why: every text needs somebody who says it
statements:
  - fingerprint: 20b2d36e614b45c6
    summary: update "segments"
    objects: [segments]
    loses: nothing; the column was added by the migration before
back: set the column to null
`,
  "views/spoken.sql": `create or replace view spoken as
select s.id, v.title, p.name from segments s join videos v on v.id = s.video join speakers p on p.id = s.speaker;
`,
  "checks/every_text_has_a_speaker.sql": `select id from segments where text is not null and speaker is null;
`,
};

/** A migration outside a transaction, which needs a fence. */
export const OUTSIDE = {
  "migrations/0003_index.sql": `-- rehearsal: no-transaction
create index concurrently segments_text on segments (text);
`,
};
