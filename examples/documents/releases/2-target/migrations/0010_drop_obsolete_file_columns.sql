-- Takes away what versions, identifiers and the store's own life cycle say better.

alter table files drop column version;
alter table files drop column doc_no;
alter table files drop column expires_at;
