"""From a model file to a folded, joined and buffered dataflow graph: everything in front of files."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from qcompile.dataflow.buffers import FifoSize, fifo_name, insert_fifos
from qcompile.dataflow.join import join
from qcompile.dataflow.lower import lower
from qcompile.dataflow.names import identifier
from qcompile.dataflow.timing import Timing, settled
from qcompile.flow.options import Options, parse_input_type
from qcompile.flow.progress import Progress
from qcompile.folding import config
from qcompile.folding.search import search
from qcompile.frontend.importer import annotated_inputs, import_model
from qcompile.frontend.load import Model, load_model
from qcompile.ir.dataflow import Dataflow
from qcompile.ir.errors import CompilerError
from qcompile.ir.graph import Graph
from qcompile.ir.network import Network
from qcompile.targets import Target, load
from qcompile.transforms.accumulators import Accumulator, accumulators, require_bits
from qcompile.transforms.passes import run_passes
from qcompile.transforms.streamline import streamline
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
    FIFOs.
    """

    understood: Understood
    target: Target
    clock_mhz: float
    lowered: Dataflow
    dataflow: Dataflow
    timing: Timing


Observer = Callable[[str, Graph], None]
"""Given the name of each pass and the graph that it left."""


def unobserved(_name: str, _graph: Graph) -> None:
    """Nobody looks."""


def understand(options: Options, progress: Progress, observe: Observer = unobserved) -> Understood:
    """Reads the model and streamlines it; `observe` is given the graph after every pass. Raises CompilerError."""
    where = str(options.model)
    with progress.step("read the model"):
        model = load_model(options.model)
        graph = import_model(model, where, options.shapes)
        observe("import", graph)
    with progress.step("streamline to integers"):
        types = _input_types(options, model, graph)
        try:
            network = streamline(graph, types)
        except CompilerError as error:
            raise (error if error.where else error.at(where)) from error
        observe("streamline", network.integer)
        samples = encode(network.before, random_frames(network.before, 32, seed=0)) if options.check else ()
        found = accumulators(network.integer)
        network = run_passes(network, samples, lambda name, result: observe(name, result.integer))
        if options.accumulator_bits is not None:
            require_bits(found, options.accumulator_bits)
    return Understood(model, graph, network, types, found)


def prepare(options: Options, progress: Progress, observe: Observer = unobserved) -> Prepared:
    """The whole way to a dataflow graph whose timing is known. Raises CompilerError."""
    target = load(options.target)
    clock = options.clock_mhz or target.clock_mhz
    if not 0 < clock <= 2000:
        raise CompilerError(f"a clock of {clock:g} MHz", hint="give --clock in MHz, for example --clock 100")
    understood = understand(options, progress, observe)
    with progress.step("fold"):
        unfolded = lower(understood.network.integer, identifier(options.name or options.model.stem))
        folding = _read_folding(options, unfolded)
        lowered = _fold(options, unfolded, folding, target, clock)
    with progress.step("size FIFOs"):
        joined = join(lowered)
        sizes = {
            name: FifoSize(int(s.get("depth", 0)), str(s.get("ram_style", "auto"))) for name, s in folding.fifos.items()
        }
        dataflow = insert_fifos(joined, sizes)
        faults = dataflow.check()
        assert not faults, "; ".join(faults)
        timing = settled(dataflow)
    return Prepared(understood, target, clock, lowered, dataflow, timing)


def _input_types(options: Options, model: Model, graph: Graph) -> dict[str, InputType]:
    """Types stated by the user for all inputs, else those annotated in the model."""
    if options.input_type is not None:
        return dict.fromkeys(graph.inputs, parse_input_type(options.input_type, options.input_scale))
    if options.input_scale is not None:
        raise CompilerError(
            "--input-scale without --input", hint="add the type of the integers, for example --input uint8"
        )
    annotated = {name: kind for name, kind in annotated_inputs(model).items() if kind != "FLOAT32"}
    return {name: parse_input_type(kind, None) for name, kind in annotated.items()}


def _read_folding(options: Options, unfolded: Dataflow) -> config.Folding:
    if options.folding is None:
        return config.Folding({}, {})
    names = [
        fifo_name(c) for c in join(unfolded).channels if c.source.instance is not None and c.sink.instance is not None
    ]
    return config.read(options.folding, unfolded, names)


def _fold(options: Options, unfolded: Dataflow, folding: config.Folding, target: Target, clock: float) -> Dataflow:
    """Settings of the user first; the search decides what they leave open, at the speed they or the user ask for."""
    settled = config.apply(unfolded, folding)
    interval = options.interval
    if options.fps is not None:
        if not options.fps > 0:
            raise CompilerError(f"--fps {options.fps:g} is not a positive number")
        interval = math.floor(clock * 1e6 / options.fps)
        if interval < 1:
            raise CompilerError(f"{options.fps:g} frames a second need more than one frame a cycle at {clock:g} MHz")
    fixed = {name: tuple(settings) for name, settings in folding.settings.items()}
    if interval is None and folding.settings:
        stated = [i.kernel.interval() for i in settled.instances if {"PE", "SIMD"} & set(fixed.get(i.name, ()))]
        interval = max(stated, default=None)
    return search(settled, target, interval, fixed)
