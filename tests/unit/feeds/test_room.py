from __future__ import annotations

import hashlib
import itertools
import math

import numpy as np
import pytest

from feeds.blocks import Block, volume
from feeds.room import SAMPLE_RATE, SHOUT_GAP_S, WARM_UP_BLOCKS, room


def take(count: int, seed: int = 1, **how: float) -> list[Block]:
    return list(itertools.islice(room(seed, **how), count))  # type: ignore[arg-type]


def digest(blocks: list[Block]) -> str:
    whole = hashlib.sha256()
    for block in blocks:
        whole.update(block.samples.tobytes())
        whole.update(f"{block.offset_s!r} {block.length_s!r} {block.label} {block.onset}".encode())
    return whole.hexdigest()


def test_the_same_arguments_give_the_same_room_bit_for_bit() -> None:
    assert digest(take(700, 3)) == digest(take(700, 3))
    assert digest(take(200, 3)) == digest(take(700, 3)[:200])


def test_seed_and_index_each_make_another_room() -> None:
    digests = {digest(take(50, seed, index=index)) for seed in range(3) for index in range(3)}
    assert len(digests) == 9


def test_two_rooms_at_once_do_not_disturb_each_other() -> None:
    one, two = room(1), room(1, index=1)
    both = [(next(one), next(two)) for _ in range(100)]
    assert digest([a for a, _ in both]) == digest(take(100))
    assert digest([b for _, b in both]) == digest(take(100, index=1))


def test_blocks_follow_each_other_and_are_audio() -> None:
    blocks = take(800)
    for number, block in enumerate(blocks):
        assert block.offset_s == pytest.approx(number / 20.0)
        assert block.samples.dtype == np.float64 and block.samples.shape == (SAMPLE_RATE // 20,)
        assert np.abs(block.samples).max() <= 1.0
    assert {block.label for block in blocks} == {"quiet", "speech", "shout"}


def test_a_rate_that_does_not_divide_the_sample_rate_keeps_its_pace() -> None:
    blocks = take(3000, rate=30.0)
    assert sum(len(block.samples) for block in blocks) == SAMPLE_RATE * 100
    assert {len(block.samples) for block in blocks} == {533, 534}
    assert blocks[-1].offset_s == pytest.approx(2999 / 30.0, abs=1 / SAMPLE_RATE)


def test_the_noise_floor_drifts_but_slowly() -> None:
    quiet = [(b.offset_s, volume(b.samples, 10.0)) for b in take(6000, 8) if b.label == "quiet"]
    by_five_seconds: dict[int, list[float]] = {}
    for at, loud in quiet:
        by_five_seconds.setdefault(int(at // 5), []).append(loud)
    level = {when: float(np.median(louds)) for when, louds in by_five_seconds.items() if len(louds) >= 20}
    assert max(level.values()) / min(level.values()) > 1.6
    steps = [level[when + 1] / level[when] for when in level if when + 1 in level]
    assert len(steps) > 10 and max(max(steps), 1 / min(steps)) < 1.4


@pytest.mark.parametrize("seed", range(5))
def test_shouts_come_after_the_warm_up_and_stand_out(seed: int) -> None:
    blocks = take(3000, seed)
    onsets = [number for number, block in enumerate(blocks) if block.onset]
    assert WARM_UP_BLOCKS >= 256
    assert WARM_UP_BLOCKS <= onsets[0] <= WARM_UP_BLOCKS + 20 * 10 + 1
    gaps = np.diff(onsets) / 20.0
    assert len(gaps) >= 5
    assert gaps.min() >= SHOUT_GAP_S[0] - 0.05 and gaps.max() <= SHOUT_GAP_S[1] + 0.05
    loud = np.array([volume(block.samples, 10.0) for block in blocks])
    shouting = np.array([block.label == "shout" for block in blocks])
    assert not shouting[np.array(onsets) - 1].any()
    # every shout is loud from its first block, and louder than all speech; nothing else is
    assert loud[onsets].min() > 1.8 * loud[~shouting].max()
    # rare enough to stay rare: three to six blocks each
    lengths = [len(list(run)) for inside, run in itertools.groupby(shouting) if inside]
    assert len(lengths) == len(onsets) and min(lengths) >= 3 and max(lengths) <= 6


def test_speech_is_about_half_of_the_time() -> None:
    labels = [block.label for block in take(3000, 4)]
    assert 0.35 < labels.count("speech") / len(labels) < 0.7


def test_without_a_warm_up_shouts_may_come_at_once() -> None:
    first = [next(n for n, b in enumerate(room(seed, warm_up=0)) if b.onset) for seed in range(10)]
    assert max(first) <= 201 and min(first) < 100


def test_volume_is_the_euclidean_norm_times_the_gain() -> None:
    rng = np.random.default_rng(2)
    for count in (0, 1, 7, 800, 2205):
        samples = rng.uniform(-1.0, 1.0, count)
        expected = math.sqrt(math.fsum(x * x for x in samples.tolist())) * 12.5
        assert volume(samples, 12.5) == pytest.approx(expected, abs=0.00051)
    assert volume(np.array([0.3, -0.4]), 10.0) == 5.0
    assert volume(np.array([1 / 3, 0.0]), 1.0) == 0.333
