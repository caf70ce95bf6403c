"""From a model file to a folded, joined and buffered dataflow graph: everything in front of files."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from qcompile.dataflow.buffers import FifoSize, fifo_names, insert_fifos, possible_fifo_names
from qcompile.dataflow.first_output import FirstOutput
from qcompile.dataflow.join import join
from qcompile.dataflow.names import top_name
from qcompile.dataflow.timing import SOURCES, Timing, offered, settled
from qcompile.flow.engines import Engines, Lowered, Row, require_options
from qcompile.flow.options import Options, parse_input_type
from qcompile.flow.progress import Progress, Step
from qcompile.folding import config
from qcompile.folding.cost import Budget, total_resources
from qcompile.folding.latency import Latency, search_soon
from qcompile.folding.search import search
from qcompile.frontend.importer import annotated_inputs, import_model, integer_inputs
from qcompile.frontend.load import Model, load_model
from qcompile.ir.dataflow import Dataflow
from qcompile.ir.errors import CompilerError
from qcompile.ir.graph import Graph
from qcompile.ir.network import Network
from qcompile.ops import ArgMax
from qcompile.ops.roles import Quantiser
from qcompile.targets import Target, load
from qcompile.transforms.accumulators import Accumulator, accumulators, as_built, require_bits
from qcompile.transforms.passes import run_passes
from qcompile.transforms.streamline import streamline
from qcompile.transforms.upsampling import MODES
from qcompile.transforms.walk import InputType
from qcompile.verify.stimulus import encode, random_frames


@dataclass(frozen=True, slots=True, eq=False)
class Understood:
    """A model as integers."""

    model: Model
    graph: Graph
    network: Network
    types: Mapping[str, InputType]
    accumulators: tuple[Accumulator, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A design that only needs to be written down. `lowered` is the folded dataflow before converters, forks and
    FIFOs, `source` how frames come; `notes` are sentences for the user.
    """

    understood: Understood
    target: Target
    clock_mhz: float
    lowered: Dataflow
    dataflow: Dataflow
    timing: Timing
    source: str
    notes: tuple[str, ...]


Observer = Callable[[str, Graph], None]
"""Given the name of each pass and the graph that it left."""


def unobserved(_name: str, _graph: Graph) -> None:
    """Nobody looks."""


def understand(options: Options, progress: Progress, observe: Observer = unobserved) -> Understood:
    """Reads the model and streamlines it; `observe` is given the graph after every pass. Raises CompilerError."""
    where = str(options.model)
    if options.upsample not in MODES:
        raise CompilerError(f"--upsample {options.upsample}", hint=f"it is {', '.join(MODES)}")
    if options.wrap and options.accumulator_bits is None:
        raise CompilerError("--wrap without --accumulator-bits", hint="add the width, for example --accumulator-bits 12")
    with progress.step("read the model"):
        model = load_model(options.model)
        graph = import_model(model, where, options.shapes)
        observe("import", graph)
    with progress.step("streamline to integers"):
        types = input_types(options, model, graph)
        try:
            network = streamline(graph, types)
        except CompilerError as error:
            raise (error if error.where else error.at(where)) from error
        observe("streamline", network.integer)
        samples = encode(network.before, random_frames(network.before, 32, seed=0)) if options.check else ()
        found = accumulators(network.integer)
        network = run_passes(
            network, samples, lambda name, result: observe(name, result.integer), options.upsample
        )
        if options.accumulator_bits is not None:
            require_bits(found, options.accumulator_bits, options.wrap)
    return Understood(model, graph, network, types, as_built(found, network.integer))


def prepare(options: Options, progress: Progress, observe: Observer = unobserved) -> Prepared:
    """The whole way to a dataflow graph whose timing is known. Raises CompilerError."""
    require_options(options)
    clocked(options)
    return built(options, understand(options, progress, observe), progress)


def clocked(options: Options) -> tuple[Target, float, int | None]:
    """The target, the clock in MHz, and the cycles a frame that are asked for. Raises CompilerError."""
    target = load(options.target)
    clock = target.clock_mhz if options.clock_mhz is None else options.clock_mhz
    if not 0 < clock <= 2000:
        raise CompilerError(f"a clock of {clock:g} MHz", hint="give --clock in MHz, for example --clock 100")
    if options.source not in SOURCES:
        raise CompilerError(f"--source {options.source}", hint=f"it is {' or '.join(SOURCES)}")
    return target, clock, _interval(options, clock)


def built(options: Options, understood: Understood, progress: Progress) -> Prepared:
    """A design of a model that was understood with the same options. Raises CompilerError."""
    target, clock, interval = clocked(options)
    with progress.step("fold") as step:
        name = top_name(options.name or options.model.stem)
        engines = Engines.of(understood.network.integer, name, options, target)
        lowered, folding = _folded(options, understood.network, engines, target, interval, step)
    with progress.step("size FIFOs"):
        dataflow = _buffered(options, lowered, folding, target)
        timing = settled(dataflow, offered(dataflow, options.source), {})
    return Prepared(understood, target, clock, lowered, dataflow, timing, options.source, folding.notes)


def _folded(
    options: Options, network: Network, engines: Engines, target: Target, interval: int | None, step: Step
) -> tuple[Dataflow, config.Folding]:
    """The folded dataflow with the engine of each layer chosen, and what the user's file says of it."""
    measure = FirstOutput(options.source)
    designs = count(1)

    def whole(folded: Dataflow) -> Dataflow:
        step.at(next(designs), None, "designs tried")
        return _completed(folded, options.source)

    def tried(rows: Sequence[Row]) -> tuple[Dataflow, config.Folding]:
        unfolded = engines.lowered(rows)
        folding = _read_folding(options, network, unfolded)
        fixed = {name: tuple(settings) for name, settings in folding.settings.items()}
        started = config.apply(unfolded.dataflow, folding)
        if options.latency is None:
            return search(started, target, interval, fixed, whole), folding
        latency = Latency(options.latency or None, lambda design: measure(join(design)))
        return search_soon(started, target, interval, latency, fixed, whole), folding

    rows = engines.rows()
    others = engines.alternatives(rows) if options.engine == "auto" else ()
    if not others:
        return tried(rows)
    budget = Budget.of(target)
    made: list[tuple[Dataflow, config.Folding]] = []
    failure: CompilerError | None = None
    try:
        made.append(tried(rows))
        chosen = engines.cheaper(others, made[0][0], budget.share)
        made += [tried((*rows, *chosen))] if chosen and len(chosen) < len(others) else []
    except CompilerError as error:
        failure = error
    try:
        made.append(tried((*rows, *others)))
    except CompilerError as error:
        failure = failure or error
    if not made:
        assert failure is not None
        raise failure

    def merit(design: tuple[Dataflow, config.Folding]) -> tuple[int, int, float]:
        """Where a speed is asked for, only the cost counts."""
        completed = _completed(design[0], options.source)
        cycles = 0 if interval is not None else completed.interval()
        latency = measure(completed) if options.latency == 0 else 0
        return cycles, latency, budget.share(total_resources(completed, target))

    return min(made, key=merit)


def input_types(options: Options, model: Model, graph: Graph) -> dict[str, InputType]:
    """Types stated by the user for all inputs that something reads, else those of the model or annotated in it."""
    used = {name for node in graph.nodes for name in node.inputs} | set(graph.outputs)
    if options.input_type is not None:
        stated = parse_input_type(options.input_type, options.input_scale)
        return {name: stated for name in graph.inputs if name in used}
    if options.input_scale is not None:
        raise CompilerError(
            "--input-scale without --input", hint="add the type of the integers, for example --input uint8"
        )
    known = {**integer_inputs(model), **annotated_inputs(model)}
    annotated = {name: kind for name, kind in known.items() if kind != "FLOAT32" and name in used}
    return {name: parse_input_type(kind, None) for name, kind in annotated.items()}


def _interval(options: Options, clock: float) -> int | None:
    """Cycles a frame that the user asks for; None for the fastest that fits."""
    if options.fps is None:
        if options.interval is not None and options.interval < 1:
            raise CompilerError(f"--interval {options.interval} is not a positive number of cycles")
        return options.interval
    if options.interval is not None:
        raise CompilerError("--fps and --interval both state the speed", hint="leave one of them out")
    if not options.fps > 0:
        raise CompilerError(f"--fps {options.fps:g} is not a positive number")
    interval = math.floor(clock * 1e6 / options.fps)
    if interval < 1:
        raise CompilerError(f"{options.fps:g} frames a second need more than one frame a cycle at {clock:g} MHz")
    return interval


def _read_folding(options: Options, network: Network, unfolded: Lowered) -> config.Folding:
    """The user's folding file; what FINN folds and our host computes is named as that."""
    if options.folding is None:
        return config.Folding({}, {})
    host = {}
    if any(isinstance(node.op, Quantiser) for node in network.before.nodes):
        host["thresholding"] = "the host quantises the input (with --input uint8 hardware does)"
    if not any(isinstance(node.op, ArgMax) for node in network.integer.nodes):
        host["argmax"] = "the model has no ArgMax, so the host looks for the greatest output"
    fifos = possible_fifo_names(unfolded.dataflow)
    return config.read(options.folding, unfolded.dataflow, fifos, host, unfolded.absorbed)


def _completed(folded: Dataflow, source: str) -> Dataflow:
    """A folded dataflow with everything between its kernels."""
    return insert_fifos(join(folded), source=source)


def _buffered(options: Options, lowered: Dataflow, folding: config.Folding, target: Target) -> Dataflow:
    """The folded dataflow with everything between its kernels, FIFOs as the user wants them, still within the target.
    """
    joined = join(lowered)
    try:
        placed = config.place(folding, fifo_names(joined))
        sizes = {name: FifoSize(setting.depth, setting.ram_style) for name, setting in placed.items()}
        dataflow = insert_fifos(joined, sizes, options.source)
    except CompilerError as error:
        raise error.at(str(options.folding)) from error
    faults = dataflow.check()
    assert not faults, "; ".join(faults)
    excess = Budget.of(target).exceeded(total_resources(dataflow, target))
    if excess:
        raise CompilerError(
            f"with the FIFOs of the folding file the network does not fit {target.name}",
            str(options.folding),
            f"it needs {'; '.join(excess)} (budgets of the target)",
            "make them smaller, or leave them out to have them sized",
        )
    return dataflow
