"""What every store does; `test_contract` runs it on each kind of database."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from foretaste.errors import InputError, UnknownIdError
from foretaste.serving.store.base import Act, Event, Store, user_hash
from tests.serving.store.conftest import Opened
from tests.serving.store.examples import answer, event, key, log_of, model

# What text may hold: other scripts, beyond the basic plane, quotes, what looks like code.
STRANGE = "Ünïcødé 日本 🧺 '; DROP TABLE events; -- %s :x \\ \""


class EventsContract:
    def test_an_event_comes_back_as_it_was(self, store: Store) -> None:
        context = {"device": STRANGE, "n": 3, "deep": {"list": [1, 2.5, None, True, "\0\ud800"]}}
        full = Event("e", STRANGE, STRANGE, -(2**63), "rating", 4.5, "s", "r", context)
        bare = Event("f", "u", "i", 2**63 - 1)
        first, second = store.add_events([full, bare])
        assert first is not None
        assert second is not None
        assert log_of(store) == [(first, full), (second, bare)]

    def test_one_id_is_one_event(self, store: Store) -> None:
        a, b = event("a", item_id="first"), event("b")
        first = store.add_events([a, b, event("a", item_id="second")])
        assert first[0] is not None
        assert first[1] is not None
        assert first[2] is None
        again = store.add_events([event("b", user_id="somebody else"), event("c")])
        assert again[0] is None
        assert again[1] is not None
        assert again[1] > first[1] > first[0]
        assert [kept for _, kept in log_of(store)] == [a, b, event("c")]

    def test_no_events_are_none(self, store: Store) -> None:
        assert store.add_events([]) == []
        assert store.last_seq() == 0
        assert log_of(store) == []

    def test_a_large_call_is_kept_in_order(self, store: Store) -> None:
        numbers = store.add_events([event(f"e{i}") for i in range(2_500)])
        assert None not in numbers
        assert numbers == sorted(set(numbers))  # type: ignore[type-var]
        assert [kept.event_id for _, kept in log_of(store)] == [f"e{i}" for i in range(2_500)]

    def test_the_log_is_read_from_where_one_was(self, store: Store) -> None:
        numbers = store.add_events([event(f"e{i}") for i in range(7)])
        assert store.last_seq() == numbers[-1]
        assert [seq for seq, _ in log_of(store, after=numbers[3] or 0)] == numbers[4:]
        blocks = [len(block) for block in store.events_after(0, block=3)]
        assert blocks == [3, 3, 1]

    def test_the_latest_of_a_person(self, store: Store) -> None:
        store.add_events([event(f"e{i}", user_id="uv"[i % 2], item_id=f"i{i}") for i in range(9)])
        latest = store.latest_of("u", 3)
        assert [place.item_id for place in latest] == ["i4", "i6", "i8"]
        assert [place.seq for place in latest] == sorted(place.seq for place in latest)
        assert store.latest_of("nobody", 3) == []

    @pytest.mark.parametrize(
        ("bad", "field"),
        [
            (Event("e", "a\0b", "i", 1), "user_id"),
            (Event("e", "a\ud800", "i", 1), "user_id"),
            (Event("e", "u", "", 1), "item_id"),
            (Event("x" * 513, "u", "i", 1), "event_id"),
            (Event("e", "u", "i", 2**63), "timestamp"),
            (Event("e", "u", "i", 1, event_value=float("nan")), "event_value"),
            (Event("e", "u", "i", 1, event_type="\0"), "event_type"),
        ],
    )
    def test_what_can_not_be_kept_is_named(self, store: Store, bad: Event, field: str) -> None:
        with pytest.raises(InputError) as caught:
            store.add_events([event("good"), bad])
        assert (caught.value.row, caught.value.field) == (2, field)
        assert log_of(store) == []

    @pytest.mark.parametrize("value", [float("nan"), object(), 1j])
    def test_context_is_json(self, store: Store, value: object) -> None:
        with pytest.raises(InputError, match="JSON"):
            store.add_events([event("a"), Event("e", "u", "i", 1, context={"x": value})])
        assert log_of(store) == []


class CatalogueContract:
    def test_items_are_put_and_replaced_and_taken_out(self, store: Store) -> None:
        assert store.items_after(0) == (0, {})
        first = store.put_items({"a": {"title": STRANGE, "price": 1.5}, STRANGE: {}})
        second = store.put_items({"a": {"title": "new"}})
        assert second > first > 0
        assert store.item("a") == {"title": "new"}
        assert store.item(STRANGE) == {}
        third = store.delete_items(["a", "never there"])
        assert store.item("a") is None
        assert store.item("never there") is None
        assert store.items_after(0) == (third, {STRANGE: {}, "a": None, "never there": None})
        assert store.items_after(first) == (third, {"a": None, "never there": None})
        assert store.items_after(third) == (third, {})
        store.put_items({"a": {"title": "back"}})
        assert store.item("a") == {"title": "back"}

    def test_nothing_put_is_no_new_revision(self, store: Store) -> None:
        revision = store.put_items({"a": {}})
        assert store.put_items({}) == revision
        assert store.delete_items([]) == revision

    def test_a_large_catalogue(self, store: Store) -> None:
        items = {f"i{n}": {"n": n} for n in range(11_000)}
        revision = store.put_items(items)
        assert store.items_after(0) == (revision, items)

    def test_fields_are_json(self, store: Store) -> None:
        with pytest.raises(InputError, match="JSON"):
            store.put_items({"a": {}, "b": {"price": float("inf")}})
        assert store.items_after(0) == (0, {})
        with pytest.raises(InputError) as caught:
            store.put_items({"": {}})
        assert caught.value.field == "item_id"


class PeopleContract:
    def test_people_are_put_and_replaced(self, store: Store) -> None:
        assert store.user("u") is None
        store.put_users({"u": {"age": 30}, "v": {}})
        store.put_users({"u": {"city": STRANGE}})
        assert store.user("u") == {"city": STRANGE}
        assert store.user("v") == {}

    def test_the_erased_leave_only_a_receipt(self, opened: Opened) -> None:
        store, other = opened("shop"), opened("other")
        for some in (store, other):
            some.add_events([event("a", "u"), event("b", "v"), event("c", "u")])
            some.put_users({"u": {"age": 30}, "v": {"age": 31}})
            some.add_answers([answer("r", "u"), answer("s", "v"), answer("t", None)])
        before = int(time.time() * 1000)
        receipt = store.erase_user("u")
        assert receipt.deleted == {"events": 2, "users": 1, "answers": 1}
        assert before <= receipt.at <= time.time() * 1000
        assert store.erased() == {receipt.user_hash: receipt.at}
        assert store.latest_of("u", 9) == []
        assert store.user("u") is None
        assert [kept.user_id for _, kept in log_of(store)] == ["v"]
        assert [a.recommendation_id for block in store.answers_since(0) for a in block] == [
            "s",
            "t",
        ]
        assert other.erased() == {}
        assert len(other.latest_of("u", 9)) == 2
        assert other.user("u") == {"age": 30}

    def test_numbers_of_the_erased_are_not_given_again(self, store: Store) -> None:
        store.add_events([event("a", "v"), event("b", "u")])
        read = store.last_seq()
        store.erase_user("u")
        store.add_events([event("c", "v")])
        assert [kept.event_id for _, kept in log_of(store, after=read)] == ["c"]

    def test_the_last_erasure_counts(self, opened: Opened) -> None:
        store = opened("shop")
        first = store.erase_user("u")
        store.add_events([event("a", "u")])
        second = store.erase_user("u")
        assert first.receipt != second.receipt
        assert first.user_hash == second.user_hash
        assert second.deleted["events"] == 1
        assert store.erased() == {first.user_hash: second.at}

    def test_the_hash_is_of_tenant_and_id(self, opened: Opened) -> None:
        hashes = {opened(name).erase_user("u").user_hash for name in ("a", "b")}
        assert len(hashes) == 2
        assert user_hash("shop", "u") == (  # printf 'shop\0u' | sha256sum
            "e8dc3eda2a660fa1bd043ce1390d25be82ff58a0e8453aafc6a1c1a64d17df1b"
        )


class AnswersContract:
    def test_answers_come_back_by_time(self, store: Store) -> None:
        given = [answer("r3", at=3), answer("r1", at=1), answer("r0", at=3), answer("r2", None, 2)]
        store.add_answers(given)
        store.add_answers([answer("r1", "somebody else", at=9), answer("r4", at=4)])
        read = [found for block in store.answers_since(2) for found in block]
        assert read == [given[3], given[2], given[0], answer("r4", at=4)]
        store.add_answers([])


class AdministrationContract:
    def test_keys(self, store: Store) -> None:
        assert store.key("k") is None
        store.add_key(key("k"))
        store.add_key(key("a"))
        assert store.key("k") == key("k")
        assert store.keys() == [key("k"), key("a")]
        assert store.revoke_key("k") is True
        assert store.revoke_key("nobody's") is False
        revoked = store.key("k")
        assert revoked is not None
        assert revoked.revoked
        assert store.keys() == [replace(key("k"), revoked=True), key("a")]
        with pytest.raises(InputError, match="key"):
            store.add_key(key("k"))

    def test_models(self, store: Store) -> None:
        store.add_model(model("v2"))
        store.add_model(model("v1", parent="v2", metrics={"by": [1, {"x": None}]}))
        assert store.models() == [
            model("v2"),
            model("v1", parent="v2", metrics={"by": [1, {"x": None}]}),
        ]
        with pytest.raises(InputError, match="'v1'"):
            store.add_model(model("v1"))
        store.set_live("v2")
        store.set_live("v1")
        assert _statuses(store) == {"v2": "retired", "v1": "live"}
        store.set_live("v1")
        assert _statuses(store) == {"v2": "retired", "v1": "live"}
        store.set_model_status("v2", "refused")
        assert _statuses(store) == {"v2": "refused", "v1": "live"}
        with pytest.raises(InputError):
            store.add_model(model("v3", status="live"))
        with pytest.raises(InputError):
            store.set_model_status("v2", "live")
        with pytest.raises(UnknownIdError, match="'v9'"):
            store.set_model_status("v9", "refused")
        with pytest.raises(UnknownIdError, match="'v9'"):
            store.set_live("v9")
        assert _statuses(store) == {"v2": "refused", "v1": "live"}

    def test_what_is_measured_of_a_model_is_added(self, store: Store) -> None:
        store.add_model(model("v1"))
        store.add_model(model("v2"))
        store.add_metrics("v1", {"drift": {"index": 0.1}})
        store.add_metrics("v1", {"drift": {"index": None}, "more": [1]})
        told = {"ndcg": 0.1, "drift": {"index": None}, "more": [1]}
        assert store.models() == [model("v1", metrics=told), model("v2")]
        with pytest.raises(UnknownIdError, match="'v9'"):
            store.add_metrics("v9", {})
        with pytest.raises(InputError, match="JSON"):
            store.add_metrics("v1", {"drift": float("nan")})
        assert store.models() == [model("v1", metrics=told), model("v2")]

    def test_acts_newest_first(self, store: Store) -> None:
        acts = [Act(5, "k", "models.promote", f"v{n}") for n in range(4)]
        for act in acts:
            store.add_act(act)
        assert store.acts() == acts[::-1]
        assert store.acts(2) == [acts[3], acts[2]]


class TenantsContract:
    def test_tenants_never_see_each_other(self, opened: Opened) -> None:
        """Two tenants use the same ids for everything; a third sees nothing at all."""
        one, two, three = opened("one"), opened("two"), opened("three")
        for store, mark in ((one, "of one"), (two, "of two")):
            store.add_events([event("e", "u", mark)])
            store.put_items({"i": {"mark": mark}})
            store.put_users({"u": {"mark": mark}})
            store.add_answers([answer("r", at=len(store.acts()) + 1)])
            store.add_key(key("k"))
            store.add_model(model("v", path=mark))
            store.set_live("v")
            store.add_act(Act(1, "k", "x", mark))
        two.revoke_key("k")
        two.set_model_status("v", "retired")
        two.delete_items(["i"])
        two.erase_user("u")
        assert [kept.item_id for _, kept in log_of(one)] == ["of one"]
        assert [place.item_id for place in one.latest_of("u", 9)] == ["of one"]
        assert one.last_seq() == 1
        assert one.item("i") == {"mark": "of one"}
        assert one.items_after(0) == (1, {"i": {"mark": "of one"}})
        assert one.user("u") == {"mark": "of one"}
        assert [len(block) for block in one.answers_since(0)] == [1]
        assert one.keys() == [key("k")]
        assert one.models() == [model("v", path="of one", status="live")]
        assert one.acts() == [Act(1, "k", "x", "of one")]
        assert one.erased() == {}
        three.check()
        assert (log_of(three), three.latest_of("u", 9), three.last_seq()) == ([], [], 0)
        assert (three.item("i"), three.items_after(0), three.user("u")) == (None, (0, {}), None)
        assert (list(three.answers_since(0)), three.key("k"), three.keys()) == ([], None, [])
        assert (three.models(), three.acts(), three.erased()) == ([], [], {})
        assert three.revoke_key("k") is False
        with pytest.raises(UnknownIdError):
            three.set_live("v")


def _statuses(store: Store) -> dict[str, str]:
    return {record.version: record.status for record in store.models()}
