"""What a building is made from: its style, its palette, its motif and the seed of its shape.

Two buildings of one style share a way of building; two *relatives* also share palette and motif and
still are two buildings. The second kind is what makes distractors hurt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

Colour = tuple[float, float, float]  # blue, green, red, 0 to 255

# Colours that walls, roofs and trims really have, as BGR; each building moves them a little.
WALL_COLOURS: dict[str, Colour] = {
    "sandstone": (138, 182, 212),
    "limestone": (182, 200, 212),
    "granite": (148, 150, 152),
    "pink granite": (140, 150, 186),
    "red brick": (66, 80, 158),
    "brown brick": (62, 76, 118),
    "yellow brick": (110, 164, 200),
    "ochre": (112, 182, 228),
    "rose": (168, 176, 226),
    "white": (224, 230, 232),
    "mint": (178, 208, 190),
    "sky": (214, 198, 176),
    "terracotta": (88, 126, 194),
    "concrete": (168, 172, 174),
    "sand": (160, 196, 214),
}
ROOF_COLOURS: dict[str, Colour] = {
    "red tile": (58, 78, 164),
    "brown tile": (58, 74, 112),
    "slate": (98, 86, 78),
    "copper": (146, 172, 116),
    "lead": (152, 146, 140),
    "gold": (62, 166, 214),
    "blue tile": (150, 96, 54),
    "green tile": (84, 118, 60),
}

# Awnings, flags, shutters, stained glass, painted doors and posts.
_ACCENTS: tuple[Colour, ...] = (
    (48, 46, 152), (120, 70, 40), (62, 98, 48), (60, 150, 196), (92, 60, 104),
    (150, 120, 60), (70, 70, 74), (110, 140, 176), (40, 60, 120), (160, 160, 150),
)  # fmt: skip

# style: (materials, wall colours, roof colours, window kinds)
_VOCABULARY: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "gothic": (
        ("ashlar", "ashlar", "brick", "bands", "rubble"),
        ("sandstone", "limestone", "granite", "red brick", "pink granite", "sand"),
        ("slate", "copper", "red tile", "lead"),
        ("pointed", "lancets", "tracery"),
    ),
    "baroque": (
        ("plaster", "plaster", "ashlar"),
        ("ochre", "rose", "white", "mint", "limestone", "sky", "terracotta"),
        ("red tile", "copper", "slate", "brown tile", "green tile"),
        ("round", "segmental", "flat", "oculus"),
    ),
    "classical": (
        ("ashlar", "plaster", "ashlar"),
        ("limestone", "sandstone", "white", "granite", "ochre", "sand"),
        ("lead", "copper", "slate", "red tile"),
        ("flat", "round", "segmental"),
    ),
    "domed": (
        ("ashlar", "plaster", "bands", "brick"),
        ("limestone", "white", "sandstone", "terracotta", "sand", "pink granite", "yellow brick"),
        ("copper", "gold", "lead", "blue tile", "slate", "green tile"),
        ("round", "pointed", "twin"),
    ),
    "industrial": (
        ("brick", "brick", "brick", "concrete"),
        ("red brick", "brown brick", "yellow brick", "terracotta", "concrete"),
        ("slate", "lead", "red tile", "brown tile"),
        ("segmental", "flat", "round", "band"),
    ),
    "modernist": (
        ("concrete", "panels", "plaster", "panels"),
        ("concrete", "white", "granite", "sand", "terracotta", "sky"),
        ("lead", "slate"),
        ("flat", "band", "curtain", "fins", "grid"),
    ),
    "timber": (
        ("timber", "timber", "timber", "brick"),
        ("white", "ochre", "sand", "rose", "mint", "terracotta"),
        ("red tile", "brown tile", "slate"),
        ("flat", "casement"),
    ),
    "townhall": (
        ("ashlar", "brick", "plaster", "rubble"),
        ("sandstone", "red brick", "ochre", "limestone", "terracotta", "granite", "yellow brick"),
        ("slate", "red tile", "copper", "brown tile"),
        ("round", "twin", "pointed", "flat"),
    ),
    "castle": (
        ("rubble", "ashlar", "rubble", "brick"),
        ("granite", "sandstone", "sand", "brown brick", "limestone", "pink granite"),
        ("slate", "red tile", "blue tile", "brown tile"),
        ("slit", "round", "twin", "flat"),
    ),
    "pagoda": (
        ("plaster", "timber", "brick"),
        ("white", "terracotta", "ochre", "red brick", "mint"),
        ("green tile", "slate", "blue tile", "brown tile", "gold"),
        ("flat", "round", "grid"),
    ),
}
STYLES: tuple[str, ...] = tuple(_VOCABULARY)


@dataclass(frozen=True)
class Palette:
    """Material and colours (BGR, 0 to 255) of a building."""

    material: str
    wall: Colour
    second: Colour
    trim: Colour
    roof: Colour
    wood: Colour
    glass: Colour
    accent: Colour


@dataclass(frozen=True)
class Motif:
    """The vocabulary of a facade: windows, their frames, and what runs between storeys."""

    window: str
    upper: str
    fill: float  # share of a bay's width that is window
    stretch: float  # share of a storey's height that is window
    surround: str  # none, frame, keystone, pediment
    mullions: tuple[int, int]
    shutters: bool
    string_course: bool
    pilasters: bool
    quoins: bool
    balconies: bool


@dataclass(frozen=True)
class Genome:
    """Everything that decides a building; equal genomes give equal buildings."""

    style: str
    palette: Palette
    motif: Motif
    shape_seed: int


def vary(colour: Colour, rng: np.random.Generator, spread: float) -> Colour:
    """Move a colour by a common and a separate normal deviate of each channel."""
    moved = np.asarray(colour) * (1 + rng.normal(0, spread / 160)) + rng.normal(0, spread, 3)
    blue, green, red = np.clip(moved, 12, 245)
    return float(blue), float(green), float(red)


def _pick(rng: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[int(rng.integers(len(choices)))]


def _draw_palette(style: str, rng: np.random.Generator) -> Palette:
    materials, walls, roofs, _ = _VOCABULARY[style]
    wall = vary(WALL_COLOURS[_pick(rng, walls)], rng, 9)
    contrast = WALL_COLOURS[_pick(rng, ("white", "sandstone", "limestone", "granite", "red brick"))]
    trim = contrast if rng.random() < 0.55 else tuple(0.55 * c + 105 for c in wall)
    second = WALL_COLOURS[_pick(rng, walls)] if rng.random() < 0.5 else tuple(0.62 * c for c in wall)
    wood: Colour = ((34, 44, 58), (40, 60, 92), (52, 50, 48), (40, 40, 110), (66, 84, 46))[
        int(rng.integers(5))
    ]
    glass: Colour = ((72, 60, 48), (96, 84, 70), (58, 60, 62), (110, 92, 60))[int(rng.integers(4))]
    accent = _ACCENTS[int(rng.integers(len(_ACCENTS)))]
    return Palette(
        material=_pick(rng, materials),
        wall=wall,
        second=vary((second[0], second[1], second[2]), rng, 8),
        trim=vary((trim[0], trim[1], trim[2]), rng, 7),
        roof=vary(ROOF_COLOURS[_pick(rng, roofs)], rng, 9),
        wood=vary(wood, rng, 6),
        glass=vary(glass, rng, 8),
        accent=vary(accent, rng, 10),
    )


def _draw_motif(style: str, rng: np.random.Generator) -> Motif:
    windows = _VOCABULARY[style][3]
    return Motif(
        window=_pick(rng, windows),
        upper=_pick(rng, windows),
        fill=float(rng.uniform(0.3, 0.66)),
        stretch=float(rng.uniform(0.48, 0.76)),
        surround=_pick(rng, ("none", "frame", "frame", "keystone", "pediment")),
        mullions=(int(rng.integers(0, 4)), int(rng.integers(0, 5))),
        shutters=bool(rng.random() < 0.2),
        string_course=bool(rng.random() < 0.6),
        pilasters=bool(rng.random() < 0.35),
        quoins=bool(rng.random() < 0.4),
        balconies=bool(rng.random() < 0.22),
    )


def draw_genome(rng: np.random.Generator, style: str | None = None) -> Genome:
    """Draw a building's genome, of any style unless one of `STYLES` is named."""
    style = style or _pick(rng, STYLES)
    return Genome(style, _draw_palette(style, rng), _draw_motif(style, rng), int(rng.integers(2**62)))


def relative(genome: Genome, rng: np.random.Generator) -> Genome:
    """Draw another building of the same family: style and material stay, the shape is another one.

    The colours move a little; the windows stay the same kind in two cases of three.
    """
    palette = genome.palette
    close = replace(
        palette,
        wall=vary(palette.wall, rng, 8),
        trim=vary(palette.trim, rng, 8),
        roof=vary(palette.roof, rng, 8),
    )
    fresh = _draw_motif(genome.style, rng)
    motif = fresh
    if rng.random() < 0.67:
        motif = replace(genome.motif, fill=fresh.fill, stretch=fresh.stretch, mullions=fresh.mullions)
    return Genome(genome.style, close, motif, int(rng.integers(2**62)))
