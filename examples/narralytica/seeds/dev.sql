-- Two invented videos to develop with. Loading it twice changes nothing.

insert into videos (external_id, title, source_url, language, duration_ms, published_at) values
  ('vid_dev001', 'A short talk about tides', 'https://media.narralytica.example/dev/tides', 'en', 20000, '2024-01-01 12:00:00Z'),
  ('vid_dev002', 'Ein Gespräch über Brot', 'https://media.narralytica.example/dev/brot', 'de', 30000, null)
on conflict (external_id) do nothing;

insert into speakers (slug, display_name) values ('dev-ida', 'Ida Example'), ('dev-oto', 'Oto Example')
on conflict (slug) do nothing;

insert into transcripts (video_id, version, status, language, model, duration_ms)
select id, 1, 'final', language, 'dev-model', duration_ms from videos where external_id like 'vid\_dev%'
on conflict (video_id, version) do nothing;

insert into segments (transcript_id, speaker_id, ordinal, start_ms, end_ms, body, confidence)
select t.id, p.id, line.ordinal, line.start_ms, line.end_ms, line.body, line.confidence
from (values
  ('vid_dev001', 'dev-ida', 1, 0, 4000, 'The sea comes and goes twice a day.', 0.98),
  ('vid_dev001', 'dev-ida', 2, 4200, 9000, 'It does so because of the moon.', 0.95),
  ('vid_dev002', 'dev-ida', 1, 500, 3500, 'Wie lange ruht der Teig?', 0.91),
  ('vid_dev002', 'dev-oto', 2, 3600, 8000, 'Über Nacht, an einem kühlen Ort.', 0.15)
) as line (video, speaker, ordinal, start_ms, end_ms, body, confidence)
join videos v on v.external_id = line.video
join transcripts t on t.video_id = v.id and t.version = 1
join speakers p on p.slug = line.speaker
on conflict (transcript_id, ordinal) do nothing;

insert into processing_jobs (video_id, kind, state, queued_at, started_at, finished_at)
select id, 'transcribe', 'succeeded', '2024-01-01 10:00:00Z', '2024-01-01 10:00:05Z', '2024-01-01 10:01:00Z'
from videos v
where external_id like 'vid\_dev%' and not exists (select from processing_jobs j where j.video_id = v.id);
