-- Says that each source is one video.

alter table videos add constraint videos_source_url_key unique (source_url);
