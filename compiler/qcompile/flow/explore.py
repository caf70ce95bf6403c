"""`qcompile explore`: what a model costs at many speeds on several targets, and what is the best that each of them holds."""

from __future__ import annotations

import json
import pickle
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path

import qcompile
from qcompile.flow.engines import Engines
from qcompile.flow.options import Options
from qcompile.flow.prepare import Understood, built, clocked, understand
from qcompile.flow.progress import Advance, Progress
from qcompile.flow.reporting import design_figures
from qcompile.frontend.load import model_digest, self_contained
from qcompile.ir.dataflow import Dataflow, Multiplying
from qcompile.ir.errors import CompilerError
from qcompile.report.exploration import Point, Usage, render_exploration
from qcompile.targets import all_targets
from qcompile.tools.cache import Cache, digest
from qcompile.tools.output_folder import MARKER, MARKER_KEY, check_replaceable, output_folder
from qcompile.tools.workers import run_jobs

FASTEST = "fastest that fits"


@dataclass(frozen=True, slots=True)
class Subject:
    """A model, and pickled what the command line says of all its designs: it travels to other machines."""

    model: bytes
    options: bytes


@dataclass(frozen=True, slots=True)
class Job:
    """A design to look at: at most so many cycles a frame, or (None) the fastest that fits. `board` is the text of a target of
    the user's own.
    """

    subject: Subject
    target: str
    board: str | None
    interval: int | None


@dataclass(frozen=True, slots=True)
class Exploration:
    """Every design, those of a target together; `looked` of them in all, `known` in the cache from before."""

    folder: Path
    points: tuple[Point, ...]
    looked: int
    known: int

    def json_line(self) -> str:
        """The last line on standard output."""
        fits = sum(not point.refusal for point in self.points)
        best = sum(point.best for point in self.points)
        return json.dumps({"looked": self.looked, "designs": fits, "pareto": best})


@dataclass(frozen=True, slots=True)
class Request:
    """What to explore: `targets`, `points` intervals from the fastest to the slowest folding, and on which processes."""

    targets: tuple[str, ...]
    points: int
    workers: int | None = None
    scheduler: str | None = None


def parse_targets(text: str) -> tuple[str, ...]:
    """Names with commas between, each once; `all` stands for every board."""
    if text == "all":
        return tuple(target.name for target in all_targets())
    return tuple(dict.fromkeys(name.strip() for name in text.split(",")))


def explore_model(options: Options, request: Request, folder: Path, progress: Progress) -> Exploration:
    """Looks at every target at every speed and writes `folder`: explore.json, explore.html. Raises CompilerError.

    Whatever was found is kept in the user's cache by what it was made from, also where the run is interrupted.
    """
    check_replaceable(folder)
    if request.points < 1:
        raise CompilerError(f"--points {request.points}", hint="it is the number of speeds to look at, at least 1")
    for target in request.targets:
        clocked(replace(options, target=target))
    understood = understand(replace(options, target=request.targets[0]), progress)
    common = replace(options, model=Path(options.model.name), target="")
    subject = Subject(self_contained(options.model, understood.model), pickle.dumps(common))
    jobs = _jobs(subject, request, _ladder(_unfolded(understood, options, request.targets[0]), request.points))
    with progress.step("look at designs") as step:
        found, known = _results(jobs, request, step.of("designs"))
    ordered = [found[name] for name in jobs]
    points = tuple(_marked(ordered))
    with output_folder(folder) as out:
        _write(out, options, points)
    return Exploration(folder, points, len(jobs), known)


def look(job: Job) -> Point:
    """One design. What does not fit is a point with a refusal."""
    name = Path(job.target).stem
    with tempfile.TemporaryDirectory() as work:
        board = Path(work) / Path(job.target).name
        if job.board is not None:
            board.write_text(job.board, encoding="utf-8")
        target = job.target if job.board is None else str(board)
        options = replace(pickle.loads(job.subject.options), target=target, interval=job.interval)
        try:
            prepared = built(options, _understood(job.subject), Progress())
        except CompilerError as error:
            return Point(name, job.interval, refusal=": ".join(filter(None, (error.what, error.why))))
    design = design_figures(prepared)
    kernels = [instance.kernel for instance in prepared.dataflow.instances]
    products = [(kernel.multiplications(), kernel.interval()) for kernel in kernels if isinstance(kernel, Multiplying)]
    lanes = sum(count // cycles for count, cycles in products)
    return Point(
        name,
        job.interval,
        design.interval,
        design.frames_per_second,
        design.latency,
        design.clock_mhz,
        design.bottleneck,
        lanes,
        sum(count for count, _ in products) / (lanes * design.interval) if lanes else 0.0,
        tuple(Usage(r.resource, r.used, r.available, r.budget) for r in design.resources if r.available or r.used),
        prepared.target.lut,
    )


@lru_cache(maxsize=1)
def _understood(subject: Subject) -> Understood:
    """The model as integers, once a process."""
    with tempfile.TemporaryDirectory() as work:
        options: Options = pickle.loads(subject.options)
        model = Path(work) / options.model.name
        model.write_bytes(subject.model)
        return understand(replace(options, model=model), Progress())


def _unfolded(understood: Understood, options: Options, target: str) -> Dataflow:
    named = replace(options, target=target)
    engines = Engines.of(understood.network.integer, "accelerator", named, clocked(named)[0])
    return engines.lowered(engines.rows()).dataflow


def _ladder(unfolded: Dataflow, points: int) -> tuple[int, ...]:
    """Cycles a frame, growing by a constant factor from the fastest folding that there is to the slowest."""
    intervals = [[kernel.interval() for kernel in instance.kernel.foldings()] for instance in unfolded.instances]
    fastest = max((min(choice) for choice in intervals), default=1)
    slowest = max((max(choice) for choice in intervals), default=1)
    steps = [fastest * (slowest / fastest) ** (k / max(points - 1, 1)) for k in range(points)]
    return tuple(sorted({round(step) for step in steps}))


def _jobs(subject: Subject, request: Request, ladder: Sequence[int]) -> dict[str, Job]:
    """By a name to show, target by target."""
    jobs = {}
    for target in request.targets:
        board = Path(target).read_text(encoding="utf-8") if target.endswith(".toml") else None
        for interval in (None, *ladder):
            speed = FASTEST if interval is None else f"{interval:,} cycles"
            jobs[f"{Path(target).stem}, {speed}"] = Job(subject, target, board, interval)
    return jobs


def _results(jobs: Mapping[str, Job], request: Request, advance: Advance) -> tuple[dict[str, Point], int]:
    """The point of each job, from the cache or from a worker, and how many of them the cache had."""
    cache, keys = Cache.of_user(), {name: _key(job) for name, job in jobs.items()}
    found = {name: point for name, key in keys.items() if (point := _cached(cache, key)) is not None}
    known = len(found)
    missing = {name: job for name, job in jobs.items() if name not in found}
    for name, point in run_jobs(look, missing, request.workers, request.scheduler):
        found[name] = point
        _keep(cache, keys[name], point)
        advance(len(found), len(jobs))
    return found, known


def _key(job: Job) -> str:
    """Of all that a point depends on, this program included."""
    words = (job.target, job.board or "", str(job.interval), job.subject.options, job.subject.model)
    return digest("explore", _program(), *words)


@lru_cache(maxsize=1)
def _program() -> str:
    return digest(*sorted(Path(qcompile.__file__).parent.rglob("*.py")))


def _cached(cache: Cache, key: str) -> Point | None:
    with tempfile.TemporaryDirectory() as work:
        file = Path(work) / "point.json"
        return Point.of(json.loads(file.read_text(encoding="utf-8"))) if cache.restore(key, {"point.json": file}) else None


def _keep(cache: Cache, key: str, point: Point) -> None:
    with tempfile.TemporaryDirectory() as work:
        file = Path(work) / "point.json"
        file.write_text(json.dumps(asdict(point)), encoding="utf-8")
        cache.store(key, {"point.json": file})


def _marked(points: Sequence[Point]) -> Iterator[Point]:
    """Each design once, and marked where no other one of its target is both as fast and as small."""
    designs = {(p.target, p.interval, p.usages) if not p.refusal else (p.target, p.asked): p for p in reversed(points)}
    distinct = [point for point in points if any(point is design for design in designs.values())]
    for point in distinct:
        rivals = [p for p in distinct if p.target == point.target and not p.refusal and p is not point]
        beaten = any(p.interval <= point.interval and p.fullest <= point.fullest for p in rivals)
        yield replace(point, best=not point.refusal and not beaten)


def _write(out: Path, options: Options, points: Sequence[Point]) -> None:
    content = {
        "model": options.model.name,
        "sha256": model_digest(options.model),
        "versions": {"qcompile": qcompile.__version__},
        "points": [asdict(point) for point in points],
    }
    (out / "explore.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    (out / "explore.html").write_text(render_exploration(options.model.name, points), encoding="utf-8")
    marker = {MARKER_KEY: qcompile.__version__, "kind": "exploration"}
    (out / MARKER).write_text(json.dumps(marker, indent=2) + "\n", encoding="utf-8")
