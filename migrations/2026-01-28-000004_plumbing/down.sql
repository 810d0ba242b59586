drop table chunks;
drop table budgets;
drop table idempotency_keys;
drop table workers;
drop table jobs;
drop table outbox;
