"""A large installation, made inside Postgres: rows that look like a year of use."""

from __future__ import annotations

import sqlalchemy as sa

TENANTS = 20

_STEPS = (
    """TRUNCATE gcal_link, gcal_grant, gcal_calendar, gcal_channel, gcal_ledger, gcal_tally,
    gcal_tally_mark
    CASCADE""",
    """INSERT INTO gcal_grant (id, client_id, subject, email, scopes, state, created_at)
    SELECT gen_random_uuid(), 'client.example', 'sub-' || n, 'u' || n || '@klant.example',
        '[]', 'live', now() - interval '90 days' FROM generate_series(1, :links) n""",
    """INSERT INTO gcal_calendar (id, grant_id, google_id, name, time_zone, access_role, owner,
        sync_token, synced_at, next_sync_at, relist_at, listed_until, generation, dirty,
        push_state, failures)
    SELECT gen_random_uuid(), id, 'c-' || subject, 'Bereikbaarheid', 'Europe/Amsterdam', 'owner',
        '', 't', now() - random() * interval '6 hours',
        now() + interval '1 hour' + random() * interval '6 hours', now() + interval '1 day',
        now() + interval '35 days', 1, false, 'open', 0 FROM gcal_grant""",
    """INSERT INTO gcal_channel (id, calendar_id, token_digest, resource_id, state, created_at,
        last_message_at, expires_at, renew_at)
    SELECT gen_random_uuid()::text, id, md5(google_id) || md5(id::text), 'r-' || google_id, 'open',
        now() - interval '1 day', now() - interval '1 day', now() + interval '6 days',
        now() + interval '1 day' + random() * interval '4 days' FROM gcal_calendar""",
    """INSERT INTO gcal_link (id, tenant_id, account_id, pbx, domain, extension, state, version,
        grant_id, calendar_id, stale_choice, policy, created_at, linked_at, broken_at,
        broken_reason)
    SELECT gen_random_uuid(),
        CASE WHEN n = 1 THEN 'belwinkel' ELSE 't' || n % :tenants END,
        CASE WHEN n = 1 THEN '1' ELSE 'a' || n END, 'main',
        CASE WHEN n = 1 THEN 'bakkerij-jansen.example' ELSE 'd' || n / 20 || '.example' END,
        (200 + n % 20)::text,
        CASE WHEN n % 5000 = 7 THEN 'reconnect' ELSE 'linked' END, 1, grant_id, id, 'keep', '{}',
        now() - interval '90 days', now() - interval '90 days',
        CASE WHEN n % 5000 = 7 THEN now() - interval '1 day' END,
        CASE WHEN n % 5000 = 7 THEN 'revoked' END
    FROM (SELECT c.id, c.grant_id, row_number() OVER () n FROM gcal_calendar c) numbered""",
    """INSERT INTO gcal_forwarding (link_id, tenant_id, pbx, domain, extension, due_at, due_cause,
        asked_at, generation, settled, revision, desired, observed, observed_revision, observed_at,
        failures, refused, wanted, in_ring, changes_count, last_error)
    SELECT id, tenant_id, pbx, domain, extension,
        CASE WHEN n <= 200 THEN now() - random() * interval '30 seconds'
             ELSE now() + interval '2 hours' + random() * interval '20 hours' END,
        'edge', now(), 1, 1, 1, '[]', '[]', 0, now(),
        CASE WHEN n % 9000 = 5 THEN 3 ELSE 0 END, '[]', '[]', '[]', 0,
        CASE WHEN n % 9000 = 5 THEN '423 locked' END
    FROM (SELECT l.*, row_number() OVER () n FROM gcal_link l) numbered""",
    """INSERT INTO gcal_window (calendar_id, event_id, start_at, end_at, all_day, kind, value,
        accepted_invitation, received_at)
    SELECT c.id, 'e' || w, date_trunc('hour', now()) + (w - :windows * 2 / 3) * interval '20 hours',
        date_trunc('hour', now()) + (w - :windows * 2 / 3) * interval '20 hours'
            + interval '8 hours', false, 'number', '+3161234' || lpad((w % 10000)::text, 4, '0'),
        false, now() - interval '1 day'
    FROM gcal_calendar c CROSS JOIN generate_series(1, :windows) w""",
    """INSERT INTO gcal_ledger (link_id, tenant_id, pbx, due_at, cause, revision, destinations,
        event_ids, sent_at, answered_at, seconds_late, outcome, policy_version)
    SELECT link_id, tenant_id, pbx, now() - w * interval '5 hours', 'edge', w, '[]', '["e"]',
        now() - w * interval '5 hours', now() - w * interval '5 hours' + interval '20 ms',
        random() * 0.4, 'done', '1'
    FROM gcal_forwarding CROSS JOIN generate_series(1, 5) w""",
    """INSERT INTO gcal_tally (name, day, tenant_id, pbx, counts, total)
    SELECT kind, day, 't' || n, 'main',
        (SELECT jsonb_agg((random() * 500)::int) FROM generate_series(1, 27)), 1000
    FROM unnest(array['late', 'push']) kind, generate_series(0, :tenants - 1) n,
        (SELECT '' AS day UNION ALL
         SELECT to_char(now() - d * interval '1 day', 'YYYY-MM-DD')
         FROM generate_series(0, 30) d) days""",
    """INSERT INTO gcal_tally_mark (name, counted, seen)
    SELECT 'ledger', max(id), max(id) FROM gcal_ledger""",
)

HOT = {
    "what falls due": """SELECT link_id, tenant_id, pbx, due_at, generation FROM gcal_forwarding
        WHERE due_at <= now() + interval '5 seconds'
        AND (lease_until IS NULL OR lease_until <= now()) ORDER BY due_at LIMIT 60000""",
    "whether anything is near": """SELECT EXISTS (SELECT * FROM gcal_forwarding
            WHERE due_at <= now() + interval '9 seconds')
        OR EXISTS (SELECT * FROM gcal_calendar WHERE next_sync_at <= now() + interval '4 seconds')
        OR EXISTS (SELECT due_at FROM gcal_forwarding
            WHERE due_at > now() + interval '9 seconds' AND due_at <= now() + interval '99 seconds'
            GROUP BY due_at HAVING count(*) >= 1000)""",
    "the calendars to fetch": """SELECT id, next_sync_at FROM gcal_calendar
        WHERE next_sync_at <= now() AND (lease_until IS NULL OR lease_until <= now())
        ORDER BY next_sync_at LIMIT 8000""",
    "the open windows of a calendar": """SELECT * FROM gcal_window
        WHERE calendar_id = (SELECT id FROM gcal_calendar ORDER BY id LIMIT 1)
        AND replaced_at IS NULL AND end_at > now() AND start_at <= now()""",
    "a link's history": """SELECT * FROM gcal_ledger
        WHERE link_id = (SELECT link_id FROM gcal_forwarding ORDER BY link_id LIMIT 1)
        ORDER BY due_at DESC LIMIT 50""",
    "lines whose push failed": """SELECT link_id FROM gcal_forwarding
        WHERE last_error IS NOT NULL ORDER BY link_id LIMIT 100""",
    "broken links": """SELECT id FROM gcal_link
        WHERE broken_at IS NOT NULL AND ended_at IS NULL ORDER BY broken_at LIMIT 100""",
    "accounts never asked for": """SELECT id, account_id FROM gcal_link
        WHERE ended_at IS NULL AND holder_asked_at IS NULL ORDER BY holder_asked_at LIMIT 400""",
    "accounts to ask for again": """SELECT id, account_id FROM gcal_link
        WHERE ended_at IS NULL AND holder_asked_at <= now() - interval '1 hour'
        ORDER BY holder_asked_at LIMIT 400""",
    "links whose account left": """SELECT tenant_id, pbx, count(*) FROM gcal_link
        WHERE holder_lost_at IS NOT NULL AND ended_at IS NULL GROUP BY tenant_id, pbx""",
    "calendars whose channel is silent": """SELECT id FROM gcal_calendar WHERE push_state = 'open'
        AND id IN (SELECT calendar_id FROM gcal_channel WHERE last_message_at IS NULL
            AND created_at <= now() - interval '5 minutes' AND state = 'open') LIMIT 5000""",
    "windows to forget": """SELECT id FROM gcal_window
        WHERE end_at < now() - interval '90 days' LIMIT 5000""",
}
"""The queries that run all the time, as the product asks them."""


def fill(engine: sa.Engine, *, links: int, windows: int) -> None:
    """Make `links` links, each with `windows` windows, and gather the planner's statistics."""
    values = {"links": links, "windows": windows, "tenants": TENANTS}
    for step in _STEPS:
        statement = sa.text(step)
        wanted = {key: value for key, value in values.items() if f":{key}" in step}
        with engine.begin() as connection:
            connection.execute(statement, wanted)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))
