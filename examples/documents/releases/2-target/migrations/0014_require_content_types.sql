-- From now on no output is written without its content type.

alter table file_versions
  add constraint generated_versions_have_a_content_type
  check (origin <> 'generated' or content_type is not null) not valid;
