"""What a suite may say of its ablation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from superglobal_core.config_parts import Exponent, Floor, Model, Name
from superglobal_core.protocol_switches import SWITCHES, Preset

SWITCH_NAMES = tuple(switch.name for switch in SWITCHES)


def _is_switch(value: str) -> str:
    if value not in SWITCH_NAMES:
        raise ValueError(f"choose from {', '.join(SWITCH_NAMES)}")
    return value


SwitchName = Annotated[str, AfterValidator(_is_switch), Field(json_schema_extra={"enum": list(SWITCH_NAMES)})]


class Grids(Model):
    """The reranking's parameters, every combination of them, as heat maps."""

    shortlists: list[Annotated[int, Field(ge=1)]] = Field([50, 100, 200, 400], description="M")
    neighbours: list[Annotated[int, Field(ge=0)]] = Field([0, 1, 3, 5, 9, 15], description="K")
    betas: list[Annotated[float, Field(ge=0)]] = Field([0.0, 0.05, 0.15, 0.3, 1.0], description="beta")


class Tuning(Grids):
    """Choosing M, K and beta on some queries and reporting them on others; see `superglobal tune`."""

    tuned_on: Name = Field(description="the data set to tune on")
    reported_on: Name | None = Field(
        None,
        description="the data set to report on; by default `tuned_on`, with half of its queries for each",
    )
    protocol: Literal["easy", "medium", "hard"] = Field("medium", description="whose mAP is maximised")


class OtherBackbone(Model):
    """Another backbone to put the descriptor's modules on."""

    backbone: Literal["resnet50", "resnet101", "torchvision-resnet50"] = Field(description="the network")
    checkpoint: Path | None = Field(None, description="its weights")
    download: Name | None = Field(None, description="download its weights: their name in the catalogue")

    @model_validator(mode="after")
    def _one_source(self) -> OtherBackbone:
        if self.checkpoint is not None and self.download is not None:
            raise ValueError("give either 'checkpoint' or 'download', not both")
        return self

    @property
    def missing(self) -> str | None:
        """Why it cannot be measured; None where it can."""
        if self.checkpoint is None and self.download is None:
            return "its weights are not at hand: name them by `checkpoint` or `download`"
        if self.checkpoint is not None and not self.checkpoint.is_file():
            return f"its weights are not at hand: there is no file {self.checkpoint}"
        return None


class Ablation(Model):
    """One protocol switch or module changed at a time, from a preset; see `snakemake ablation`."""

    descriptor: Name = Field(description="the extracted descriptor that is changed")
    preset: Preset = Field("official", description="what is changed from: official, paper or cvnet")
    switches: bool | list[SwitchName] = Field(True, description="which protocol switches: all, none or these")
    modules: bool = Field(True, description="also GeM+, Regional-GeM, Scale-GeM and ReLUP, one off at a time")
    exponents: list[Exponent] = Field([3.0, 6.0], description="other p of GeM+")
    regional_exponents: list[Exponent] = Field([1.0, 5.0], description="other p of Regional-GeM")
    thresholds: list[Floor] = Field([0.007, 0.028], description="other alpha of ReLUP")
    backbones: list[OtherBackbone] = Field([], description="other backbones to put the modules on")
    datasets: list[Name] | None = Field(None, min_length=1, description="which data sets; all by default")
    shortlist: int = Field(400, ge=1, description="M of the reranking")
    neighbours: int = Field(9, ge=0, description="K")
    beta: float = Field(0.15, ge=0, description="beta")
    grids: Grids | None = Field(None, description="also every combination of M, K and beta, as heat maps")
    tuning: list[Tuning] = Field(
        [], description="also choose M, K and beta on some queries, report on others"
    )

    def check(self, extracted: Sequence[str], datasets: Sequence[str]) -> None:
        """Refuse a descriptor or data set that the suite does not have (ValueError)."""
        if self.descriptor not in extracted:
            choice = f"choose from {', '.join(extracted)}" if extracted else "extract one"
            raise ValueError(
                f"ablation.descriptor is {self.descriptor}, which is no extracted descriptor: {choice}"
            )
        named = {"datasets": self.datasets or ()}
        for number, tuning in enumerate(self.tuning):
            named[f"tuning.{number}"] = [
                name for name in (tuning.tuned_on, tuning.reported_on) if name is not None
            ]
            if tuning.tuned_on == tuning.reported_on:
                raise ValueError(
                    f"ablation.tuning.{number} tunes and reports on '{tuning.tuned_on}': leave `reported_on` "
                    "out, so that each has half of its queries"
                )
        for key, names in named.items():
            for dataset in names:
                if dataset not in datasets:
                    raise ValueError(f"ablation.{key} names '{dataset}', which is not in datasets")
