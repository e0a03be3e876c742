-- What goes with what: everything of a person goes with the person, what is only pointed at leaves NULL behind, and a profile that chats use stays.
with rules (relation, points_at, deletes) as (
  values ('chat_settings', 'users', 'c'), ('accounts', 'users', 'c'), ('sessions', 'users', 'c'), ('api_keys', 'users', 'c'),
    ('connection_profiles', 'users', 'c'), ('characters', 'users', 'c'), ('personas', 'users', 'c'), ('chats', 'users', 'c'),
    ('images', 'users', 'c'), ('image_profiles', 'users', 'c'), ('tags', 'users', 'c'),
    ('connection_profiles', 'api_keys', 'n'), ('image_profiles', 'api_keys', 'n'),
    ('characters', 'images', 'n'), ('personas', 'images', 'n'),
    ('character_personas', 'characters', 'c'), ('character_personas', 'personas', 'c'),
    ('chats', 'characters', 'c'), ('chats', 'personas', 'n'), ('chats', 'connection_profiles', 'r'), ('messages', 'chats', 'c'),
    ('chat_files', 'chats', 'c'), ('chat_files', 'messages', 'n'), ('image_tags', 'images', 'c'),
    ('chat_avatar_overrides', 'chats', 'c'), ('chat_avatar_overrides', 'characters', 'c'), ('chat_avatar_overrides', 'images', 'c'),
    ('character_tags', 'characters', 'c'), ('character_tags', 'tags', 'c'), ('persona_tags', 'personas', 'c'), ('persona_tags', 'tags', 'c'),
    ('chat_tags', 'chats', 'c'), ('chat_tags', 'tags', 'c'), ('connection_profile_tags', 'connection_profiles', 'c'),
    ('connection_profile_tags', 'tags', 'c'), ('image_profile_tags', 'image_profiles', 'c'), ('image_profile_tags', 'tags', 'c')
),
found (relation, points_at, deletes) as (
  select c.relname::text, r.relname::text, k.confdeltype::text
  from pg_catalog.pg_constraint k
    join pg_catalog.pg_class c on c.oid = k.conrelid join pg_catalog.pg_class r on r.oid = k.confrelid
  where k.contype = 'f' and c.relnamespace = 'public'::regnamespace and k.convalidated
)
(select *, 'is not so' as says from rules except select *, 'is not so' from found)
union all
(select *, 'nobody has said so' from found except select *, 'nobody has said so' from rules);
