-- A file that hangs on a message hangs on one of its own chat.
select f.id from chat_files f join messages m on m.id = f."messageId" where m."chatId" <> f."chatId";
