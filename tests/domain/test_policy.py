"""The rules on destinations, one defence at a time: each test fails when its defence is gone."""

from __future__ import annotations

from datetime import timedelta

import phonenumbers
import pytest

from gcal_plugin.domain.destination import Destination, Kind
from gcal_plugin.domain.policy import (
    ANY_LINE,
    DEFAULT,
    LineContext,
    Policy,
    Verdict,
    decide,
    explain,
    find_loops,
    refusal,
    within_changes_cap,
)
from gcal_plugin.domain.reasons import Reason

MOBILE = Destination(Kind.NUMBER, "+31612345678")
EVERYWHERE = Policy(allowed_countries=frozenset(phonenumbers.SUPPORTED_REGIONS))


def number(value: str) -> Destination:
    return Destination(Kind.NUMBER, value)


def extension(value: str) -> Destination:
    return Destination(Kind.EXTENSION, value)


@pytest.mark.parametrize(
    "value, reason",
    [
        ("+31612345678", None),
        ("+31201234567", None),
        ("+31113212345", None),
        ("+31701234567", None),
        ("+31681234567", None),
        ("+318001234", None),
        ("+31851234567", None),
        ("+31881234567", None),
        ("+31911234567", None),
        ("+31661234567", Reason.PAGER),
        ("+31841234567", Reason.PERSONAL_NUMBER),
        ("+31871234567", Reason.PERSONAL_NUMBER),
        ("+3197010123456", Reason.M2M),
        ("+319008844", Reason.PREMIUM),
        ("+319061234567", Reason.PREMIUM),
        ("+319091234567", Reason.PREMIUM),
        ("+3114020", Reason.SHORT_CODE),
        ("+31140223", Reason.SHORT_CODE),
        ("+31112", Reason.EMERGENCY),
        ("+310112", Reason.EMERGENCY),
        ("+31116000", Reason.EMERGENCY),
        ("+31600000000", Reason.INVALID_NUMBER),
        ("+3161234567", Reason.TOO_SHORT),
    ],
)
def test_dutch_numbers_are_decided_by_prefix(value, reason):
    assert refusal(number(value)) is reason


@pytest.mark.parametrize("prefix", ["67", "82", "69", "89", "86", "90"])
def test_dutch_ranges_that_the_library_might_learn_one_day_stay_closed(prefix):
    """They do not exist for the library today; the prefix decides should that change."""
    from gcal_plugin.domain import ranges

    assert ranges.dutch_default(f"+31{prefix}1234567") is not None


@pytest.mark.parametrize(
    "value, reason",
    [
        ("+32471234567", Reason.COUNTRY_CLOSED),
        ("+252611234567", Reason.COUNTRY_CLOSED),  # a plain mobile, says the library
        ("+9607712345", Reason.COUNTRY_CLOSED),
        ("+5351234567", Reason.COUNTRY_CLOSED),
        ("+18762123456", Reason.COUNTRY_CLOSED),  # Jamaica: looks domestic in North America
        ("+88216123456", Reason.SATELLITE),
        ("+881612345678", Reason.SATELLITE),
        ("+870773123456", Reason.SATELLITE),
        ("+883510012345678", Reason.SATELLITE),
        ("+979123456789", Reason.PREMIUM),
        ("+878101234567890", Reason.PERSONAL_NUMBER),
        ("+88812345678", Reason.SERVICE_NUMBER),
        ("+80012345678", Reason.COUNTRY_CLOSED),  # worldwide free numbers belong to no country
    ],
)
def test_the_world_is_closed(value, reason):
    assert refusal(number(value)) is reason


@pytest.mark.parametrize(
    "value, reason",
    [
        ("+32471234567", None),
        ("+18762123456", None),
        ("+3290012345", Reason.PREMIUM),
        ("+19002123456", Reason.PREMIUM),
        ("+447012345678", Reason.PERSONAL_NUMBER),
        ("+447640123456", Reason.PAGER),
        ("+3278791234", Reason.SHARED_COST),
        ("+445512345678", Reason.NUMBER_TYPE_REFUSED),
        ("+88216123456", Reason.SATELLITE),
        ("+80012345678", Reason.COUNTRY_CLOSED),
    ],
)
def test_an_open_country_opens_its_plain_numbers_only(value, reason):
    assert refusal(number(value), EVERYWHERE) is reason


def test_belgium_opens_for_the_tenant_that_asked_and_north_america_not_with_its_islands():
    assert explain("+32471234567", Policy(allowed_countries=frozenset({"NL", "BE"}))).allowed
    us = Policy(allowed_countries=frozenset({"NL", "US"}))
    assert explain("+1 212 555 2671", us).allowed
    assert explain("+1 876 212 3456", us).reason is Reason.COUNTRY_CLOSED


def test_a_closed_home_country_is_closed():
    assert refusal(MOBILE, Policy(allowed_countries=frozenset())) is Reason.COUNTRY_CLOSED


def test_shared_cost_is_the_tenants_choice():
    shared = number("+3278791234")
    policy = Policy(allowed_countries=frozenset({"BE"}), allow_shared_cost=True)
    assert refusal(shared, policy) is None


@pytest.mark.parametrize(
    "value, allowed, denied, reason",
    [
        ("+31841234567", {"+3184"}, set(), None),
        ("+32471234567", {"+32471"}, set(), None),
        ("+31612345678", set(), {"+316"}, Reason.PREFIX_REFUSED),
        ("+31612345678", {"+3161"}, {"+316"}, None),
        ("+31612345678", {"+316"}, {"+3161"}, Reason.PREFIX_REFUSED),
        ("+31612345678", {"+316"}, {"+316"}, Reason.PREFIX_REFUSED),
        ("+319008844", {"+31900"}, set(), Reason.PREMIUM),
        ("+3114020", {"+3114"}, set(), Reason.SHORT_CODE),
        ("+88216123456", {"+882"}, set(), Reason.SATELLITE),
        ("+31112", {"+31"}, set(), Reason.EMERGENCY),
        ("+3290012345", {"+32"}, set(), Reason.PREMIUM),
        ("+31600000000", {"+31"}, set(), Reason.INVALID_NUMBER),
    ],
)
def test_prefixes_of_the_tenant(value, allowed, denied, reason):
    policy = Policy(allowed_prefixes=frozenset(allowed), denied_prefixes=frozenset(denied))
    assert refusal(number(value), policy) is reason


LISTED = LineContext(
    known_extensions=frozenset(
        {"200", "333", "101", "112", "911", "113", "144", "14020", "9112", "06", "116000", "1888"}
    ),
    unreachable_extensions=frozenset({"200"}),
)


@pytest.mark.parametrize(
    "value, without_list, with_list",
    [
        ("333", None, None),
        ("101", None, None),
        ("1234", Reason.SHORT_CODE, Reason.UNKNOWN_EXTENSION),
        ("14020", Reason.SHORT_CODE, None),
        ("1888", Reason.SHORT_CODE, None),
        ("06", Reason.TOO_SHORT, None),
        ("9112", Reason.EMERGENCY, None),
        ("8911", Reason.EMERGENCY, Reason.UNKNOWN_EXTENSION),
        ("2026", None, Reason.UNKNOWN_EXTENSION),
        ("102", None, Reason.UNKNOWN_EXTENSION),
        ("0102", Reason.TOO_SHORT, Reason.UNKNOWN_EXTENSION),
        ("14030", Reason.SHORT_CODE, Reason.SHORT_CODE),
        ("200", None, Reason.NOT_REACHABLE_KIND),
        ("112", Reason.EMERGENCY, Reason.EMERGENCY),
        ("0112", Reason.EMERGENCY, Reason.EMERGENCY),
        ("911", Reason.EMERGENCY, Reason.EMERGENCY),
        ("999", Reason.EMERGENCY, Reason.EMERGENCY),
        ("000", Reason.EMERGENCY, Reason.EMERGENCY),
        ("113", Reason.EMERGENCY, None),
        ("144", Reason.EMERGENCY, None),
        ("116000", Reason.EMERGENCY, None),
        ("116123", Reason.EMERGENCY, Reason.EMERGENCY),
        ("0113", Reason.EMERGENCY, Reason.EMERGENCY),
    ],
)
def test_only_a_list_tells_an_extension_from_a_short_code_and_112_is_never_one(
    value, without_list, with_list
):
    assert refusal(extension(value)) is without_list
    assert refusal(extension(value), DEFAULT, LISTED) is with_list


def test_the_extensions_own_public_number_is_refused():
    line = LineContext(extension="200", own_numbers=frozenset({"+31201234567"}))
    assert refusal(number("+31201234567"), DEFAULT, line) is Reason.OWN_NUMBER
    assert refusal(MOBILE, DEFAULT, line) is None


def test_a_refused_number_that_is_also_ones_own_keeps_the_graver_reason():
    line = LineContext(own_numbers=frozenset({"+319008844"}))
    assert refusal(number("+319008844"), DEFAULT, line) is Reason.PREMIUM


def test_a_number_whose_owner_asked_is_left_alone():
    line = LineContext(blocked=frozenset({"+31612345678"}))
    assert explain("06 12345678", line=line).reason is Reason.BLOCKED_BY_OWNER
    assert explain("06 87654321", line=line).allowed


def test_the_kill_switch_stops_what_would_be_allowed_and_changes_no_other_reason():
    line = LineContext(killed=True)
    assert explain("0612345678", line=line).reason is Reason.KILLED
    assert explain("333", line=line).reason is Reason.KILLED
    assert explain("0900-8844", line=line).reason is Reason.PREMIUM
    assert explain("Vergadering", line=line).reason is Reason.ORDINARY_TEXT


def test_the_cap_on_changes():
    policy = Policy(max_changes_per_day=2)
    assert [within_changes_cap(done, policy) for done in range(4)] == [True, True, False, False]


def test_decide_takes_a_destination_as_well_as_a_reading():
    assert decide(MOBILE) == Verdict(Kind.NUMBER, "+31612345678", True)
    assert decide(MOBILE).destination == MOBILE


# -- loops -----------------------------------------------------------------------------------


def test_rings_are_refused_whole_and_chains_are_not():
    desired = {
        "200": {extension("201"), MOBILE},
        "201": {extension("202")},
        "202": {extension("200")},
        "203": {extension("200")},
        "204": {extension("204"), MOBILE},
    }
    assert find_loops(desired) == {
        "200": frozenset({extension("201")}),
        "201": frozenset({extension("202")}),
        "202": frozenset({extension("200")}),
    }


def test_two_that_forward_to_each_other_are_a_ring():
    desired = {"200": {extension("201")}, "201": {extension("200")}}
    assert set(find_loops(desired)) == {"200", "201"}


def test_a_public_number_of_the_same_exchange_closes_a_ring_too():
    desired = {"200": {number("+31201234567")}, "201": {extension("200")}}
    assert find_loops(desired) == {}
    found = find_loops(desired, {"+31201234567": "201"})
    assert found == {
        "200": frozenset({number("+31201234567")}),
        "201": frozenset({extension("200")}),
    }


def test_ones_own_public_number_is_a_ring_of_one():
    own = number("+31201234567")
    assert find_loops({"200": {own}}, {"+31201234567": "200"}) == {"200": frozenset({own})}


# -- the policy as a value -------------------------------------------------------------------


OTHER = Policy(
    allowed_countries=frozenset({"NL", "BE"}),
    allowed_prefixes=frozenset({"+3184"}),
    denied_prefixes=frozenset({"+316"}),
    allow_shared_cost=True,
    max_simultaneous=3,
    max_changes_per_day=7,
    max_forward_length=timedelta(days=2),
    accept_invitations=True,
)


@pytest.mark.parametrize("policy", [DEFAULT, OTHER])
def test_a_policy_survives_json(policy):
    assert Policy.from_json(policy.to_json()) == policy
    assert Policy.from_json(policy.to_json()).version == policy.version


def test_missing_keys_are_the_default():
    assert Policy.from_json({}) == DEFAULT
    assert Policy.from_json({"max_simultaneous": 3}) == Policy(max_simultaneous=3)


def test_each_setting_changes_the_version_and_order_does_not():
    changed = [Policy.from_json({key: value}) for key, value in OTHER.to_json().items()]
    versions = {policy.version for policy in changed} | {DEFAULT.version}
    assert len(versions) == len(OTHER.to_json()) + 1
    one = Policy.from_json({"allowed_countries": ["NL", "BE"]})
    assert one.version == Policy.from_json({"allowed_countries": ["BE", "NL"]}).version
    assert len(one.version) == 12


@pytest.mark.parametrize(
    "wrong",
    [
        {"colour": "red"},
        {"allowed_countries": "NL"},
        {"allowed_countries": [1]},
        {"allowed_countries": ["nl"]},
        {"allowed_countries": ["NLD"]},
        {"allowed_prefixes": ["31"]},
        {"denied_prefixes": ["+"]},
        {"denied_prefixes": ["+31 6"]},
        {"allow_shared_cost": 1},
        {"max_simultaneous": True},
        {"max_simultaneous": "3"},
        {"max_simultaneous": 0},
        {"max_changes_per_day": 0},
        {"max_forward_length": 0},
        {"max_forward_length": True},
        {"max_forward_length": "31"},
        {"accept_invitations": "yes"},
    ],
)
def test_a_wrong_policy_is_refused_by_its_key(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Policy.from_json(wrong)


def test_the_default_line_knows_nothing():
    assert LineContext() == ANY_LINE
