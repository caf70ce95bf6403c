"""The commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import qcompile
from qcompile.cli import show
from qcompile.flow import catalogue
from qcompile.flow.check import verify_folder
from qcompile.flow.compile import compile_model
from qcompile.flow.convert import convert_model
from qcompile.flow.estimate import estimate_model
from qcompile.flow.explain import explain_node
from qcompile.flow.explore import Request, explore_model, parse_targets
from qcompile.flow.options import (
    DEFAULT_LUT_INPUTS,
    DEFAULT_RTL_FRAMES,
    Options,
    parse_backend,
    parse_latency,
    parse_shapes,
)
from qcompile.flow.progress import Progress

app = typer.Typer(
    help="Compiles a quantised ONNX network to an FPGA accelerator and proves that the hardware is right.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Model = Annotated[Path, typer.Argument(help="quantised ONNX model", show_default=False)]
Target = Annotated[
    str,
    typer.Option("--target", help="board, or a TOML file of your own ('qcompile list targets')", show_default=False),
]
Clock = Annotated[
    float | None, typer.Option("--clock", help="clock in MHz (default: the target's)", show_default=False)
]
Input = Annotated[
    str | None,
    typer.Option(
        "--input",
        help='integer type of an input the model does not quantise: uint8, int8, "fixed<16,6>"',
        show_default=False,
    ),
]
InputScale = Annotated[
    float | None, typer.Option("--input-scale", help="what one step of --input stands for", show_default=False)
]
ShapeOption = Annotated[
    list[str], typer.Option("--shape", help="shape of an input: 1,28,28 or NAME:1,28,28", show_default=False)
]
FoldingFile = Annotated[Path | None, typer.Option("--folding", help="folding JSON", show_default=False)]
Fps = Annotated[
    float | None, typer.Option("--fps", help="frames a second to reach, as cheaply as can be", show_default=False)
]
Interval = Annotated[
    int | None, typer.Option("--interval", help="cycles a frame to reach, as cheaply as can be", show_default=False)
]
Latency = Annotated[
    str | None,
    typer.Option(
        "--latency",
        help="cycles up to the first output to reach, as cheaply as can be; lowest: the fewest that fit",
        show_default=False,
    ),
]
Source = Annotated[str, typer.Option("--source", help="how frames come: burst, or steady over the interval")]
AccumulatorBits = Annotated[
    int | None, typer.Option("--accumulator-bits", help="refuse accumulators that need more bits", show_default=False)
]
Wrap = Annotated[
    bool, typer.Option("--wrap", help="only final sums have to fit --accumulator-bits: what is on the way wraps around")
]
Upsample = Annotated[
    str, typer.Option("--upsample", help="enlarged images, DepthToSpace and convolutions as one: auto, resize or deconv")
]
Backend = Annotated[
    str, typer.Option("--backend", help="rtl; hls: HLS C++ as well; mixed: HLS C++ for the nodes that --folding says so of")
]
HlsInclude = Annotated[
    Path | None,
    typer.Option("--hls-include", help="folder of ap_int.h (default: that of hls4ml)", show_default=False),
]
Engine = Annotated[str, typer.Option("--engine", help="what computes small layers: auto, folded or lut")]
LutInputs = Annotated[int, typer.Option("--lut-inputs", help="most bits that a neuron of a LUT netlist reads")]
LutStages = Annotated[
    int, typer.Option("--lut-stages", help="logic levels between registers of LUT netlists; 0: one layer")
]
Vectors = Annotated[
    Path | None,
    typer.Option("--vectors", help=".npz with inputs x and optionally outputs y of the model", show_default=False),
]
RandomFrames = Annotated[
    int | None,
    typer.Option(
        "--frames",
        min=1,
        help="random frames for the integer graph (default: 64, fewer of a large network)",
        show_default=False,
    ),
]
RtlFrames = Annotated[int, typer.Option("--rtl-frames", min=0, help="frames to simulate in RTL")]
Dump = Annotated[
    Path | None, typer.Option("--dump", help="write the graph after every pass to this folder", show_default=False)
]
Times = Annotated[bool, typer.Option("--times", help="write the seconds of each step into the report")]
Quiet = Annotated[bool, typer.Option("--quiet", help="no progress, no tables")]


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="print the version", is_eager=True)] = False) -> None:
    if version:
        typer.echo(f"qcompile {qcompile.__version__}")


@app.command()
def compile(  # noqa: A001 - the command's name
    model: Model,
    target: Target,
    output: Annotated[Path, typer.Option("-o", "--output", help="output folder")] = Path("build"),
    clock: Clock = None,
    input_type: Input = None,
    input_scale: InputScale = None,
    shape: ShapeOption = [],  # noqa: B006 - typer wants a list
    folding: FoldingFile = None,
    fps: Fps = None,
    interval: Interval = None,
    latency: Latency = None,
    source: Source = "burst",
    accumulator_bits: AccumulatorBits = None,
    wrap: Wrap = False,
    upsample: Upsample = "auto",
    backend: Backend = "rtl",
    hls_include: HlsInclude = None,
    engine: Engine = "folded",
    lut_inputs: LutInputs = DEFAULT_LUT_INPUTS,
    lut_stages: LutStages = 0,
    vectors: Vectors = None,
    frames: RandomFrames = None,
    rtl_frames: RtlFrames = DEFAULT_RTL_FRAMES,
    no_sim: Annotated[bool, typer.Option("--no-sim", help="prove the integer graph only")] = False,
    check: Annotated[bool, typer.Option("--check", help="compare results before and after every pass")] = False,
    dump: Dump = None,
    times: Times = False,
    quiet: Quiet = False,
) -> None:
    """Compile MODEL for a board: RTL, proven against the model. 'qcompile MODEL ...' is short for this."""
    options = Options(
        model=model,
        target=target,
        clock_mhz=clock,
        input_type=input_type,
        input_scale=input_scale,
        shapes=parse_shapes(shape),
        folding=folding,
        fps=fps,
        interval=interval,
        latency=parse_latency(latency),
        source=source,
        accumulator_bits=accumulator_bits,
        wrap=wrap,
        upsample=upsample,
        backend=parse_backend(backend),
        hls_include=hls_include,
        engine=engine,
        lut_inputs=lut_inputs,
        lut_stages=lut_stages,
        vectors=vectors,
        frames=frames,
        rtl_frames=0 if no_sim else rtl_frames,
        times=times,
        check=check,
        dump=dump,
    )
    outcome = compile_model(options, output, Progress(show.listener(quiet)))
    show.outcome(outcome, quiet)
    typer.echo(outcome.verdict.json_line())


@app.command()
def estimate(
    model: Model,
    target: Target,
    clock: Clock = None,
    input_type: Input = None,
    input_scale: InputScale = None,
    shape: ShapeOption = [],  # noqa: B006
    folding: FoldingFile = None,
    fps: Fps = None,
    interval: Interval = None,
    latency: Latency = None,
    source: Source = "burst",
    upsample: Upsample = "auto",
    engine: Engine = "folded",
    lut_inputs: LutInputs = DEFAULT_LUT_INPUTS,
    lut_stages: LutStages = 0,
    html: Annotated[
        Path | None, typer.Option("--html", help="write the report as a page to this file", show_default=False)
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Speed and resources of MODEL on a board, in seconds, without compiling or simulating anything."""
    options = Options(
        model=model,
        target=target,
        clock_mhz=clock,
        input_type=input_type,
        input_scale=input_scale,
        shapes=parse_shapes(shape),
        folding=folding,
        fps=fps,
        interval=interval,
        latency=parse_latency(latency),
        source=source,
        upsample=upsample,
        engine=engine,
        lut_inputs=lut_inputs,
        lut_stages=lut_stages,
    )
    estimated = estimate_model(options, Progress(show.listener(quiet)), html)
    show.notes(estimated.prepared.notes)
    show.made(estimated.figures, estimated.netlists, estimated.prepared.understood.accumulators)


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="output folder of qcompile", show_default=False)],
    vectors: Vectors = None,
    rtl_frames: RtlFrames = DEFAULT_RTL_FRAMES,
    no_protocol: Annotated[bool, typer.Option("--no-protocol", help="leave the cocotb tests out")] = False,
    formal: Annotated[bool, typer.Option("--formal", help="prove LUT netlists by SAT (needs qcompile[formal])")] = False,
    hls_include: HlsInclude = None,
    quiet: Quiet = False,
) -> int:
    """Repeat the proofs of an output FOLDER on the files that lie there."""
    checked = verify_folder(
        folder, vectors, rtl_frames, not no_protocol, Progress(show.listener(quiet)), formal, hls_include
    )
    if not quiet:
        show.checked(checked)
    show.faults(checked.faults)
    typer.echo(checked.verdict.json_line())
    return 3 if checked.faults else 0


@app.command()
def report(folder: Annotated[Path, typer.Argument(help="output folder of qcompile", show_default=False)]) -> None:
    """Print the figures of an output FOLDER."""
    show.report_file(folder)


@app.command()
def explain(
    model: Model,
    node: Annotated[str, typer.Argument(help="name of a node of the model", show_default=False)],
    target: Annotated[str, typer.Option("--target", help="board; without it nothing is folded", show_default=False)] = "",
    input_type: Input = None,
    input_scale: InputScale = None,
    shape: ShapeOption = [],  # noqa: B006
    folding: FoldingFile = None,
    engine: Engine = "folded",
    lut_inputs: LutInputs = DEFAULT_LUT_INPUTS,
) -> None:
    """What became of a NODE of MODEL, and why."""
    options = Options(
        model=model,
        target=target,
        input_type=input_type,
        input_scale=input_scale,
        shapes=parse_shapes(shape),
        folding=folding,
        engine=engine,
        lut_inputs=lut_inputs,
    )
    for line in explain_node(options, node):
        typer.echo(line)


@app.command()
def convert(
    model: Model,
    to: Annotated[str, typer.Option("--to", help="qonnx, qcdq or integer", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", help="the file to write", show_default=False)],
    input_type: Input = None,
    input_scale: InputScale = None,
    shape: ShapeOption = [],  # noqa: B006
    vectors: Vectors = None,
    frames: RandomFrames = None,
    force: Annotated[bool, typer.Option("--force", help="replace a file that qcompile did not write")] = False,
    quiet: Quiet = False,
) -> None:
    """Write MODEL in another dialect, proven to give the same integers."""
    options = Options(
        model=model,
        target="",
        input_type=input_type,
        input_scale=input_scale,
        shapes=parse_shapes(shape),
        vectors=vectors,
        frames=frames,
    )
    conversion = convert_model(options, to, output, force, Progress(show.listener(quiet)))
    if not quiet:
        show.conversion(conversion)
    typer.echo(conversion.json_line())


@app.command()
def explore(
    model: Model,
    target: Annotated[str, typer.Option("--target", help="boards or TOML files, with commas between, or all", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", help="the folder to write", show_default=False)],
    points: Annotated[int, typer.Option("--points", help="speeds to look at besides the fastest that fits")] = 9,
    workers: Annotated[
        int | None, typer.Option("--workers", help="processes of this machine (default: one a core)", show_default=False)
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", help="address of a Dask scheduler to work with instead", show_default=False)
    ] = None,
    clock: Clock = None,
    input_type: Input = None,
    input_scale: InputScale = None,
    shape: ShapeOption = [],  # noqa: B006
    accumulator_bits: AccumulatorBits = None,
    wrap: Wrap = False,
    upsample: Upsample = "auto",
    engine: Engine = "folded",
    lut_inputs: LutInputs = DEFAULT_LUT_INPUTS,
    lut_stages: LutStages = 0,
    quiet: Quiet = False,
) -> None:
    """What MODEL costs at many speeds on several targets, as a table and charts."""
    options = Options(
        model=model,
        target="",
        clock_mhz=clock,
        input_type=input_type,
        input_scale=input_scale,
        shapes=parse_shapes(shape),
        accumulator_bits=accumulator_bits,
        wrap=wrap,
        upsample=upsample,
        engine=engine,
        lut_inputs=lut_inputs,
        lut_stages=lut_stages,
    )
    request = Request(parse_targets(target), points, workers, scheduler)
    exploration = explore_model(options, request, output, Progress(show.listener(quiet)))
    if not quiet:
        show.exploration(exploration)
    typer.echo(exploration.json_line())


@app.command("list")
def list_(what: Annotated[catalogue.Subject, typer.Argument(help="which catalogue", show_default=False)]) -> None:
    """Print a catalogue: targets, ops, kernels or passes."""
    show.catalogue(catalogue.rows(what))
