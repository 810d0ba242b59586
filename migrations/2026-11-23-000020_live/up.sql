-- What each channel said, in the order in which the relay said it, and the tickets for
-- sockets. All three tables are the program's plumbing over all organizations.

-- The last number that each channel gave. A number is never given twice, so a row stays
-- when all that the channel said was forgotten.
create table channel_heads (
    channel text primary key,
    last bigint not null
);
alter table channel_heads enable row level security;
alter table channel_heads force row level security;
create policy plumbing on channel_heads
    using ((select app.is_system()));

-- The numbers 1, 2, 3… of each channel, and the outbox row that each stands for. No foreign
-- key to it: both are swept together, and a row without its event is a number of something
-- that was deleted with its organization.
create table channel_log (
    -- One relay writes at a time, so this is the order of commits as well.
    position bigint generated always as identity,
    channel text not null,
    seq bigint not null,
    event_id uuid not null,
    told_at timestamptz not null,
    primary key (channel, seq)
);
create unique index channel_log_position on channel_log (position);
alter table channel_log enable row level security;
alter table channel_log force row level security;
create policy plumbing on channel_log
    using ((select app.is_system()));

-- How far into the log everything was handed to the bus.
create table relay_mark (
    only_one boolean primary key default true check (only_one),
    told bigint not null
);
-- Before the policy, which binds the owner as well.
insert into relay_mark (told) values (0);
alter table relay_mark enable row level security;
alter table relay_mark force row level security;
create policy plumbing on relay_mark
    using ((select app.is_system()));

-- A ticket opens one socket. What is here opens none: the ticket itself is known to its
-- bearer alone, and `sealed` opens with nothing else.
create table live_tickets (
    digest bytea primary key,
    user_id uuid not null references users (id) on delete cascade,
    -- When the token ends that the ticket was asked for with.
    token_expires_at timestamptz not null,
    -- That token, where it was narrowed.
    sealed bytea,
    expires_at timestamptz not null
);
create index live_tickets_user on live_tickets (user_id);
create index live_tickets_end on live_tickets (expires_at);
alter table live_tickets enable row level security;
alter table live_tickets force row level security;
create policy plumbing on live_tickets
    using ((select app.is_system()));
