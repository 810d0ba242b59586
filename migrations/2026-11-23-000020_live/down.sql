drop table live_tickets;
drop table relay_mark;
drop table channel_log;
drop table channel_heads;
