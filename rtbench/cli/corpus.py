"""`rtbench corpus`: build, check, list and play the labelled audio that callers and the emulator speak."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rtbench.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from rtbench.core.pcm import Samples
    from rtbench.corpus.folder import Corpus
    from rtbench.corpus.manifest import ClipEntry, Manifest

DEFAULT_CORPUS = "english"
PAUSE_S = 0.5
"""Between the clips of a role that are written into one file."""

_NUMBERS = ("s", "speech", "holds")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `corpus` and its commands."""
    corpus = subparsers.add_parser("corpus", help="make, check, list and play corpora")
    commands = corpus.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _register_build(commands)
    check = commands.add_parser("check", help="verify hashes, labels, clipping and level")
    check.add_argument("corpus", nargs="?", default=DEFAULT_CORPUS, metavar="NAME", help="name or folder")
    check.set_defaults(handler=run_check)
    listing = commands.add_parser("list", help="show the clips of a corpus")
    listing.add_argument("corpus", nargs="?", default=DEFAULT_CORPUS, metavar="NAME", help="name or folder")
    listing.set_defaults(handler=run_list)
    play = commands.add_parser(
        "play",
        help="play a clip, or all of a role, and show its labels",
        description="Show a clip's words, voice, length and labels, and play it as it is in the corpus: without the noise, "
        "the level and the network of any scenario.",
    )
    play.add_argument("name", metavar="CLIP|ROLE", help="a clip's name, or a role such as question")
    play.add_argument(
        "--corpus", default=DEFAULT_CORPUS, metavar="NAME", help="name or folder (default: %(default)s)"
    )
    play.add_argument("--out", type=Path, metavar="FILE.wav", help="write the sound instead of playing it")
    play.set_defaults(handler=run_play)


def _register_build(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    build = commands.add_parser(
        "build",
        help="make a corpus from a recipe or from your own recordings",
        description="Make a corpus from a recipe (needs flite and espeak-ng), or from a folder of WAV, FLAC and OGG "
        "files: sub-folders named after a role (question, statement, ...) give the role, a .txt file beside a "
        "recording gives its words.",
    )
    build.add_argument(
        "source",
        nargs="?",
        default=DEFAULT_CORPUS,
        metavar="SOURCE",
        help="a recipe, a folder with recipe.yaml, or a folder of recordings (default: %(default)s)",
    )
    build.add_argument(
        "--out", type=Path, help="where to write; default: a recipe's own folder, corpora/NAME else"
    )
    recordings = build.add_argument_group("for recordings")
    recordings.add_argument("--name", help="name of the corpus (default: the folder's)")
    recordings.add_argument(
        "--language", default="en", help="language of the recordings (default: %(default)s)"
    )
    recordings.add_argument("--voice", default="recorded", help="who speaks (default: %(default)s)")
    recordings.add_argument("--licence", default="not stated", help="under which the recordings may be used")
    recordings.add_argument(
        "--level", type=float, metavar="DBFS", help="set this speech level (default: as recorded)"
    )
    build.set_defaults(handler=run_build)


def run_build(args: argparse.Namespace) -> int:
    """Build from a recipe or from recordings, whichever SOURCE is."""
    from rtbench.corpus.recipe import RECIPE_NAME

    source = _find_source(args.source)
    recipe = source / RECIPE_NAME if source.is_dir() else source
    if recipe.is_file():
        folder = args.out or recipe.parent
        manifest = _build_recipe(recipe, folder)
    else:
        name = args.name or source.resolve().name
        folder = args.out or Path("corpora") / name
        manifest = _build_recordings(source, folder, name, args)
    seconds = sum(entry.samples for entry in manifest.clips) / manifest.rate_hz
    print(f"{manifest.name}: {len(manifest.clips)} clips, {seconds:.0f} s of audio, in {folder}")
    return ExitCode.PASS


def run_check(args: argparse.Namespace) -> int:
    """Print what is wrong with a corpus; exit code 1 where anything is."""
    from rtbench.corpus.check import check_corpus
    from rtbench.corpus.folder import find_corpus

    folder = find_corpus(args.corpus)
    findings = check_corpus(folder)
    for finding in findings:
        print(f"{folder / finding.file}: {finding.problem}")
    if findings:
        return ExitCode.USAGE
    print(f"{folder}: hashes, labels, clipping and level are right")
    return ExitCode.PASS


def run_list(args: argparse.Namespace) -> int:
    """Print the clips of a corpus as a table."""
    from rich.console import Console

    from rtbench.corpus.folder import Corpus, find_corpus

    corpus = Corpus.open(find_corpus(args.corpus))
    console = Console(markup=False, emoji=False, highlight=False)
    console.print(_table(corpus, console.width))
    return ExitCode.PASS


def run_play(args: argparse.Namespace) -> int:
    """Show and play what was asked for, one clip after the other."""
    from rtbench.corpus.audio_file import write_wav
    from rtbench.corpus.folder import Corpus, find_corpus
    from rtbench.corpus.sound_output import play

    corpus = Corpus.open(find_corpus(args.corpus))
    names = _clips_named(corpus, args.name)
    corpus.load(names)
    if args.out is not None:
        write_wav(args.out, _in_a_row(corpus, names), corpus.rate_hz)
    for number, name in enumerate(names):
        print(("\n" if number else "") + "\n".join(_account(corpus, name)), flush=True)
        if args.out is None:
            play(corpus.samples(name), corpus.rate_hz)
    if args.out is not None:
        print(f"\n{args.out}")
    return ExitCode.PASS


def _clips_named(corpus: Corpus, name: str) -> tuple[str, ...]:
    """A clip by its name, else all of a role. Raises UsageError."""
    from rtbench.corpus.manifest import Role

    if name in corpus.names() or name not in set(Role):
        return (corpus.entry(name).name,)
    names = corpus.names(Role(name))
    if not names:
        raise UsageError(f"corpus {corpus.manifest.name!r} has no clip of the role {name}")
    return names


def _in_a_row(corpus: Corpus, names: tuple[str, ...]) -> Samples:
    from rtbench.core import pcm
    from rtbench.core.audio import PCM16

    pause = pcm.decode(pcm.silence(PCM16, round(PAUSE_S * corpus.rate_hz)), PCM16)
    parts = [part for name in names for part in (pause, corpus.samples(name))]
    return pcm.join(parts[1:])


def _account(corpus: Corpus, name: str) -> list[str]:
    """A clip in words and as a picture."""
    from textwrap import wrap

    from rtbench.corpus.labels import SOUND_ROLES
    from rtbench.corpus.picture import WIDTH, draw

    entry, rate_hz = corpus.entry(name), corpus.rate_hz
    voice = f"voice {entry.voice}, " if entry.voice else ""
    lines = [f"{entry.name}: {entry.role.value}, {voice}{entry.samples / rate_hz:.2f} s"]
    lines += wrap(f'"{entry.text}"', WIDTH) if entry.text else []
    if entry.speech.start < entry.speech.end:
        spans = [entry.speech, *entry.holds]
        speech, *holds = [f"{span.start / rate_hz:.2f}-{span.end / rate_hz:.2f}" for span in spans]
        sounds = "speech" if entry.role not in SOUND_ROLES else "sound"
        lines += wrap(f"{sounds} {speech} s" + (f", pauses {', '.join(holds)} s" if holds else ""), WIDTH)
    return [*lines, *draw(entry, corpus.samples(name), rate_hz)]


def _find_source(name_or_path: str) -> Path:
    from rtbench.corpus.folder import SHIPPED_CORPORA

    for path in (Path(name_or_path), Path("corpora") / name_or_path, SHIPPED_CORPORA / name_or_path):
        if path.exists():
            return path
    raise UsageError(f"{name_or_path}: no such recipe, and no such folder of recordings")


def _build_recipe(recipe: Path, folder: Path) -> Manifest:
    from rich.console import Console

    from rtbench.corpus.build import build_corpus
    from rtbench.corpus.recipe import read_recipe

    with Console(stderr=True).status("speaking") as status:
        return build_corpus(read_recipe(recipe), folder, status.update)


def _build_recordings(source: Path, folder: Path, name: str, args: argparse.Namespace) -> Manifest:
    from rich.console import Console

    from rtbench.corpus.recordings import Provenance, build_from_recordings

    provenance = Provenance(name, args.language, args.voice, args.licence)
    with Console(stderr=True).status("reading") as status:
        return build_from_recordings(source, folder, provenance, args.level, status.update)


def _table(corpus: Corpus, width: int) -> Table:
    """Clips in the order of their roles; words are cut to what is left of the width (80 columns will do)."""
    from rich.table import Table

    from rtbench.corpus.manifest import Role

    rows = [_row(corpus.entry(name), corpus.rate_hz) for role in Role for name in corpus.names(role)]
    table = Table(
        title=f"{corpus.manifest.name} ({corpus.folder})", box=None, pad_edge=False, padding=(0, 1, 0, 0)
    )
    headings = ("clip", "role", "voice", "s", "speech", "holds", "words")
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="right" if heading in _NUMBERS else "left", no_wrap=True)
        if heading != "words":
            width -= 1 + max(len(row[index]) for row in (headings, *rows))
    for row in rows:
        table.add_row(*row[:-1], _shortened(row[-1], width))
    return table


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 1, 0)].rstrip() + "…"


def _row(entry: ClipEntry, rate_hz: int) -> tuple[str, ...]:
    speech = entry.speech
    return (
        entry.name,
        entry.role.value,
        entry.voice,
        f"{entry.samples / rate_hz:.1f}",
        f"{speech.start / rate_hz:.2f}-{speech.end / rate_hz:.2f}" if speech.start < speech.end else "",
        str(len(entry.holds) or ""),
        entry.text,
    )
