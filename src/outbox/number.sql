-- Gives each event of a batch the next number of each of its channels, and marks all rows
-- of the batch as taken: $1 the batch, $2 those of it that are events, $3 now.
--
-- `marked` has only rows that nobody else took meanwhile, so that two relays, of which one
-- has lost its lock without knowing, give no event two numbers.
with marked as (
    update outbox set published_at = $3
    where id = any ($1) and published_at is null
    returning id, position, channels
), heard as (
    select m.id, m.position, c.channel, c.place,
        row_number() over of_channel as nth,
        count(*) over (partition by c.channel) as all_of_them
    from marked m, jsonb_array_elements_text(m.channels) with ordinality c (channel, place)
    where m.id = any ($2)
    window of_channel as (partition by c.channel order by m.position, c.place)
), raised as (
    insert into channel_heads (channel, last)
    select channel, count(*) from heard group by channel order by channel
    on conflict (channel) do update set last = channel_heads.last + excluded.last
    returning channel, last
)
insert into channel_log (channel, seq, event_id, told_at)
select h.channel, r.last - h.all_of_them + h.nth, h.id, $3
from heard h join raised r using (channel)
order by h.position, h.place
returning position, channel, seq, event_id
