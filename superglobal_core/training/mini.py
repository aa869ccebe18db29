"""Train the `mini` network: ArcFace on rendered buildings of seeds that no test set uses."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import asdict
from pathlib import Path

from superglobal_core.data.landmarks.plan import RENDERER_VERSION
from superglobal_core.errors import UserError
from superglobal_core.files import atomic_write
from superglobal_core.networks.checkpoints import save_checkpoint
from superglobal_core.progress import Counter, note
from superglobal_core.training.renders import RenderPlan, render_all
from superglobal_core.training.trainer import Recipe, Trainer, deterministic


def train_mini(
    out: str | Path,
    *,
    seed: int = 0,
    epochs: int = Recipe.epochs,
    buildings: int = Recipe.buildings,
    views: int = Recipe.views,
    size: int = Recipe.size,
    batch: int = Recipe.batch,
    processes: int | None = None,
    work: str | Path | None = None,
    checkpoint_every_s: float = 180.0,
    stop_after: int | None = None,
) -> Path:
    """Train the mini network and write it as safetensors (float16) in CVNet's layout.

    The training images are rendered first (into `work`, by several processes), then the network is
    trained with ArcFace: ReLU, GeM with a learned exponent, descriptor = fc(GeM(F)), BGR input
    normalised as the releases do. Interrupted, it goes on from its last checkpoint in `work` and
    comes to the same weights (with the same software and number of threads). Half an hour on two
    idle cores with the defaults; where the cores are shared, OMP_NUM_THREADS=1 is the faster choice.

    Args:
        out: the checkpoint to write (`.safetensors`).
        seed: of the buildings (offset by a million: never those of a test set), weights, batches.
        epochs, batch: passes over the images, and images a step.
        buildings, views, size: classes, images a class, longer side of an image in pixels.
        processes: how many render; as many as there are cores when not given.
        work: folder of renders and checkpoint; beside `out` when not given, removed at the end.
        checkpoint_every_s: seconds between checkpoints.
        stop_after: end this call after so many steps, leaving the checkpoint to go on from.

    Returns:
        The checkpoint's path (not yet written when `stop_after` ended the training early).

    Raises:
        UserError: for nonsense, or a `work` folder of another training.
    """
    out = Path(out)
    recipe = Recipe(seed=seed, epochs=epochs, buildings=buildings, views=views, size=size, batch=batch)
    _check(recipe, out)
    work = Path(work) if work is not None else out.with_name(out.name + ".work")
    _claim(work, recipe)
    plan = RenderPlan(seed, buildings, views, size)
    renders = render_all(plan, work / "renders", processes)
    steps = epochs * max(1, len(renders.jpegs) // batch)
    trainer = Trainer(recipe, renders, steps)
    checkpoint = work / "checkpoint.pt"
    if checkpoint.exists():
        trainer.load(checkpoint)
    last = steps if stop_after is None else min(steps, trainer.step + stop_after)
    saved = time.monotonic()
    with Counter("train mini", steps - trainer.step, "steps") as counter, deterministic():
        while trainer.step < last:
            trainer.advance()
            counter.advance()
            if time.monotonic() - saved > checkpoint_every_s:
                trainer.save(checkpoint)
                saved = time.monotonic()
                note(trainer.report())
    trainer.save(checkpoint)
    if trainer.step < steps:
        return out
    trainer.finish()
    save_checkpoint(out, trainer.network, trainer.description())
    shutil.rmtree(work)
    return out


def _check(recipe: Recipe, out: Path) -> None:
    if out.suffix != ".safetensors":
        raise UserError(f"{out} does not end in .safetensors: that is the format of the checkpoint")
    for name, least in (
        ("seed", 0),
        ("epochs", 1),
        ("buildings", 2),
        ("views", 1),
        ("size", 96),
        ("batch", 2),
    ):
        if getattr(recipe, name) < least:
            raise UserError(f"{name} is {getattr(recipe, name)}: use {least} or more")
    if recipe.batch > recipe.buildings * recipe.views:
        raise UserError(f"batch is {recipe.batch}: there are only {recipe.buildings * recipe.views} images")


def _claim(work: Path, recipe: Recipe) -> None:
    note = work / "recipe.json"
    wanted = json.loads(json.dumps({**asdict(recipe), "renderer": RENDERER_VERSION}))
    if note.exists():
        if json.loads(note.read_text()) != wanted:
            raise UserError(
                f"{work} holds another training that was cut short: finish it, or remove the folder"
            )
        return
    with atomic_write(note) as stream:
        stream.write(json.dumps(wanted, indent=1).encode())
