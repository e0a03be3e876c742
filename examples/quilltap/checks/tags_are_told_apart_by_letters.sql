-- What makes a tag's name unique is the name in small letters.
select id, name, "nameLower" from tags where "nameLower" <> lower(name);
