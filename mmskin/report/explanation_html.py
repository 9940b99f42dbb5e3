"""An explanation as HTML: one rendering, on a page of its own and on the clinician's page."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup
from PIL import Image

from mmskin.explain.explanation import Explanation
from mmskin.explain.what_if import Change
from mmskin.features import photo_title
from mmskin.reminder import NOT_A_DIAGNOSIS
from mmskin.report.explanation_figures import explanation_figures, part_title, word_colours, word_signs
from mmskin.report.explanation_sentences import NO_FLIP, NOT_RECORDED, method_sentences, sentences
from mmskin.report.metric_figures import png
from mmskin.report.numbers import number, percent, points
from mmskin.report.pages import Grid, anchors, render, write_page
from mmskin.report.pictures import data_url
from mmskin.sentence import Sentence, all_of

HERE = Path(__file__).parent
HEADING = re.compile("<h2>(.*?)</h2>")
STYLE = HERE / "explanation.css"
PRIVATE = "This page holds what a patient showed and said: keep it where their record may be kept."
SIDE = 640  # pixels of the longer side of photo and map
MOST_FLIPS = 6
Say = Callable[[str], str]


class Bar(NamedTuple):
    """A value in words, with the share of a bar's length, −1 to 1."""

    title: str
    text: str
    share: float


class MappedPhoto(NamedTuple):
    """A photo as a data URL, with what it is called, and its heat map at the same size; "" where there is none."""

    title: str
    photo: str
    heat: str


class Word(NamedTuple):
    """A word of the note on its colour; sign: + or − if it counts, else ""."""

    word: str
    colour: str
    sign: str
    points: str


def explanation_html(explanation: Explanation, *, heading: str = "h2", say: Say = str) -> str:
    """Everything that an explanation says, as a part of a page; what comes from the case is escaped.

    Args:
        explanation: its photos may be exchanged for larger ones of the same scene.
        heading: the tag of its headings.
        say: words it in the language of the page; English if left out.
    """
    alone = _alone(explanation)
    both_alone = Sentence("Photo alone, history alone, both")
    columns = [
        Sentence("Nothing known"),
        *(Sentence("{part} alone", part=name.capitalize()) for name in alone),
        Sentence("Everything"),
    ]
    return render(
        HERE / "explanation.html.jinja",
        say=saying(say),
        h=heading,
        target=say(explanation.title(explanation.target)),
        sentences=map(say, sentences(explanation)),
        columns=list(map(say, columns)),
        compared=say(both_alone if set(alone) <= {"photo", "history"} else Sentence("Each alone, and together")),
        classes=[(say(name), bars) for name, bars in _classes(explanation)],
        parts=_ranked({say(part_title(part)): (value, 0.0) for part, value in explanation.shares.points.items()}),
        maps=list(_maps(explanation, say)),
        map_notes=list(map(say, map_notes(explanation))),
        words=words_of(explanation),
        fields=fields_of(explanation, say),
        flips=_said(_flips(explanation), say),
        no_flip=say(NO_FLIP),
        ranges=_said(_ranges(explanation), say) if explanation.changes else None,
        methods=map(say, method_sentences(explanation)),
    )


def saying(say: Say) -> Callable[..., str]:
    """What templates call: a sentence from its template and values, in the language of the page."""
    return lambda template, **values: say(Sentence(template, **values))


def _said(grid: Grid, say: Say) -> Grid:
    """A table in the language of the page."""
    rows = [[say(cell) for cell in row] for row in grid.rows]
    head = [say(cell) for cell in grid.head]
    return grid._replace(title=say(grid.title), head=head, rows=rows, note=say(grid.note))


def explanation_page(explanation: Explanation) -> str:
    """One HTML file that needs nothing else."""
    start, *rest = map(Markup, HEADING.split(explanation_html(explanation)))
    ids = anchors([title.unescape() for title in rest[::2]])
    return render(
        HERE / "explanation_page.html.jinja",
        title="Why the model answers as it does",
        warning=f"{NOT_A_DIAGNOSIS} {PRIVATE}",
        style=Markup(STYLE.read_text(encoding="utf-8")),
        answer=sentences(explanation)[0],
        titles=dict(zip(ids, rest[::2], strict=True)),
        start=start,
        parts=list(zip(ids, rest[::2], rest[1::2], strict=True)),
        remarks=explanation.remarks,
    )


def notebook_frame(explanation: Explanation) -> str:
    """The page in a frame of its own, so that neither its style nor a patient's words reach the notebook."""
    page = html.escape(explanation_page(explanation))
    return f'<iframe sandbox srcdoc="{page}" style="width:100%;height:48rem;border:0"></iframe>'


def write_explanation(explanation: Explanation, folder: Path) -> Path:
    """Write explanation.html, explanation.json and the figures as PNG; the folder is made. Returns the page."""
    content = {"sentences": sentences(explanation), **explanation.to_json()}
    page = write_page(folder / "explanation.html", explanation_page(explanation), content)
    for name, figure in explanation_figures(explanation).items():
        (folder / f"{name}.png").write_bytes(png(figure))
    for kind, heatmap in explanation.heatmaps.items():
        heatmap.save(folder / f"{photo_title(kind).replace('photo', 'heatmap').replace(' ', '_')}.png")
    return page


def words_of(explanation: Explanation) -> list[Word]:
    """The note, word by word; [] where the model read none."""
    words = explanation.words
    if words is None:
        return []
    printed = [points(value) for value in words.values]
    return list(map(Word, words.words, word_colours(words), word_signs(words), printed))


def fields_of(explanation: Explanation, say: Say = str) -> list[Bar]:
    """The recorded fields, the strongest first; a drawn value with twice its standard error."""
    if explanation.fields is None:
        return []
    fields = explanation.fields.fields
    named = {field.name: say(Sentence("{field}: {value}", field=field.title, value=field.value)) for field in fields}
    return _ranked({named[field.name]: (field.points, 2 * field.error) for field in fields})


def _ranked(values: Mapping[str, tuple[float, float]]) -> list[Bar]:
    """Values with their errors: the strongest first, with the longest bar."""
    largest = max((abs(value) for value, _ in values.values()), default=0.0) or 1.0
    ranked = sorted(values.items(), key=lambda item: -abs(item[1][0]))
    return [
        Bar(title, points(value) + (f" ± {number(100 * error, digits=1)}" if error else ""), value / largest)
        for title, (value, error) in ranked
    ]


def _alone(explanation: Explanation) -> Mapping[str, Mapping[str, float]]:
    """The answers to each kind of photo and to the history alone, where two of them are there."""
    alone = explanation.shares.alone
    return alone if len(alone) > 1 else {}


def _classes(explanation: Explanation) -> list[tuple[str, list[Bar]]]:
    """By class, a bar for nothing, for each part alone and for everything."""
    columns = (explanation.nothing, *_alone(explanation).values(), explanation.probabilities)
    return [
        (explanation.title(name), [Bar("", percent(column[name]), column[name]) for column in columns])
        for name in explanation.probabilities
    ]


def _flips(explanation: Explanation) -> Grid:
    """The smallest changes of single fields after which another class is the most likely."""
    rows = [
        [change.title, change.was or NOT_RECORDED, change.now, _answer(explanation, change)]
        for change in explanation.flips[:MOST_FLIPS]
    ]
    note = Sentence("What the model would answer, not what would be true of another patient. One field at a time.")
    head = [Sentence("Field"), Sentence("Now"), Sentence("If it were"), Sentence("The answer")]
    return Grid("", head, rows, note)


def _ranges(explanation: Explanation) -> Grid:
    """One row a field: where its other values would bring the explained class."""
    target = explanation.target
    rows = []
    for _, group in groupby(explanation.changes, key=lambda change: change.field):
        changes = sorted(group, key=lambda change: change.probabilities[target])
        ends = [
            Sentence("{field}: {value}", field=change.now, value=percent(change.probabilities[target]))
            for change in (changes[0], changes[-1])
        ]
        rows.append([changes[0].title, changes[0].was or NOT_RECORDED, *ends])
    title = Sentence("{title} under other values of every field", title=explanation.title(target))
    head = [Sentence("Field"), Sentence("Now"), Sentence("Lowest with"), Sentence("Highest with")]
    return Grid(title, head, rows, folded=True)


def _answer(explanation: Explanation, change: Change) -> str:
    share = percent(change.probabilities[change.top])
    return Sentence("{title} ({share})", title=explanation.title(change.top), share=share)


def _maps(explanation: Explanation, say: Say) -> Iterator[MappedPhoto]:
    """The photos, each with its map; none where no photo has one."""
    for kind, photo in explanation.photos.items() if explanation.photo_maps else ():
        large, found = _enlarged(photo), explanation.photo_maps.get(kind)
        heat = "" if found is None else data_url(found.over(large, opacity=1.0), side=SIDE)
        yield MappedPhoto(say(photo_title(kind)), data_url(large, side=SIDE), heat)


def map_notes(explanation: Explanation) -> list[str]:
    """What has to be said beside the maps, once; of which photo, where it is not true of all that have a map."""
    maps = explanation.photo_maps
    kinds_of: dict[str, list[str]] = {}
    for kind, found in maps.items():
        for note in found.notes:
            kinds_of.setdefault(note, []).append(kind)
    return [
        note
        if len(kinds) == len(maps)
        else Sentence("{photo}: {line}", photo=all_of(list(map(photo_title, kinds))), line=note)
        for note, kinds in kinds_of.items()
    ]


def _enlarged(photo: Image.Image) -> Image.Image:
    """The photo at the size of the page: a map over a small one would be blocky."""
    scale = SIDE / max(photo.size)
    size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    return photo.convert("RGB").resize(size, Image.Resampling.BICUBIC)
