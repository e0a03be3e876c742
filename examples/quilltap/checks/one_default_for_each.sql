-- Nobody has two defaults of one kind.
select 'connection_profiles' as relation, "userId" as of from connection_profiles where "isDefault" group by 2 having count(*) > 1
union all
select 'image_profiles', "userId" from image_profiles where "isDefault" group by 2 having count(*) > 1
union all
select 'character_personas', "characterId" from character_personas where "isDefault" group by 2 having count(*) > 1;
