-- Lets reviewers rate a transcript.

alter table transcripts add column rating smallint constraint transcripts_rating_range check (rating between 1 and 5);

comment on column transcripts.rating is 'From 1 to 5; null until somebody has rated it.';
