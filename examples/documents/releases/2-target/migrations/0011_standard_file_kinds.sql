-- The kinds that everybody uses: input, output, log, export.

alter type file_kind rename value 'document' to 'input';
alter type file_kind add value if not exists 'log';
alter type file_kind add value if not exists 'export';
