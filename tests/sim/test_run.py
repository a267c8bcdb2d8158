"""What a simulation finds is what the limiters do."""

from __future__ import annotations

import asyncio
from math import inf

import pytest
from hypothesis import given, strategies as st

from aiolimiter import AsyncLimiter
from aiolimiter._sim.amounts import amounts
from aiolimiter._sim.arrivals import arrivals
from aiolimiter._sim.fullest import Fullest
from aiolimiter._sim.limits import Limit, limit
from aiolimiter._sim.log import Log
from aiolimiter._sim.loop import VirtualLoop
from aiolimiter._sim.quantiles import Quantiles
from aiolimiter._sim.quantities import duration, ratio
from aiolimiter._sim.run import Simulation, slower
from aiolimiter._sim.servers import Latency, latency, server
from aiolimiter._sim.timeline import ROWS, Timeline
from aiolimiter._sim.trial import Plan

from ..timetable import virtual


def one(text, who, **plan):
    """What one limit does."""
    (report,) = Simulation([limit(text)], arrivals(who), Plan(**plan)).run()
    return report


def test_a_burst_drains_at_the_rate():
    """Of ten at once four go, the others one each two seconds."""
    report = one("4/8", "burst:10@0s")

    assert (report.arrived, report.admitted, report.refused) == (10, 10, 0)
    assert report.longest == pytest.approx(12)
    assert report.p50 == pytest.approx(2, rel=0.01)
    assert report.queue == 6
    assert report.fullest == 7


def test_the_instants_are_those_of_the_limiter():
    """The same arrivals through the live limiter go at the same instants."""
    plan = Plan(until=60.0, wanted=amounts("uniform:1,5"), seed=3)
    seen, live = [], []
    found = arrivals("poisson:3/s")
    Simulation(
        [limit("100/30 burst=9")], found, plan, seen=lambda *s: seen.append(s)
    ).run()

    async def main():
        limiter, loop = AsyncLimiter(100, 30, burst=9), asyncio.get_running_loop()

        async def visit(amount):
            await limiter.acquire(amount)
            live.append((loop.time(), amount))

        async with asyncio.TaskGroup() as group:
            for request in found.requests(plan.until, plan.wanted, plan.seed):
                await asyncio.sleep(request.at - loop.time())
                group.create_task(visit(request.amount))

    virtual(main())

    assert [amount for _, amount in live] == [amount for _, _, amount in seen]
    assert [at for at, _ in live] == pytest.approx([at for _, at, _ in seen], abs=1e-6)


def test_the_queue_is_seen_while_nobody_comes():
    """Rows tell how many wait, and how full it is, also long after the last came."""
    ten = "burst:10@0s,1@40s"
    bucket, window = (one(text, ten, until=60.0).rows for text in ("4/8", "window:4/8"))

    # Twice a second.
    at = (0, 3, 7, 11, 15, 19, 25, 40)
    assert [bucket[2 * n].waiting for n in at] == [6, 5, 3, 1, 0, 0, 0, 0]
    assert [window[2 * n].waiting for n in at] == [6, 6, 6, 2, 2, 0, 0, 0]
    levels = [4, 4, 4, 4, 2.375, 0.375, 0, 1]
    assert [bucket[2 * n].level for n in at] == pytest.approx(levels)
    assert [window[2 * n].level for n in at] == [4, 4, 4, 4, 4, 2, 0, 1]


def test_all_limits_meet_the_same_requests():
    """Limits side by side get the same arrivals, each for itself."""
    tried = [limit("10/60"), limit("window:10/60"), limit("10/60 burst=1")]

    reports = Simulation(tried, arrivals("burst:20@0s"), Plan()).run()

    assert [report.longest for report in reports] == pytest.approx([60, 60, 114])
    assert [report.fullest for report in reports] == [19, 10, 10]


def test_what_would_wait_too_long_is_refused():
    """With max_wait the others are refused, as the limiter refuses them."""
    report = one("4/8", "burst:10@0s", max_wait=4.0)

    assert (report.admitted, report.refused) == (6, 4)


def test_what_never_fits_is_refused():
    """An amount above the burst is counted as refused."""
    assert one("4/8", "burst:3@0s", wanted=amounts("5")).refused == 3


def test_a_server_counts_what_it_refuses():
    """A bucket that bursts meets the 429s of a strict window."""
    strict = server("window:10/60")

    assert one("10/60", "burst:20@0s", server=strict).rejected > 0
    assert one("window:10/60", "burst:20@0s", server=strict).rejected == 0


def test_a_latency_that_varies_lets_requests_overtake():
    """Even a window's traffic can be too dense once it arrives."""
    plan = {"server": server("window:10/60"), "until": 3000.0}
    even, odd = Latency(5, 5), Latency(0, 20)

    assert one("window:10/60", "steady:1/s", latency=even, **plan).rejected == 0
    assert one("window:10/60", "steady:1/s", latency=odd, **plan).rejected > 0


def test_a_fixed_window_admits_two_at_its_edge():
    """A server that counts each minute by itself lets two minutes' worth through."""
    fixed = server("fixed:10/60").make()

    assert sum(fixed.admit(1, 59.9) for _ in range(20)) == 10
    assert sum(fixed.admit(1, 60.0) for _ in range(20)) == 10


@pytest.mark.parametrize(
    ("text", "strict", "part"),
    [("window:12/60", "window:10/60", 0.91), ("10/60", "window:5/60", None)],
)
def test_how_much_slower_is_found(text, strict, part):
    """The largest share of the rate that meets no 429, if there is one."""
    plan = Plan(until=600.0, server=server(strict))

    assert slower(limit(text), arrivals("steady:1/s"), plan) == part


def test_nothing_need_be_slower_where_nothing_is_refused():
    """A limit that meets no 429 may keep all of its rate."""
    plan = Plan(until=60.0, server=server("bucket:10/60"))

    assert slower(limit("10/60"), arrivals("steady:1/s"), plan) == 1.0


def test_workers_ask_again_when_they_are_served():
    """Ten workers of two seconds each do five a second, whatever the limit allows."""
    plan = Plan(until=100.0, workers=10, service=2.0)

    (free, held) = Simulation([limit("1000/1"), limit("1/1")], None, plan).run()

    assert free.arrived == 500
    assert held.used == pytest.approx(1.0, abs=0.03)


def test_workers_that_need_no_time_do_not_stop_the_clock():
    """A worker who is served at once asks again a moment later."""
    report = Simulation([limit("1000/1")], None, Plan(until=1.0, workers=1)).run()[0]

    assert report.arrived == pytest.approx(1000, abs=2)


def test_what_is_settled_counts_as_what_it_cost():
    """Estimates of twice the cost use half of the rate that they reserve."""
    plan = Plan(until=600.0, workers=50, service=1.0, wanted=amounts("2"))
    half = plan._replace(settle=amounts("0.5"))

    (whole,) = Simulation([limit("10/1")], None, plan).run()
    (settled,) = Simulation([limit("10/1")], None, half).run()

    assert whole.used == pytest.approx(1.0, abs=0.02)
    assert settled.admitted > 1.7 * whole.admitted


def test_keys_have_limits_of_their_own(tmp_path):
    """With a column as the key, each key has its own bucket."""
    file = tmp_path / "log"
    file.write_text("".join(f"{n // 4} {'ab'[n % 2]}\n" for n in range(40)))
    log = Log(str(file), key="2")
    tried = [limit("keyed:1/1"), limit("keyed-window:1/1"), limit("1/1 + keyed:1/1")]

    reports = Simulation(tried, log, Plan(until=inf)).run()

    assert [report.longest for report in reports] == pytest.approx([10, 10, 30])
    assert reports[0].used is None
    assert (
        reports[2].limit
        == "CombinedLimiter(AsyncLimiter(1, 1), KeyedLimiter(1, 1)[key])"
    )


def test_a_bad_line_ends_the_run(tmp_path):
    """What can't be read comes out of the run as it is."""
    file = tmp_path / "log"
    file.write_text("1\nx\n")

    with pytest.raises(ValueError, match="line 2"):
        Simulation([limit("1/1")], Log(str(file)), Plan(until=inf)).run()


@pytest.mark.parametrize("workers", [0, 2])
def test_progress_is_told(workers):
    """Whoever wants to know hears how far it is."""
    told = []
    who = None if workers else arrivals("steady:100/s")
    plan = Plan(until=100.0, workers=workers, service=1.0)

    Simulation([limit("1000/1")], who, plan, progress=told.append).run()

    assert told == sorted(told)
    assert len(told) > 5


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("100", "AsyncLimiter(100, 60)"),
        ("bucket:5/s burst=2", "AsyncLimiter(5, 1, burst=2)"),
        ("window:5000/1h", "SlidingWindowLimiter(5000, 3600)"),
        ("keyed:3/m", "KeyedLimiter(3, 60)[key]"),
        (
            "100/60 + window:5000/1h",
            "CombinedLimiter(AsyncLimiter(100, 60), SlidingWindowLimiter(5000, 3600))",
        ),
    ],
)
def test_a_limit_is_told_as_the_line_that_makes_it(text, made):
    """What was typed can be copied into a program."""
    assert str(limit(text)) == made


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1/0",
        "0/1",
        "cup:1/1",
        "1/1 burst=0",
        "1/1 burst=x",
        "window:1/1 burst=2",
    ],
)
def test_what_is_no_limit_is_refused(text):
    """The error says what was wanted and what was given."""
    with pytest.raises(ValueError, match=r"^must be .*, got "):
        limit(text)


def test_a_slower_limit_keeps_its_burst():
    """Only the rate is lowered."""
    assert limit("10/60").slower(0.5) == limit("5/60 burst=10")
    assert limit("window:10/60").slower(0.5) == limit("window:5/60")
    assert isinstance(limit("1/1").slower(0.5), Limit)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("200ms", 0.2), ("5m", 300), ("1h", 3600), ("1d", 86400), ("7", 7), (".5s", 0.5)],
)
def test_durations(text, seconds):
    """A duration is a number and a unit."""
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5 minutes", "-1s", "1e3", "9" * 20])
def test_what_is_no_duration_is_refused(text):
    """The error shows some that are, or how long one may be."""
    with pytest.raises(ValueError, match=r"^must be (a duration like 200ms|at most)"):
        duration(text)


def test_a_ratio_has_its_bounds():
    """Numbers that nobody means are refused."""
    with pytest.raises(ValueError, match="each from 1e-6 to 1e9"):
        ratio("1/0")


@pytest.mark.parametrize("text", ["bucket", "cup:1/1", "80ms..20ms", "soon"])
def test_what_is_no_server_or_latency_is_refused(text):
    """The error says what was wanted."""
    with pytest.raises(ValueError, match=r"^must be"):
        (latency if text[0] in "8s" else server)(text)


def test_a_latency_is_one_duration_or_two():
    """20ms..80ms is drawn evenly, 50ms is always that."""
    assert latency("20ms..80ms") == (0.02, 0.08)
    assert latency("50ms") == (0.05, 0.05)
    assert str(server("fixed:10/60")) == "fixed:10/60"


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1, exclude_min=True))
def test_a_quantile_is_right_to_a_hundredth(values, part):
    """A quantile differs from that of a sorted list by 1 % at most."""
    quantiles = Quantiles()
    for value in values:
        quantiles.add(value)
    rank = max(1, -int(-part * len(values) // 1))
    right = sorted(values)[rank - 1]

    assert quantiles.at(part) == pytest.approx(right, rel=0.0101, abs=1e-6)


def test_a_quantile_of_nothing_is_0():
    """Nobody waited if nobody came."""
    assert Quantiles().at(0.5) == 0.0


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5)), max_size=40))
def test_the_fullest_window_is_the_fullest_of_all(events):
    """No window holds more than the one that is told, which holds that much."""
    events = sorted(events)
    fullest = Fullest(7.0)
    for instant, amount in events:
        fullest.add(float(instant), float(amount))

    ends = {instant for instant, _ in events}
    full = [sum(a for at, a in events if end - 7 < at <= end) for end in ends]
    assert fullest.most == max(full, default=0)


def test_a_timeline_stays_as_short_as_it_is():
    """However long it goes on, it has so many rows, and loses nothing."""
    timeline = Timeline(1.0)
    for second in range(10_000):
        timeline.arrive(second, 1.0)
        timeline.look(second, second % 7, 0.0)

    rows = timeline.rows()
    assert len(rows) <= 2 * ROWS
    assert sum(row.arrived for row in rows) == 10_000
    assert max(row.waiting for row in rows) == 6


def test_pairs_of_an_odd_number_of_rows_become_one():
    """A row without a partner is kept."""
    timeline = Timeline(1.0)
    timeline.arrive(2.0, 1.0)
    timeline.admit(2.0 * ROWS + 1, 5.0)

    assert sum(row.arrived for row in timeline.rows()) == 1
    assert sum(row.admitted for row in timeline.rows()) == 5


def test_a_loop_that_has_nothing_to_wait_for_says_so():
    """On virtual time nobody waits for ever without being told."""

    async def main():
        await asyncio.get_running_loop().create_future()

    with (
        asyncio.Runner(loop_factory=VirtualLoop) as runner,
        pytest.raises(RuntimeError, match="every task is blocked"),
    ):
        runner.run(main())


def test_an_interrupted_run_tells_what_it_found():
    """What has happened so far can be asked for when a run was interrupted."""

    def interrupt(at):
        if at > 100:
            raise KeyboardInterrupt

    who = arrivals("steady:100/s")
    simulation = Simulation([limit("1000/1")], who, Plan(), progress=interrupt)
    assert simulation.reports() == []

    with pytest.raises(KeyboardInterrupt):
        simulation.run()

    assert simulation.reports()[0].admitted == pytest.approx(10_000, rel=0.2)
