-- The bytes of an image or a file are as many as its row says, and have the checksum that it says.
select 'images' as relation, id from images where sha256 <> encode(sha256(data), 'hex') or size <> octet_length(data)
union all
select 'chat_files', id from chat_files where sha256 <> encode(sha256(data), 'hex') or size <> octet_length(data);
