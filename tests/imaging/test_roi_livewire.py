"""Intelligent scissors follow edges; off them they go straight."""

from __future__ import annotations

import numpy as np
import pytest

from medview.imaging.roi import EdgeWays, without_spurs


def disc(radius: float = 30.0, size: int = 120) -> np.ndarray:
    r, c = np.indices((size, size)) - size / 2
    rng = np.random.default_rng(2)
    return (1000.0 / (1 + np.exp(np.hypot(r, c) - radius)) + rng.normal(0, 20, r.shape)).astype(
        np.float32
    )


def test_the_way_runs_along_the_edge_of_a_disc() -> None:
    ways = EdgeWays(disc(), seed=(60, 90), spacing=(1.0, 1.0)).grow()

    way = ways.way_to(30, 60)

    assert tuple(way[0]) == (60, 90)
    assert tuple(way[-1]) == (30, 60)
    reach = np.hypot(*(way - 60).T)
    assert np.abs(reach - 30).max() < 2.5  # the chord would come as near as 21


def test_without_edges_the_way_is_the_shortest_there_is() -> None:
    ways = EdgeWays(np.zeros((50, 50), np.float32), seed=(10, 10), spacing=(1.0, 1.0))

    way = ways.way_to(10, 40)

    assert way[:, 0] == pytest.approx(10)
    assert len(way) == 31


def test_a_place_beyond_the_reach_is_joined_by_a_straight_line() -> None:
    ways = EdgeWays(np.zeros((20, 400), np.float32), seed=(10, 10), spacing=(1.0, 1.0))

    way = ways.way_to(10, 300)

    assert tuple(way[-1]) == (10, 300)
    assert way[-2][1] == 90


def test_padding_and_the_picture_s_border_are_no_obstacle() -> None:
    values = disc()
    values[:5] = np.nan

    way = EdgeWays(values, seed=(0, 0), spacing=(0.5, 0.8)).way_to(8, 3)

    assert tuple(way[-1]) == (8, 3)


def test_ways_that_go_out_and_back_along_an_edge_are_cut_off() -> None:
    square = [(0, 0), (0, 5), (5, 5), (5, 0)]
    spur = [(0, 0), (-1, -1), (-2, -2), (-1, -1), (0, 0)]
    ring = np.array([(-3, -3), (-2, -2), (-1, -1), *square, *spur[:1], (-1, -1), (-2, -2)], float)
    inside = np.array([*square[:2], (0, 6), (0, 7), (0, 6), (0, 5), *square[2:]], float)

    assert without_spurs(ring, 0.1).tolist() == [list(map(float, p)) for p in square]
    assert without_spurs(inside, 0.1).tolist() == [list(map(float, p)) for p in square]
