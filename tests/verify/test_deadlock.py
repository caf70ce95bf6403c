"""The circle of instances that wait for each other."""

from qcompile.ir.dataflow import Channel, Dataflow, Instance, Port, Stream
from qcompile.ir.types import IntType
from qcompile.kernels import Fifo, StreamAdd, StreamFork
from qcompile.verify.deadlock import deadlock

ELEMENT = IntType(2, False)
STREAM = Stream(ELEMENT, 1, 4)
SUM = Stream(IntType(3, False), 1, 4)


def diamond() -> Dataflow:
    """Fork, a FIFO on each way, sum."""
    instances = (
        Instance("fork", StreamFork(STREAM, 2)),
        Instance("left", Fifo(STREAM, 2)),
        Instance("right", Fifo(STREAM, 2)),
        Instance("sum", StreamAdd((ELEMENT, ELEMENT), (1, 1), SUM.element, 1, 4)),
    )
    wires = [
        (Port(None), Port("fork"), STREAM),
        (Port("fork", 0), Port("left"), STREAM),
        (Port("fork", 1), Port("right"), STREAM),
        (Port("left"), Port("sum", 0), STREAM),
        (Port("right"), Port("sum", 1), STREAM),
        (Port("sum"), Port(None), SUM),
    ]
    return Dataflow("diamond", instances, tuple(Channel(*wire) for wire in wires), (STREAM,), (SUM,))


def test_a_way_that_is_full_and_one_that_is_empty() -> None:
    dataflow = diamond()
    assert dataflow.check() == ()
    _, left_in, right_in, left_out, right_out, _ = dataflow.channels
    moved = dict.fromkeys(dataflow.channels, 0) | {left_in: 2}
    offered = dict.fromkeys(dataflow.channels, False) | {left_in: True, left_out: True}
    circle = deadlock(dataflow, moved, offered, frames=1)
    assert [wait.instance for wait in circle] == ["fork", "left", "sum", "right"]
    assert [wait.channel for wait in circle] == [left_in, left_out, right_out, right_in]
    assert [wait.full for wait in circle] == [True, True, False, False]
    assert str(circle[0]) == "fork waits for left, which takes no more: channel fork[0] -> left[0], after 2 beats"
    assert str(circle[3]) == "right waits for fork, which gives no more: channel fork[1] -> right[0], after 0 beats"


def test_an_instance_that_stops_by_itself_is_no_deadlock() -> None:
    dataflow = diamond()
    assert deadlock(dataflow, dict.fromkeys(dataflow.channels, 0), dict.fromkeys(dataflow.channels, False), 1) == []
    moved = {channel: channel.stream.beats for channel in dataflow.channels}
    assert deadlock(dataflow, moved, dict.fromkeys(dataflow.channels, False), 1) == []
