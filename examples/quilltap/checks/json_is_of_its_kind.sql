-- JSON-typed fields hold what the application reads there: objects, or nothing.
select 'chat_settings.preferences' as field, id from chat_settings where jsonb_typeof(preferences) <> 'object'
union all select 'connection_profiles.parameters', id from connection_profiles where jsonb_typeof(parameters) <> 'object'
union all select 'image_profiles.parameters', id from image_profiles where jsonb_typeof(parameters) <> 'object'
union all select 'characters.sillyTavernData', id from characters where jsonb_typeof("sillyTavernData") not in ('object', 'null')
union all select 'personas.sillyTavernData', id from personas where jsonb_typeof("sillyTavernData") not in ('object', 'null')
union all select 'chats.sillyTavernMetadata', id from chats where jsonb_typeof("sillyTavernMetadata") not in ('object', 'null')
union all select 'messages.rawResponse', id from messages where jsonb_typeof("rawResponse") not in ('object', 'null');
