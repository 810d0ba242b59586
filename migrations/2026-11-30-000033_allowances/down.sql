alter table budget_reservations
    drop column since,
    drop column call_after;
