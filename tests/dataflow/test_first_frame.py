"""When the first frame moves and who waits for whom, against the schedules followed step by step."""

from __future__ import annotations

from hypothesis import given, settings

from qcompile.dataflow.first_frame import first_frame
from qcompile.dataflow.timing import settled
from qcompile.ir.activity import Activity
from qcompile.ir.dataflow import Dataflow, Instance, Port

from ..support.dataflows import classifier
from .test_timing import step_by_step
from .toys import joined_graphs


def followed(instance: Instance, arrivals: list[list[int]]) -> tuple[int, int | None]:
    """Cycles waited from the first step to the last result, and the ports that the last of them may be for."""
    schedule = instance.kernel.schedule()
    last = max(int(steps[-1]) for steps in schedule.writes)
    taken = [0] * len(arrivals)
    cycle, waited, ports = -1, 0, None
    for step in range(last + 1):
        held = {}
        for port, moments in enumerate(schedule.reads):
            while taken[port] < len(moments) and moments[taken[port]] == step:
                held[port] = max(held.get(port, 0), arrivals[port][taken[port]])
                taken[port] += 1
        ready = max(held.values(), default=0)
        if step and ready > cycle + 1:
            waited += ready - cycle - 1
            ports = {port for port, arrival in held.items() if arrival == ready}
        cycle = max(cycle + 1, ready)
    return waited, ports


@settings(max_examples=60, deadline=None)
@given(joined_graphs())
def test_activities_are_those_of_the_schedules(dataflow: Dataflow) -> None:
    sent, taken = step_by_step(dataflow, 1)
    driver = {channel.sink: channel.source for channel in dataflow.channels}
    for instance, activity in zip(dataflow.instances, first_frame(dataflow), strict=True):
        ins = [Port(instance.name, k) for k in range(len(instance.kernel.inputs))]
        outs = [Port(instance.name, k) for k in range(len(instance.kernel.outputs))]
        waited, ports = followed(instance, [sent[driver[port]] for port in ins])
        assert activity == Activity(
            instance.name,
            min(taken[port][0] for port in ins),
            max(taken[port][-1] for port in ins),
            min(sent[port][0] for port in outs),
            max(sent[port][-1] for port in outs),
            waited,
            activity.waits_for,
        )
        assert (activity.waits_for is None) == (waited == 0)
        assert ports is None or activity.waits_for in ports


def test_the_last_instance_ends_when_the_frame_does() -> None:
    dataflow = classifier()
    timing, activities = settled(dataflow), first_frame(dataflow)
    assert activities[-1].first_sent == timing.first_output
    assert activities[-1].last_sent == timing.frame_latency
    assert activities[0].first_taken == 0
