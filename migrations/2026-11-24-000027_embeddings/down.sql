drop index index_work_vectors;
drop index index_work_due;
create index index_work_due on index_work (due_at);
alter table index_work drop column cut_mark;
drop table embeddings;
