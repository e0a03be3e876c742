-- The schema is frozen at 23 models and five enums: none is missing, and none came unnoticed.
with models (relation) as (
  select unnest(array['users', 'chat_settings', 'accounts', 'sessions', 'verification_tokens', 'api_keys', 'connection_profiles',
    'connection_profile_tags', 'characters', 'personas', 'character_personas', 'character_tags', 'persona_tags', 'chats', 'messages',
    'chat_files', 'chat_tags', 'images', 'image_tags', 'chat_avatar_overrides', 'image_profiles', 'image_profile_tags', 'tags'])
  union all select unnest(array['Provider', 'ImageProvider', 'Role', 'ImageTagType', 'AvatarDisplayMode'])
),
found (relation) as (
  select c.relname::text from pg_catalog.pg_class c
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname not in ('changes')
  union all
  select t.typname::text from pg_catalog.pg_type t where t.typnamespace = 'public'::regnamespace and t.typtype = 'e'
)
select coalesce(m.relation, f.relation) as what, case when f.relation is null then 'is missing' else 'is no model' end as says
from models m full join found f using (relation)
where m.relation is null or f.relation is null;
