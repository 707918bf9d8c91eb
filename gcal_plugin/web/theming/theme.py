"""One theme: its manifest, its folder, its parents; read from files, wrong ones told by name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from . import tokens
from .tokens import Token, TokenFault

ROOT = "plain"
"""The theme that every chain ends in; its tokens are the vocabulary."""

MANIFEST = "theme.json"


class ThemeFault(ValueError):
    """A theme cannot be used: the message names the theme, the file and the fault."""


class Logo(BaseModel):
    """The brand's mark on a light and on a dark background."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    light: str
    dark: str = ""
    alt: str = ""
    """Read aloud instead of the picture; empty takes the theme's title."""


class Manifest(BaseModel):
    """`theme.json`, as the reseller wrote it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)
    title: str = Field(min_length=1, max_length=80)
    parent: str | None = None
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    tokens: str = ""
    tokens_dark: str = ""
    logo: Logo | None = None
    favicon: str = ""
    mail_header: str = ""


@dataclass(frozen=True)
class Theme:
    """A theme with its chain: itself first, `plain` last."""

    manifest: Manifest
    folder: Path
    parent: Theme | None

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def title(self) -> str:
        return self.manifest.title

    @cached_property
    def chain(self) -> tuple[Theme, ...]:
        """This theme, its parent, ... and `plain`."""
        return (self, *(self.parent.chain if self.parent else ()))

    def first(self, pick: str) -> Any:
        """A manifest value of this theme or of the nearest parent that has it."""
        for theme in self.chain:
            if value := getattr(theme.manifest, pick):
                return value
        return None

    @cached_property
    def light(self) -> dict[str, Token]:
        return tokens.resolve(self.flat_light)

    @cached_property
    def dark(self) -> dict[str, Token]:
        return tokens.resolve(self.flat_dark)

    @cached_property
    def stylesheet(self) -> str:
        """The tokens as CSS custom properties."""
        return tokens.stylesheet(self.light, self.dark)

    @cached_property
    def flat_light(self) -> dict[str, Any]:
        """The light tokens as written, laid over the parents', references and all."""
        base = self.parent.flat_light if self.parent else None
        return tokens.read(self._json(self.manifest.tokens), base)

    @cached_property
    def flat_dark(self) -> dict[str, Any]:
        """A parent's dark values hold only where this theme's light file left the token alone."""
        own = self._json(self.manifest.tokens)
        base = dict(self.parent.flat_dark) if self.parent else {}
        base = tokens.read(own, base)
        return tokens.read(self._json(self.manifest.tokens_dark), base)

    def _json(self, name: str) -> Mapping[str, Any]:
        if not name:
            return {}
        path = self.folder / name
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except OSError:
            raise ThemeFault(f"theme {self.name}: {name} is missing") from None
        except ValueError as error:
            raise ThemeFault(f"theme {self.name}: {name} is not JSON: {error}") from None
        if not isinstance(data, dict):
            raise ThemeFault(f"theme {self.name}: {name} is not a tree of tokens")
        return data

    def find(self, name: str) -> Path | None:
        """A static file of this theme or of its nearest parent that has it."""
        for theme in self.chain:
            root = (theme.folder / "static").resolve()
            path = (root / name).resolve()
            if path.is_relative_to(root) and path.is_file():
                return path
        return None

    def check_files(self) -> None:
        """Read everything that a page may ask for; raises ThemeFault at the first fault."""
        try:
            vocabulary = self.chain[-1].flat_light
            strangers = tokens.unknown({**self.flat_light, **self.flat_dark}, vocabulary)
            if strangers:
                raise ThemeFault(f"theme {self.name}: unknown token {', '.join(strangers)}")
            _ = self.stylesheet
        except TokenFault as fault:
            raise ThemeFault(f"theme {self.name}: {fault}") from None
        logo = self.manifest.logo
        named = [self.manifest.favicon, self.manifest.mail_header]
        named += [logo.light, logo.dark] if logo else []
        for name in named:
            if name and self.find(name) is None:
                raise ThemeFault(f"theme {self.name}: file static/{name} is missing")


def shipped_folder() -> Path:
    """Where the themes of this distribution are: beside the package, or in it when installed."""
    package = Path(__file__).resolve().parents[2]
    inside = package / "themes"
    return inside if inside.is_dir() else package.parent / "themes"


def read_manifest(folder: Path) -> Manifest:
    """The manifest of one theme's folder; raises ThemeFault."""
    path = folder / MANIFEST
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise ThemeFault(f"theme {folder.name}: {MANIFEST} is missing in {folder}") from None
    except ValueError as error:
        raise ThemeFault(f"theme {folder.name}: {MANIFEST} is not JSON: {error}") from None
    try:
        manifest = Manifest.model_validate(data)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
        )
        raise ThemeFault(f"theme {folder.name}: {MANIFEST}: {faults}") from None
    if manifest.name != folder.name:
        raise ThemeFault(f"theme {folder.name}: {MANIFEST} says its name is {manifest.name}")
    return manifest


class Themes:
    """The themes that can be found, each read once. The reseller's folders go first."""

    def __init__(self, folders: Iterable[str | Path] = ()) -> None:
        self._folders = [Path(folder) for folder in folders]
        self._folders.append(shipped_folder())
        self._known: dict[str, Theme] = {}

    def names(self) -> list[str]:
        """Every theme in the folders, by name."""
        return sorted(
            {
                manifest.parent.name
                for folder in self._folders
                for manifest in folder.glob(f"*/{MANIFEST}")
            }
        )

    def load(self, name: str) -> Theme:
        """A theme with its whole chain, checked; raises ThemeFault."""
        return self._load(name, ())

    def _load(self, name: str, below: tuple[str, ...]) -> Theme:
        if name in self._known:
            return self._known[name]
        if name in below:
            raise ThemeFault(f"theme {name}: is its own parent by way of {' -> '.join(below)}")
        folder = self._folder(name, below)
        manifest = read_manifest(folder)
        parent_name = manifest.parent or (None if name == ROOT else ROOT)
        parent = self._load(parent_name, (*below, name)) if parent_name else None
        theme = Theme(manifest, folder, parent)
        theme.check_files()
        self._known[name] = theme
        return theme

    def _folder(self, name: str, below: tuple[str, ...]) -> Path:
        for folder in self._folders:
            if (folder / name / MANIFEST).is_file():
                return folder / name
        where = ", ".join(str(folder) for folder in self._folders)
        if below:
            raise ThemeFault(f"theme {below[-1]}: its parent {name} does not exist in {where}")
        raise ThemeFault(f"theme {name} does not exist in {where}; known: {self.names()}")
