create or replace function app.org_ids() returns uuid[]
    language sql stable parallel safe
as $$
    select case
        when app.org_id() is not null then array[app.org_id()]
        when app.user_id() is not null then
            array(select m.org_id from public.org_members m where m.user_id = app.user_id())
        else '{}'::uuid[]
    end
$$;
drop function app.member_org_ids();
