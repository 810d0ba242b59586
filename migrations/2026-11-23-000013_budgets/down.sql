delete from notifications where type = 'budget_alert';
alter table notifications drop constraint notifications_type_check;
alter table notifications add constraint notifications_type_check check (type in (
    'execution_complete', 'execution_failed', 'human_input_needed',
    'node_assigned', 'mention', 'comment'));
drop table budget_reservations;
alter table budgets drop constraint budgets_reserved, drop column told, drop column reserved_tokens;
