/** Fills Narralytica's production with as many segments as are asked for: the same rows each time, on every server. */
import type { Session } from "../../io/postgres/session.ts";

export interface FillOptions {
  /** How many segments; everything else follows from it. */
  segments: number;
}

/**
 * Fills the empty tables of release 1, in one transaction, and analyzes them; 200,000 segments take some seconds.
 * What looks like chance is a hash of the row's number, so no two runs differ by a byte.
 */
export async function fillProduction(session: Session, { segments }: FillOptions): Promise<void> {
  await session.transaction(async () => {
    await session.execute(draft(segments));
    for (const statement of [SPEAKERS, VIDEOS, TRANSCRIPTS, SEGMENTS, LAYERS, LAYER_SEGMENTS, JOBS])
      await session.execute(statement);
    await session.execute(COUNTERS);
  });
  await session.execute(`analyze ${TABLES.map((table) => `public.${table}`).join(", ")}`);
}

const TABLES = [
  "videos",
  "speakers",
  "transcripts",
  "segments",
  "ai_layers",
  "ai_layer_segments",
  "processing_jobs",
];

/** SQL: a number from 0 to `below - 1` that follows from `of` and from which question is asked of it. */
function drawn(of: string, question: number, below: number | string): string {
  return `((pg_catalog.hashint8extended(${of}, ${question}) & 2147483647) % ${below})::int`;
}

/** SQL: one of the words. */
function pick(words: string[], of: string, question: number): string {
  return `(array[${words.map((word) => `'${word}'`).join(", ")}])[1 + ${drawn(of, question, words.length)}]`;
}

/** Who says what and when is drawn first, for a transcript's length follows from its last segment. Each transcript has 80 to 120 segments. */
function draft(segments: number): string {
  const transcripts = Math.ceil(segments / 80);
  return `create temporary table drafted on commit drop as
    select id, transcript, ordinal, speaker, ends - length as start_ms, ends as end_ms
    from (
      select row_number() over (order by transcript, ordinal) as id, transcript, ordinal, length,
        1 + ${drawn(`transcript * 4 + ${drawn("transcript * 1000 + ordinal", 4, 3)}`, 5, Math.max(8, Math.ceil(transcripts / 4)))} as speaker,
        (sum(length + pause) over (partition by transcript order by ordinal))::int as ends
      from (
        select transcript, ordinal, 1500 + ${drawn("transcript * 1000 + ordinal", 2, 6000)} as length,
          100 + ${drawn("transcript * 1000 + ordinal", 3, 800)} as pause
        from generate_series(1::bigint, ${transcripts}) transcript,
          generate_series(1::bigint, 80 + ${drawn("transcript", 1, 41)}) ordinal
        order by transcript, ordinal limit ${segments}
      ) timed
    ) spoken`;
}

const GIVEN = [
  "Ada",
  "Bruno",
  "Chiara",
  "Dilan",
  "Elif",
  "Farid",
  "Greta",
  "Hugo",
  "Ines",
  "Jonas",
  "Kaja",
  "Luis",
];
const FAMILY = [
  "Moreau",
  "Okafor",
  "Lindqvist",
  "Tanaka",
  "Petrov",
  "Haddad",
  "Castillo",
  "Novak",
  "Brandt",
  "Silva",
];

/** Every seventh speaker is the one before, whose name somebody wrote carelessly. */
const SPEAKERS = `insert into public.speakers (id, slug, display_name, created_at) overriding system value
  select id, 'speaker-' || lpad(id::text, 6, '0'), case when id = person then name else lower(name) || ' ' end,
    timestamptz '2023-01-01 00:00:00Z' + id * interval '1 hour'
  from (
    select id, person, ${pick(GIVEN, "person", 10)} || ' ' || ${pick(FAMILY, "person", 11)}
      || case when ${drawn("person", 12, 2)} = 0 then ' ' || chr(65 + ${drawn("person", 13, 26)}) || '.' else '' end as name
    from (select id, case when id % 7 = 0 then id - 1 else id end as person
      from generate_series(1::bigint, (select max(speaker) from pg_temp.drafted)) id) heard
  ) named order by id`;

const TOPICS = [
  "tides",
  "bread",
  "bridges",
  "bees",
  "glaciers",
  "looms",
  "maps",
  "clocks",
  "rivers",
  "choirs",
];
const ANGLES = [
  "A short history of",
  "How we measure",
  "What nobody tells about",
  "An evening with",
  "Notes on",
];

/** Every forty-first video was uploaded twice from one source. */
const VIDEOS = `insert into public.videos
    (id, external_id, title, source_url, language, duration_ms, metadata, published_at, created_at) overriding system value
  select transcript, 'vid_' || lpad(transcript::text, 8, '0'),
    ${pick(ANGLES, "transcript", 20)} || ' ' || ${pick(TOPICS, "transcript", 21)} || ', part ' || (1 + ${drawn("transcript", 22, 9)}),
    'https://media.narralytica.example/v/' || case when transcript % 41 = 0 then transcript - 1 else transcript end,
    ${pick(["en", "en", "en", "de", "fr", "pt-BR"], "transcript", 23)}, max(end_ms) + 2000,
    jsonb_build_object('fps', ${pick(["24", "25", "30"], "transcript", 24)}::int, 'channel', 'c' || ${drawn("transcript", 25, 40)}),
    case when ${drawn("transcript", 26, 10)} > 0 then created_at + interval '2 days' end, created_at
  from (select *, timestamptz '2024-01-01 00:00:00Z' + transcript * interval '97 minutes' as created_at from pg_temp.drafted) d
  group by transcript, created_at order by transcript`;

/** The final transcript of a video has the video's own number; every fifth video has a superseded one besides. */
const TRANSCRIPTS = `insert into public.transcripts
    (id, video_id, version, status, language, model, duration_ms, created_at) overriding system value
  select id, id, 2, 'final'::public.transcript_status, language, 'whisper-large-v3', duration_ms, created_at + interval '1 day' from public.videos
  union all
  select (select max(id) from public.videos) + row_number() over (order by id), id, 1, 'superseded', language, 'whisper-small',
    duration_ms, created_at + interval '1 hour' from public.videos where id % 5 = 0
  order by 1`;

const SUBJECTS = [
  "The water",
  "My grandmother",
  "Nobody here",
  "The second model",
  "A good map",
  "Every spring the valley",
];
const VERBS = [
  "remembers",
  "slowly changes",
  "was never afraid of",
  "measures",
  "keeps",
  "gave away",
  "still explains",
];
const OBJECTS = [
  "the old bridge",
  "what we heard",
  "an honest answer",
  "the weight of ice",
  "seven loaves",
  "the last bell",
];
const ENDS = [
  "",
  ", I think",
  ", again and again",
  " \u2014 \u201cas ever\u201d",
  ", and that is all",
  " before noon",
];

const SEGMENTS = `insert into public.segments
    (id, transcript_id, speaker_id, ordinal, start_ms, end_ms, body, confidence) overriding system value
  select id, transcript, case when ${drawn("id", 30, 50)} > 0 then speaker end, ordinal, start_ms, end_ms,
    ${pick(SUBJECTS, "id", 31)} || ' ' || ${pick(VERBS, "id", 32)} || ' ' || ${pick(OBJECTS, "id", 33)} || ${pick(ENDS, "id", 34)} || '.',
    round(1 - power(${drawn("id", 35, 1000)} / 1000.0, 2), 3)
  from pg_temp.drafted order by id`;

const LAYERS = `insert into public.ai_layers
    (id, transcript_id, kind, model, artifact_uri, artifact_sha256, created_at) overriding system value
  select row_number() over (order by t.id, kind), t.id, kind, 'layers-' || (1 + ${drawn("t.id", 40, 3)}),
    's3://narralytica-artifacts/layers/' || t.id || '/' || kind || '.json', sha256(convert_to(t.id || ' ' || kind, 'UTF8')),
    t.created_at + interval '1 hour'
  from public.transcripts t, unnest(enum_range(null::public.layer_kind)) kind
  where t.status = 'final' and (kind <> 'embeddings' or t.id % 2 = 0)
  order by 1`;

const LAYER_SEGMENTS = `insert into public.ai_layer_segments (layer_id, segment_id, label, score)
  select l.id, s.id, ${pick(TOPICS, "s.id", 50)}, ${drawn("s.id", 51, 1001)} / 1000.0
  from public.segments s join public.ai_layers l on l.transcript_id = s.transcript_id and l.kind = 'topics'
  where s.id % 10 = 0 order by s.id`;

const JOBS = `insert into public.processing_jobs
    (id, video_id, kind, state, attempt, queued_at, started_at, finished_at, error) overriding system value
  select row_number() over (order by v.id, kind), v.id, kind, state::public.job_state, 1 + ${drawn("v.id", 60, 3)}, queued_at,
    case when state <> 'queued' then queued_at + interval '5 seconds' end,
    case when state in ('succeeded', 'failed') then queued_at + interval '3 minutes' end,
    case when state = 'failed' then 'the model did not answer within 120 s' end
  from public.videos v, unnest(enum_range(null::public.job_kind)) kind,
    lateral (select ${pick([..."ssssssssssssssssss"].map(() => "succeeded").concat("failed", "queued"), "v.id * 8 + array_position(enum_range(null::public.job_kind), kind)", 61)} as state,
      v.created_at + array_position(enum_range(null::public.job_kind), kind) * interval '10 minutes' as queued_at) drawn
  order by 1`;

/** Counters go on where the rows end. */
const COUNTERS = TABLES.filter((table) => table !== "ai_layer_segments")
  .map(
    (table) =>
      `select setval(pg_get_serial_sequence('public.${table}', 'id'), (select max(id) from public.${table}))`,
  )
  .join("; ");
