"""The generated shop is what its settings say, and its truth explains what people do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from sklearn.feature_extraction.text import TfidfVectorizer

from foretaste import metrics
from foretaste.data import CleaningConfig, clean, inspect, read
from foretaste.data.shop import Shop, ShopConfig, generate
from foretaste.errors import ConfigError, InputError

SMALL = ShopConfig(items=300, people=400)
DAY = 86_400_000


@pytest.fixture(scope="module")
def shop() -> Shop:
    return generate(ShopConfig(people=3_000))


def honest_events(shop: Shop) -> pl.DataFrame:
    data = shop.dataset
    events = data.events.with_columns(
        user=pl.Series(data.user_codes), item=pl.Series(data.item_codes)
    )
    return events.filter(~pl.col("user").is_in(shop.truth.dishonest))


def test_equal_settings_give_equal_shops_and_another_seed_another() -> None:
    first, second, other = generate(SMALL), generate(SMALL), generate(ShopConfig(seed=1))
    assert first.dataset.fingerprint == second.dataset.fingerprint != other.dataset.fingerprint
    assert first.dataset.events.equals(second.dataset.events)
    assert first.dataset.users.equals(second.dataset.users)
    assert np.array_equal(first.truth.people.tastes, second.truth.people.tastes)


def test_the_default_shop_is_as_large_as_it_says() -> None:
    data = generate().dataset
    assert (len(data.items), len(data.users)) == (2_000, 5_000)
    assert 100_000 < len(data) < 150_000
    without_events = 1 - len(np.unique(data.user_codes)) / 5_000
    assert 0.05 < without_events < 0.2


def test_codes_are_rows_of_the_truth(shop: Shop) -> None:
    assert shop.dataset.item_vocabulary.ids[0] == "i0001"
    assert shop.dataset.item_vocabulary.ids[-1] == "i2000"
    prices = shop.dataset.items["price"].to_numpy()
    assert np.array_equal(prices, shop.truth.goods.price)


def test_every_item_is_described_in_sentences(shop: Shop) -> None:
    items = shop.dataset.items
    texts = pl.concat([items["title"], items["description"]])
    assert texts.null_count() == 0
    assert texts.str.contains(r"^[A-Z]").all()
    assert not texts.str.contains(r"[{}]|  |\b[Aa] [aeiouAEIOU]").any()
    assert items["description"].str.ends_with(".").all()
    assert items["title"].n_unique() > 0.9 * len(items)
    assert items["categories"].list.len().unique().to_list() == [2]
    assert items["price"].min() > 0


def test_the_words_carry_the_traits(shop: Shop) -> None:
    """Of two items, the one with more traits in common is the closer one in words too."""
    items = shop.dataset.items
    vectors = TfidfVectorizer().fit_transform(items["title"] + " " + items["description"])
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, len(items), (2, 20_000))
    in_words = np.asarray(vectors[a].multiply(vectors[b]).sum(axis=1)).ravel()
    traits = shop.truth.goods.traits
    in_common = (traits[a] == traits[b]).sum(axis=1)
    assert np.corrcoef(in_words[a != b], in_common[a != b])[0, 1] > 0.5


def test_new_items_come_late_or_have_no_events(shop: Shop) -> None:
    new = shop.truth.new_items
    assert len(new) == 200
    events = honest_events(shop).filter(pl.col("item").is_in(new))
    end = shop.config.period.end
    assert events["timestamp"].min() > end - 31 * DAY
    counts = shop.dataset.item_counts
    assert 100 <= (counts[new] == 0).sum() < 150
    old = np.setdiff1d(np.arange(1, 2_001), new)
    assert (counts[old] == 0).mean() < 0.05
    released = shop.truth.goods.released[events["item"].to_numpy() - 1]
    assert (released <= events["timestamp"].to_numpy()).all()


def test_a_few_items_have_much_of_the_attention(shop: Shop) -> None:
    counts = np.sort(shop.dataset.item_counts[1:])[::-1]
    assert 0.3 < counts[:200].sum() / counts.sum() < 0.7


def test_times_and_sessions_are_those_of_people(shop: Shop) -> None:
    events = honest_events(shop)
    period = shop.config.period
    assert events["timestamp"].is_between(period.start, period.end + DAY).all()
    time = pl.col("timestamp").cast(pl.Datetime("ms"))
    by_day = events.group_by(time.dt.weekday() > 5).len().sort("timestamp")["len"]
    assert by_day[1] / 2 > 1.15 * by_day[0] / 5
    by_hour = np.bincount(events.select(time.dt.hour()).to_series(), minlength=24)
    assert by_hour[18:22].mean() > 4 * by_hour[2:6].mean()
    sessions = events.group_by("session_id").agg(
        pl.col("user_id").n_unique().alias("users"),
        pl.col("device").n_unique().alias("devices"),
        pl.col("user").first(),
        pl.col("timestamp").min().alias("start"),
        pl.col("timestamp").max().alias("end"),
    )
    assert sessions.select(pl.col("users", "devices").max()).row(0) == (1, 1)
    assert (sessions["end"] - sessions["start"]).quantile(0.99) < 3_600_000
    gaps = sessions.sort("user", "start").select(
        (pl.col("start") - pl.col("end").shift()).over("user").min()
    )
    assert gaps.item() > 0


def test_a_purchase_follows_a_cart_and_a_cart_a_view(shop: Shop) -> None:
    events = shop.dataset.events
    first = events.group_by("session_id", "item_id").agg(
        pl.col("timestamp").filter(pl.col("event_type") == kind).min().alias(kind)
        for kind in ("view", "cart", "purchase")
    )
    assert first["view"].null_count() == 0
    carted = first.filter(pl.col("cart").is_not_null())
    assert (carted["cart"] > carted["view"]).all()
    bought = first.filter(pl.col("purchase").is_not_null())
    assert (bought["purchase"] > bought["cart"]).all()
    shares = events["event_type"].value_counts(normalize=True).rows_by_key("event_type")
    assert 0.7 < shares["view"][0][0] < 0.9
    assert 0.03 < shares["purchase"][0][0] < shares["cart"][0][0]


def test_people_buy_what_they_like_best(shop: Shop) -> None:
    events = honest_events(shop)
    users, items = events["user"].to_numpy(), events["item"].to_numpy()
    moment = shop.config.period.moment(events["timestamp"].to_numpy())
    liking = shop.truth.preference(users, items, moment)
    means = dict(
        events.with_columns(liking=liking).group_by("event_type").agg(pl.mean("liking")).rows()
    )
    random = np.random.default_rng(0).permutation(items)
    assert means["purchase"] > means["cart"] > means["view"]
    assert means["view"] > shop.truth.preference(users, random, moment).mean() + 1


def test_an_oracle_foresees_far_better_than_popularity(shop: Shop) -> None:
    """Known tastes, and how often each item is met, must explain what comes next."""
    targets = shop.dataset.split("temporal").test
    honest = np.flatnonzero(~np.isin(targets.users, shop.truth.dishonest))
    targets = targets.take(honest)
    counts = shop.dataset.item_counts[1:].astype(np.float64)
    codes = np.arange(1, 2_001)
    liking = shop.truth.preference(targets.users[:, None], codes[None, :])
    reach = np.log(shop.truth.goods.popularity)

    def ndcg(scores: np.ndarray) -> float:
        scores = scores.copy()
        scores[targets.histories.row_of_value, targets.histories.values - 1] = -np.inf
        ranked = (np.argsort(-scores, axis=1)[:, :10] + 1).astype(np.int32)
        hits = metrics.hit_positions(ranked, targets.items.row_of_value, targets.items.values)
        return float(metrics.ndcg(hits, targets.items.lengths).mean())

    popular = ndcg(np.tile(counts, (len(targets), 1)))
    assert ndcg(liking + reach) > 2.5 * popular
    assert ndcg(liking) > 1.5 * popular


def test_what_is_looked_at_next_goes_with_what_came_before(shop: Shop) -> None:
    views = honest_events(shop).filter(pl.col("event_type") == "view")
    same = (views["session_id"] == views["session_id"].shift(-1)).fill_null(value=False)
    now = views["item"].filter(same).to_numpy()
    after = views["item"].shift(-1).filter(same).to_numpy()
    category = shop.truth.goods.traits[:, 0]
    chance = np.random.default_rng(0).permutation(after)
    for related in (
        lambda a, b: category[a - 1] == category[b - 1],
        shop.truth.goes_with,
    ):
        assert related(now, after).mean() > 2 * related(now, chance).mean()


def test_tastes_drift_for_some_and_groups_differ_mildly(shop: Shop) -> None:
    people = shop.truth.people
    moved = (people.drift != 0).any(axis=1)
    assert 0.2 < moved.mean() < 0.35
    spread = people.tastes.std(axis=0).mean()
    by_gender = [people.tastes[people.gender == number].mean(axis=0) for number in (0, 1)]
    apart = np.abs(by_gender[0] - by_gender[1]).mean()
    assert 0.05 * spread < apart < 0.5 * spread


def test_the_context_changes_what_people_look_at(shop: Shop) -> None:
    """Departments gain views on the devices on which they are liked more."""
    views = honest_events(shop).filter(pl.col("event_type") == "view")
    department = shop.truth.goods.department[views["item"].to_numpy() - 1]
    share = np.stack(
        [
            np.bincount(department[(views["device"] == device).to_numpy()], minlength=8)
            for device in ("mobile", "desktop")
        ]
    ).astype(float)
    share /= share.sum(axis=1, keepdims=True)
    effect = shop.truth.context.device
    found = np.corrcoef(np.log(share[0] / share[1]), effect[0] - effect[1])[0, 1]
    assert found > 0.8


def test_dishonest_accounts_are_planted_and_recorded(shop: Shop) -> None:
    accounts = shop.truth.deceit.accounts
    assert len(shop.truth.dishonest) == len(accounts) == 60
    kinds = dict(accounts["kind"].value_counts().rows())
    assert kinds == {"shilling": 36, "click-bot": 12, "crawler": 12}
    data = shop.dataset
    for group, targets in enumerate(shop.truth.deceit.targets):
        members = accounts.filter(pl.col("group") == group)["person"].to_numpy() + 1
        bought = (data.events["event_type"] == "purchase").to_numpy()
        bought &= np.isin(data.user_codes, members)
        assert set(data.item_codes[bought] - 1) == set(targets)
        times = data.timestamps[np.isin(data.user_codes, members)]
        assert times.max() - times.min() < 4 * DAY


def test_cleaning_finds_the_bots_and_no_honest_person(shop: Shop) -> None:
    cleaned, _ = clean(shop.dataset, CleaningConfig(hyperactive_deviations=3.5))
    lost = np.setdiff1d(shop.dataset.events["user_id"].unique(), cleaned.events["user_id"].unique())
    accounts = shop.truth.deceit.accounts.filter(pl.col("kind") != "shilling")
    bots = shop.dataset.user_vocabulary.ids.gather(accounts["person"])
    assert set(lost) == set(bots)


def test_a_shop_may_be_honest_and_without_news() -> None:
    config = SMALL.model_copy(update={"dishonest_share": 0.0, "new_item_share": 0.0})
    shop = generate(config)
    assert len(shop.truth.dishonest) == len(shop.truth.new_items) == 0
    assert len(shop.dataset) > 1_000


def test_a_shop_too_small_is_refused() -> None:
    with pytest.raises(ConfigError, match="items"):
        ShopConfig.parse({"items": 10})


def test_a_written_shop_reads_back_as_it_was(tmp_path: Path) -> None:
    shop = generate(SMALL)
    folder = shop.write(tmp_path / "shop", images=False)
    assert not inspect(folder).problems
    data = read(folder)
    assert data.fingerprint == shop.dataset.fingerprint
    assert data.events.equals(shop.dataset.events)
    assert data.users.equals(shop.dataset.users)
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]


def test_the_truth_is_written_beside_the_data(tmp_path: Path) -> None:
    shop = generate(SMALL)
    truth = shop.write(tmp_path / "shop", images=False) / "truth"
    items = pl.read_parquet(truth / "items.parquet")
    assert items["item_id"].to_list() == shop.dataset.items["item_id"].to_list()
    assert items["released"].null_count() == 15
    assert items["pushed_by"].drop_nulls().n_unique() == len(shop.truth.deceit.targets)
    people = pl.read_parquet(truth / "people.parquet")
    assert people.filter(pl.col("kind") != "honest").height == 8
    tastes = pl.read_parquet(truth / "tastes.parquet").drop("user_id").to_numpy()
    assert np.array_equal(tastes, shop.truth.people.tastes)
    config = ShopConfig.model_validate_json((truth / "config.json").read_text())
    assert generate(config).dataset.fingerprint == shop.dataset.fingerprint


def test_pictures_differ_by_category_and_colour(tmp_path: Path) -> None:
    shop = generate(ShopConfig(items=200, people=50))
    folder = shop.write(tmp_path / "shop")
    items = read(folder).items
    assert items["image"].to_list() == [f"images/{name}.png" for name in items["item_id"]]
    pictures = np.stack([np.asarray(Image.open(folder / name)) for name in items["image"]])
    assert pictures.shape == (200, 96, 96, 3)
    # In the mean over its pictures, each colour is nearest to itself.
    colour = shop.truth.goods.traits[:, 3]
    inked = np.abs(pictures.astype(float) - 245).sum(axis=(1, 2))
    red, blue = 3, 7
    assert inked[colour == red][:, 2].mean() > inked[colour == red][:, 0].mean()
    assert inked[colour == blue][:, 0].mean() > inked[colour == blue][:, 2].mean()
    assert len({picture.tobytes() for picture in pictures}) > 190


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="exists"):
        generate(SMALL).write(tmp_path)
    assert list(tmp_path.iterdir()) == []
