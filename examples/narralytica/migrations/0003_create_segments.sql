-- Timecoded segments: who said what, from when to when.

create table segments (
  id bigint generated always as identity primary key,
  transcript_id bigint not null references transcripts (id) on delete cascade,
  speaker_id bigint references speakers (id) on delete set null,
  ordinal integer not null check (ordinal > 0),
  start_ms integer not null check (start_ms >= 0),
  end_ms integer not null,
  body text not null,
  confidence numeric(4, 3) not null check (confidence between 0 and 1),
  unique (transcript_id, ordinal),
  constraint segments_end_after_start check (end_ms > start_ms)
);

create index segments_transcript_time on segments (transcript_id, start_ms);
create index segments_speaker on segments (speaker_id) where speaker_id is not null;

comment on table segments is 'A stretch of speech by one speaker; milliseconds from the start of the video.';
comment on column segments.ordinal is 'From 1, without gaps, in the order of speech.';
comment on column segments.speaker_id is 'Null while nobody knows who speaks.';
