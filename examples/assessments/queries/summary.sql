-- How much there is: jobs by status, and the rows of everything that hangs on them.
select 'jobs' as what, status as "of", count(*) as rows, min(opened_at) as first, max(opened_at) as last from public.jobs group by status
union all
select 'job_finals', kind, count(*), min(made_at), max(made_at) from public.job_finals group by kind
union all
select 'job_rounds', status, count(*), min(started_at), max(started_at) from public.job_rounds group by status
union all
select 'round_recordings', content_type, count(*), min(recorded_at), max(recorded_at) from public.round_recordings group by content_type
union all
select 'round_images', content_type, count(*), min(taken_at), max(taken_at) from public.round_images group by content_type
union all
select 'artifacts', kind, count(*), min(made_at), max(made_at) from public.artifacts group by kind
union all
select 'job_events', kind, count(*), min(at), max(at) from public.job_events group by kind
order by 1, 2
