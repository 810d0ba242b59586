-- Every policy asks `app.org_ids()`, and a function with a sub-select in it is started like a
-- query of its own each time. Without one the planner puts it into the statement, and only
-- who has no organization set pays for the look at their memberships.
create function app.member_org_ids() returns uuid[]
    language sql stable parallel safe
    return array(select m.org_id from public.org_members m where m.user_id = app.user_id());

create or replace function app.org_ids() returns uuid[]
    language sql stable parallel safe
    return case
        when app.org_id() is not null then array[app.org_id()]
        when app.user_id() is not null then app.member_org_ids()
        else '{}'::uuid[]
    end;
