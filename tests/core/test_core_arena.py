"""The spare block: used again when nobody looks at it any more, wiped, given back on demand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from medview.core.errors import MedViewError
from medview.core.shared import (
    SharedBlock,
    allow_spare,
    give_back_spare,
    spare_bytes,
    wait_for_spare,
)

SIZE = 9 << 20


@pytest.fixture(autouse=True)
def one_spare() -> Iterator[None]:
    give_back_spare()
    allow_spare(64 << 20)
    yield
    allow_spare(0)


def closed_series(value: int = 7) -> SharedBlock:
    """A block that was written to and released."""
    block = SharedBlock.create(SIZE)
    block.array((SIZE,), np.uint8)[:] = value
    block.release()
    return block


def test_the_memory_of_a_closed_series_is_used_again_and_holds_nothing_of_it() -> None:
    closed_series()
    assert wait_for_spare(10)
    again = SharedBlock.create(SIZE - 1000)
    assert again.is_warm
    assert not again.array((SIZE - 1000,), np.uint8).any()
    assert spare_bytes() == 0


def test_a_released_block_can_be_used_no_more() -> None:
    block = closed_series()
    with pytest.raises(MedViewError, match="gone"):
        block.array((SIZE,), np.uint8)
    with pytest.raises(MedViewError, match="gone"):
        block.writer()


def test_a_block_that_is_still_looked_at_keeps_its_pixels() -> None:
    block = SharedBlock.create(SIZE)
    view = block.array((SIZE,), np.uint8)
    view[:] = 5
    block.release()
    assert not wait_for_spare(0.2)
    assert not SharedBlock.create(SIZE).is_warm
    assert (view == 5).all()
    del view
    assert wait_for_spare(10)


def test_a_block_whose_name_was_given_away_is_never_used_again() -> None:
    block = SharedBlock.create(SIZE)
    assert block.name
    block.release()
    assert spare_bytes() == 0


def test_a_much_smaller_series_does_not_take_the_spare_block() -> None:
    closed_series()
    assert wait_for_spare(10)
    assert not SharedBlock.create(SIZE // 2).is_warm
    assert spare_bytes() >= SIZE


def test_no_more_than_one_block_is_kept_and_it_is_given_back_on_demand() -> None:
    closed_series()
    assert wait_for_spare(10)
    closed_series()
    assert SIZE <= spare_bytes() < SIZE + 8192 * 8
    give_back_spare()
    assert spare_bytes() == 0


def test_a_smaller_allowance_gives_the_memory_back_at_once() -> None:
    closed_series()
    allow_spare(1 << 20)
    assert spare_bytes() == 0
    closed_series()
    assert spare_bytes() == 0
