-- A run may hold an allowance for several calls, so that the shared rows of its budgets are
-- touched when it is given and when it is settled, and not with every call.
alter table budget_reservations
    -- What was used of it are the calls after this entry. None in a row that the version
    -- before wrote: that is for one call, which is settled by its own entry.
    add column since bigint,
    -- The call that is being made follows this entry; it is over once a later one tells of a call.
    add column call_after bigint;
