drop index nodes_by_update;
drop index nodes_by_title;
alter table nodes drop column title_key;
