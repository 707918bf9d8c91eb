"""events.watch and channels.stop."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote, urlsplit

from .errors import ApiError, bad_request
from .gate import Call
from .html import is_loopback
from .model import Channel, Json

_CHANNEL_ID = re.compile(r"[A-Za-z0-9\-_+/=]{1,64}")


async def watch(call: Call) -> Json:
    """Open a push channel on a calendar's events; the `sync` message may overtake the answer."""
    calendar, _ = call.calendar()
    server, given = call.server, call.body
    channel_id = str(given.get("id", ""))
    token = str(given.get("token", ""))
    if not _CHANNEL_ID.fullmatch(channel_id):
        raise bad_request("Invalid Value", parameter="id")
    if len(token) > 256:
        raise bad_request("Invalid Value", parameter="token")
    if given.get("type") not in ("web_hook", "webhook"):
        raise bad_request("Unknown channel type.", reason="channelUnknown")
    if not calendar.push:
        raise bad_request(
            "Push notifications are not supported by this resource.",
            reason="pushNotSupportedForRequestedResource",
        )
    _check_address(str(given.get("address", "")))
    now = server.state.now().timestamp()
    known = server.state.channels.get(channel_id)
    if known is not None and known.expires > now:
        raise bad_request(f"Channel id {channel_id} not unique", reason="channelIdNotUnique")
    channel = Channel(
        id=channel_id,
        email=call.account.email,
        client_id=call.access.client_id,
        calendar=calendar.id,
        address=given["address"],
        token=token,
        resource_id=hashlib.sha256(f"events {calendar.id}".encode()).hexdigest()[:27],
        resource_uri=f"{server.url}/calendar/v3/calendars/{quote(calendar.id, safe='')}"
        "/events?alt=json",
        expires=_expiry(call, now),
    )
    server.pusher.opened(channel)
    if call.faults("push_after_answer"):
        server.pusher.spawn(server.pusher.notify(channel, "sync"))
    else:
        await server.pusher.notify_first(channel)
    answer: Json = {
        "kind": "api#channel",
        "id": channel.id,
        "resourceId": channel.resource_id,
        "resourceUri": channel.resource_uri,
        "expiration": str(int(channel.expires * 1_000)),
    }
    return {**answer, "token": token} if token else answer


def stop(call: Call) -> None:
    """Close a channel that this client opened."""
    channel = call.server.state.channels.get(str(call.body.get("id", "")))
    if (
        channel is None
        or channel.client_id != call.access.client_id
        or channel.resource_id != call.body.get("resourceId")
        or channel.expires <= call.server.state.now().timestamp()
    ):
        raise ApiError(
            404, "notFound", f"Channel '{call.body.get('id')}' not found for project 'local'"
        )
    call.server.pusher.closed(channel)


def _expiry(call: Call, now: float) -> float:
    """The asked-for end, but never later than the longest life a channel may have."""
    longest = call.server.options.channel_seconds
    ttl = (call.body.get("params") or {}).get("ttl")
    try:
        if call.body.get("expiration"):
            longest = min(longest, int(call.body["expiration"]) / 1_000 - now)
        elif ttl:
            longest = min(longest, float(ttl))
    except ValueError:
        raise bad_request("Invalid Value", parameter="expiration") from None
    if longest <= 0:
        raise bad_request("Invalid Value", parameter="expiration")
    return now + longest


def _check_address(address: str) -> None:
    """HTTPS only, as at Google; plain HTTP is let through to this machine alone."""
    parts = urlsplit(address)
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        return
    raise ApiError(
        400,
        "push.webhookUrlNotHttps",
        f"WebHook callback must be HTTPS: {address}",
    )
