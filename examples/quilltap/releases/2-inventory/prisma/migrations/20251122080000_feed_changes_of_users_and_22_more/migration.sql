-- The change feed public.changes is told of every change of public.users, public.chat_settings, public.accounts, public.sessions, public.verification_tokens, public.api_keys, public.connection_profiles, public.images, public.characters, public.personas, public.character_personas, public.chats, public.messages, public.image_tags, public.chat_avatar_overrides, public.chat_files, public.image_profiles, public.tags, public.character_tags, public.persona_tags, public.chat_tags, public.connection_profile_tags, public.image_profile_tags.

create table if not exists "public"."changes" (
  position bigint generated always as identity primary key,
  xid xid8 not null default pg_current_xact_id(),
  table_name text not null,
  key jsonb,
  change text not null check (change in ('insert', 'update', 'delete', 'truncate', 'forgotten')),
  at timestamptz not null default clock_timestamp()
);

comment on table "public"."changes" is
  'What changed, told by triggers. Positions are not in the order of commits: Rehearsal reads by snapshots.';

create index if not exists "changes_xid" on "public"."changes" (xid, position);

create or replace function "public"."record_change_of_users"() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then jsonb_build_object('id', concat(old."id")) end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('id', concat(new."id")) end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into "public"."changes" (table_name, key, change)
    values ('public.users', before, 'delete'), ('public.users', after, 'insert');
  else
    insert into "public"."changes" (table_name, key, change)
    values ('public.users', coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

create or replace trigger _record_change after insert or update or delete on "public"."users"
  for each row when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_users"();
create or replace trigger _record_truncate after truncate on "public"."users"
  for each statement when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_users"();
alter table "public"."users" enable always trigger _record_change;
alter table "public"."users" enable always trigger _record_truncate;

create or replace function "public"."record_change_of_chat_settings"() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then jsonb_build_object('id', concat(old."id")) end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('id', concat(new."id")) end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into "public"."changes" (table_name, key, change)
    values ('public.chat_settings', before, 'delete'), ('public.chat_settings', after, 'insert');
  else
    insert into "public"."changes" (table_name, key, change)
    values ('public.chat_settings', coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

create or replace trigger _record_change after insert or update or delete on "public"."chat_settings"
  for each row when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_chat_settings"();
create or replace trigger _record_truncate after truncate on "public"."chat_settings"
  for each statement when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_chat_settings"();
alter table "public"."chat_settings" enable always trigger _record_change;
alter table "public"."chat_settings" enable always trigger _record_truncate;

create or replace function "public"."record_change_of_accounts"() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then jsonb_build_object('id', concat(old."id")) end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('id', concat(new."id")) end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into "public"."changes" (table_name, key, change)
    values ('public.accounts', before, 'delete'), ('public.accounts', after, 'insert');
  else
    insert into "public"."changes" (table_name, key, change)
    values ('public.accounts', coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

create or replace trigger _record_change after insert or update or delete on "public"."accounts"
  for each row when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_accounts"();
create or replace trigger _record_truncate after truncate on "public"."accounts"
  for each statement when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_accounts"();
alter table "public"."accounts" enable always trigger _record_change;
alter table "public"."accounts" enable always trigger _record_truncate;

create or replace function "public"."record_change_of_sessions"() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then jsonb_build_object('id', concat(old."id")) end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('id', concat(new."id")) end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into "public"."changes" (table_name, key, change)
    values ('public.sessions', before, 'delete'), ('public.sessions', after, 'insert');
  else
    insert into "public"."changes" (table_name, key, change)
    values ('public.sessions', coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

create or replace trigger _record_change after insert or update or delete on "public"."sessions"
  for each row when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_sessions"();
create or replace trigger _record_truncate after truncate on "public"."sessions"
  for each statement when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_sessions"();
alter table "public"."sessions" enable always trigger _record_change;
alter table "public"."sessions" enable always trigger _record_truncate;

create or replace function "public"."record_change_of_verification_tokens"() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then jsonb_build_object('identifier', concat(old."identifier"), 'token', concat(old."token")) end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('identifier', concat(new."identifier"), 'token', concat(new."token")) end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into "public"."changes" (table_name, key, change)
    values ('public.verification_tokens', before, 'delete'), ('public.verification_tokens', after, 'insert');
  else
    insert into "public"."changes" (table_name, key, change)
    values ('public.verification_tokens', coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

create or replace trigger _record_change after insert or update or delete on "public"."verification_tokens"
  for each row when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_verification_tokens"();
create or replace trigger _record_truncate after truncate on "public"."verification_tokens"
  for each statement when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_verification_tokens"();
alter table "public"."verification_tokens" enable always trigger _record_change;
alter table "public"."verification_tokens" enable always trigger _record_truncate;

create or replace function "public"."record_change_of_api_keys"() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then jsonb_build_object('id', concat(old."id")) end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('id', concat(new."id")) end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into "public"."changes" (table_name, key, change)
    values ('public.api_keys', before, 'delete'), ('public.api_keys', after, 'insert');
  else
    insert into "public"."changes" (table_name, key, change)
    values ('public.api_keys', coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

create or replace trigger _record_change after insert or update or delete on "public"."api_keys"
  for each row when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_api_keys"();
create or replace trigger _record_truncate after truncate on "public"."api_keys"
  for each statement when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_api_keys"();
alter table "public"."api_keys" enable always trigger _record_change;
alter table "public"."api_keys" enable always trigger _record_truncate;

create or replace function "public"."record_change_of_connection_profiles"() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then jsonb_build_object('id', concat(old."id")) end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('id', concat(new."id")) end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into "public"."changes" (table_name, key, change)
    values ('public.connection_profiles', before, 'delete'), ('public.connection_profiles', after, 'insert');
  else
    insert into "public"."changes" (table_name, key, change)
    values ('public.connection_profiles', coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

create or replace trigger _record_change after insert or update or delete on "public"."connection_profiles"
  for each row when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_connection_profiles"();
create or replace trigger _record_truncate after truncate on "public"."connection_profiles"
  for each statement when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_connection_profiles"();
alter table "public"."connection_profiles" enable always trigger _record_change;
alter table "public"."connection_profiles" enable always trigger _record_truncate;

create or replace function "public"."record_change_of_images"() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then jsonb_build_object('id', concat(old."id")) end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('id', concat(new."id")) end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into "public"."changes" (table_name, key, change)
    values ('public.images', before, 'delete'), ('public.images', after, 'insert');
  else
    insert into "public"."changes" (table_name, key, change)
    values ('public.images', coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

create or replace trigger _record_change after insert or update or delete on "public"."images"
  for each row when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_images"();
create or replace trigger _record_truncate after truncate on "public"."images"
  for each statement when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_images"();
alter table "public"."images" enable always trigger _record_change;
alter table "public"."images" enable always trigger _record_truncate;

create or replace function "public"."record_change_of_characters"() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then jsonb_build_object('id', concat(old."id")) end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('id', concat(new."id")) end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into "public"."changes" (table_name, key, change)
    values ('public.characters', before, 'delete'), ('public.characters', after, 'insert');
  else
    insert into "public"."changes" (table_name, key, change)
    values ('public.characters', coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

create or replace trigger _record_change after insert or update or delete on "public"."characters"
  for each row when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_characters"();
create or replace trigger _record_truncate after truncate on "public"."characters"
  for each statement when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_characters"();
alter table "public"."characters" enable always trigger _record_change;
alter table "public"."characters" enable always trigger _record_truncate;

create or replace function "public"."record_change_of_personas"() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then jsonb_build_object('id', concat(old."id")) end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('id', concat(new."id")) end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into "public"."changes" (table_name, key, change)
    values ('public.personas', before, 'delete'), ('public.personas', after, 'insert');
  else
    insert into "public"."changes" (table_name, key, change)
    values ('public.personas', coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

create or replace trigger _record_change after insert or update or delete on "public"."personas"
  for each row when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_personas"();
create or replace trigger _record_truncate after truncate on "public"."personas"
  for each statement when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_personas"();
alter table "public"."personas" enable always trigger _record_change;
alter table "public"."personas" enable always trigger _record_truncate;

create or replace function "public"."record_change_of_character_personas"() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then jsonb_build_object('characterId', concat(old."characterId"), 'personaId', concat(old."personaId")) end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('characterId', concat(new."characterId"), 'personaId', concat(new."personaId")) end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into "public"."changes" (table_name, key, change)
    values ('public.character_personas', before, 'delete'), ('public.character_personas', after, 'insert');
  else
    insert into "public"."changes" (table_name, key, change)
    values ('public.character_personas', coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

create or replace trigger _record_change after insert or update or delete on "public"."character_personas"
  for each row when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_character_personas"();
create or replace trigger _record_truncate after truncate on "public"."character_personas"
  for each statement when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_character_personas"();
alter table "public"."character_personas" enable always trigger _record_change;
alter table "public"."character_personas" enable always trigger _record_truncate;

create or replace function "public"."record_change_of_chats"() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then jsonb_build_object('id', concat(old."id")) end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('id', concat(new."id")) end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into "public"."changes" (table_name, key, change)
    values ('public.chats', before, 'delete'), ('public.chats', after, 'insert');
  else
    insert into "public"."changes" (table_name, key, change)
    values ('public.chats', coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

create or replace trigger _record_change after insert or update or delete on "public"."chats"
  for each row when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_chats"();
create or replace trigger _record_truncate after truncate on "public"."chats"
  for each statement when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_chats"();
alter table "public"."chats" enable always trigger _record_change;
alter table "public"."chats" enable always trigger _record_truncate;

create or replace function "public"."record_change_of_messages"() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then jsonb_build_object('id', concat(old."id")) end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('id', concat(new."id")) end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into "public"."changes" (table_name, key, change)
    values ('public.messages', before, 'delete'), ('public.messages', after, 'insert');
  else
    insert into "public"."changes" (table_name, key, change)
    values ('public.messages', coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

create or replace trigger _record_change after insert or update or delete on "public"."messages"
  for each row when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_messages"();
create or replace trigger _record_truncate after truncate on "public"."messages"
  for each statement when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_messages"();
alter table "public"."messages" enable always trigger _record_change;
alter table "public"."messages" enable always trigger _record_truncate;

create or replace function "public"."record_change_of_image_tags"() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then jsonb_build_object('id', concat(old."id")) end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('id', concat(new."id")) end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into "public"."changes" (table_name, key, change)
    values ('public.image_tags', before, 'delete'), ('public.image_tags', after, 'insert');
  else
    insert into "public"."changes" (table_name, key, change)
    values ('public.image_tags', coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

create or replace trigger _record_change after insert or update or delete on "public"."image_tags"
  for each row when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_image_tags"();
create or replace trigger _record_truncate after truncate on "public"."image_tags"
  for each statement when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_image_tags"();
alter table "public"."image_tags" enable always trigger _record_change;
alter table "public"."image_tags" enable always trigger _record_truncate;

create or replace function "public"."record_change_of_chat_avatar_overrides"() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then jsonb_build_object('id', concat(old."id")) end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('id', concat(new."id")) end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into "public"."changes" (table_name, key, change)
    values ('public.chat_avatar_overrides', before, 'delete'), ('public.chat_avatar_overrides', after, 'insert');
  else
    insert into "public"."changes" (table_name, key, change)
    values ('public.chat_avatar_overrides', coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

create or replace trigger _record_change after insert or update or delete on "public"."chat_avatar_overrides"
  for each row when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_chat_avatar_overrides"();
create or replace trigger _record_truncate after truncate on "public"."chat_avatar_overrides"
  for each statement when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_chat_avatar_overrides"();
alter table "public"."chat_avatar_overrides" enable always trigger _record_change;
alter table "public"."chat_avatar_overrides" enable always trigger _record_truncate;

create or replace function "public"."record_change_of_chat_files"() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then jsonb_build_object('id', concat(old."id")) end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('id', concat(new."id")) end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into "public"."changes" (table_name, key, change)
    values ('public.chat_files', before, 'delete'), ('public.chat_files', after, 'insert');
  else
    insert into "public"."changes" (table_name, key, change)
    values ('public.chat_files', coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

create or replace trigger _record_change after insert or update or delete on "public"."chat_files"
  for each row when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_chat_files"();
create or replace trigger _record_truncate after truncate on "public"."chat_files"
  for each statement when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_chat_files"();
alter table "public"."chat_files" enable always trigger _record_change;
alter table "public"."chat_files" enable always trigger _record_truncate;

create or replace function "public"."record_change_of_image_profiles"() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then jsonb_build_object('id', concat(old."id")) end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('id', concat(new."id")) end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into "public"."changes" (table_name, key, change)
    values ('public.image_profiles', before, 'delete'), ('public.image_profiles', after, 'insert');
  else
    insert into "public"."changes" (table_name, key, change)
    values ('public.image_profiles', coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

create or replace trigger _record_change after insert or update or delete on "public"."image_profiles"
  for each row when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_image_profiles"();
create or replace trigger _record_truncate after truncate on "public"."image_profiles"
  for each statement when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_image_profiles"();
alter table "public"."image_profiles" enable always trigger _record_change;
alter table "public"."image_profiles" enable always trigger _record_truncate;

create or replace function "public"."record_change_of_tags"() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then jsonb_build_object('id', concat(old."id")) end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('id', concat(new."id")) end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into "public"."changes" (table_name, key, change)
    values ('public.tags', before, 'delete'), ('public.tags', after, 'insert');
  else
    insert into "public"."changes" (table_name, key, change)
    values ('public.tags', coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

create or replace trigger _record_change after insert or update or delete on "public"."tags"
  for each row when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_tags"();
create or replace trigger _record_truncate after truncate on "public"."tags"
  for each statement when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_tags"();
alter table "public"."tags" enable always trigger _record_change;
alter table "public"."tags" enable always trigger _record_truncate;

create or replace function "public"."record_change_of_character_tags"() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then jsonb_build_object('id', concat(old."id")) end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('id', concat(new."id")) end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into "public"."changes" (table_name, key, change)
    values ('public.character_tags', before, 'delete'), ('public.character_tags', after, 'insert');
  else
    insert into "public"."changes" (table_name, key, change)
    values ('public.character_tags', coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

create or replace trigger _record_change after insert or update or delete on "public"."character_tags"
  for each row when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_character_tags"();
create or replace trigger _record_truncate after truncate on "public"."character_tags"
  for each statement when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_character_tags"();
alter table "public"."character_tags" enable always trigger _record_change;
alter table "public"."character_tags" enable always trigger _record_truncate;

create or replace function "public"."record_change_of_persona_tags"() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then jsonb_build_object('id', concat(old."id")) end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('id', concat(new."id")) end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into "public"."changes" (table_name, key, change)
    values ('public.persona_tags', before, 'delete'), ('public.persona_tags', after, 'insert');
  else
    insert into "public"."changes" (table_name, key, change)
    values ('public.persona_tags', coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

create or replace trigger _record_change after insert or update or delete on "public"."persona_tags"
  for each row when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_persona_tags"();
create or replace trigger _record_truncate after truncate on "public"."persona_tags"
  for each statement when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_persona_tags"();
alter table "public"."persona_tags" enable always trigger _record_change;
alter table "public"."persona_tags" enable always trigger _record_truncate;

create or replace function "public"."record_change_of_chat_tags"() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then jsonb_build_object('id', concat(old."id")) end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('id', concat(new."id")) end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into "public"."changes" (table_name, key, change)
    values ('public.chat_tags', before, 'delete'), ('public.chat_tags', after, 'insert');
  else
    insert into "public"."changes" (table_name, key, change)
    values ('public.chat_tags', coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

create or replace trigger _record_change after insert or update or delete on "public"."chat_tags"
  for each row when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_chat_tags"();
create or replace trigger _record_truncate after truncate on "public"."chat_tags"
  for each statement when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_chat_tags"();
alter table "public"."chat_tags" enable always trigger _record_change;
alter table "public"."chat_tags" enable always trigger _record_truncate;

create or replace function "public"."record_change_of_connection_profile_tags"() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then jsonb_build_object('id', concat(old."id")) end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('id', concat(new."id")) end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into "public"."changes" (table_name, key, change)
    values ('public.connection_profile_tags', before, 'delete'), ('public.connection_profile_tags', after, 'insert');
  else
    insert into "public"."changes" (table_name, key, change)
    values ('public.connection_profile_tags', coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

create or replace trigger _record_change after insert or update or delete on "public"."connection_profile_tags"
  for each row when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_connection_profile_tags"();
create or replace trigger _record_truncate after truncate on "public"."connection_profile_tags"
  for each statement when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_connection_profile_tags"();
alter table "public"."connection_profile_tags" enable always trigger _record_change;
alter table "public"."connection_profile_tags" enable always trigger _record_truncate;

create or replace function "public"."record_change_of_image_profile_tags"() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then jsonb_build_object('id', concat(old."id")) end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('id', concat(new."id")) end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into "public"."changes" (table_name, key, change)
    values ('public.image_profile_tags', before, 'delete'), ('public.image_profile_tags', after, 'insert');
  else
    insert into "public"."changes" (table_name, key, change)
    values ('public.image_profile_tags', coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

create or replace trigger _record_change after insert or update or delete on "public"."image_profile_tags"
  for each row when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_image_profile_tags"();
create or replace trigger _record_truncate after truncate on "public"."image_profile_tags"
  for each statement when (pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('rehearsal.restoring', true) is distinct from 'on')
  execute function "public"."record_change_of_image_profile_tags"();
alter table "public"."image_profile_tags" enable always trigger _record_change;
alter table "public"."image_profile_tags" enable always trigger _record_truncate;
