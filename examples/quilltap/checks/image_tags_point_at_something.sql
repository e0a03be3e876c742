-- What an image is said to show is there: no foreign key can say so, for it is of four kinds.
select t.id, t."tagType", t."tagId"
from image_tags t
where case t."tagType"
  when 'CHARACTER' then not exists (select from characters c where c.id = t."tagId")
  when 'PERSONA' then not exists (select from personas p where p.id = t."tagId")
  when 'CHAT' then not exists (select from chats c where c.id = t."tagId")
  else t."tagId" = ''
end;
