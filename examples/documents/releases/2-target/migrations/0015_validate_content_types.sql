-- Every version written before is held to it as well; readers and writers go on meanwhile.
-- rehearsal: no-transaction

alter table file_versions validate constraint generated_versions_have_a_content_type;
