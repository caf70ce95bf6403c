"""cocotb tests of accumulator.sv; run by test_cocotb_bench.py inside the simulator."""

import json
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, Timer


async def reset(dut) -> None:
    Clock(dut.clk, 10, unit="ns").start()
    dut.rst.value = 1
    dut.s_axis_tvalid.value = 0
    await RisingEdge(dut.clk)
    await RisingEdge(dut.clk)
    dut.rst.value = 0


@cocotb.test()
async def sums(dut) -> None:
    await reset(dut)
    numbers = [random.randrange(20) for _ in range(8)]
    dut.s_axis_tvalid.value = 1
    for number in numbers:
        dut.s_axis_tdata.value = number
        await RisingEdge(dut.clk)
    dut.s_axis_tvalid.value = 0
    await RisingEdge(dut.clk)
    assert int(dut.total.value) == sum(numbers) % 256
    Path("record.json").write_text(
        json.dumps({"numbers": numbers, "unreset": int(dut.unreset.value), "case": cocotb.plusargs["case"]})
    )


@cocotb.test(skip="wrong" not in cocotb.plusargs)
async def wrong(dut) -> None:
    await reset(dut)
    assert int(dut.total.value) == 1, "expected one"


@cocotb.test(skip="forever" not in cocotb.plusargs)
async def forever(dut) -> None:
    await reset(dut)
    while True:
        await Timer(1, unit="ms")
