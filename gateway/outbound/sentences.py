"""The sentences of our own that mails tell staff, by language: ``sentences.toml``, from the English form to another."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from gateway.model import Said

FILE = "sentences.toml"
_PLACE = re.compile(r"\{(?:!r)?\}")


def read(path: Path) -> dict[str, str]:
    """The file's sentences. Raises ValueError, with the file, where it is no such file."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise ValueError(f"{path}: {problem}") from None
    if wrong := next((form for form, text in table.items() if not isinstance(text, str)), None):
        raise ValueError(f"{path}: {wrong!r} is to be text in quotation marks")
    return table


def mistakes(path: Path, known: Collection[str]) -> Iterator[str]:
    """One line for each, of an operator's file; ``known`` are the English forms that there are."""
    try:
        table = read(path)
    except ValueError as problem:
        yield str(problem)
        return
    for form, text in table.items():
        if form not in known:
            yield f"{path}: {form!r} is none of our sentences; those of {FILE} in de are known"
        elif not _fits(form, text):
            yield f"{path}: {text!r} must have the same {{}} and {{!r}}, in the same order, as {form!r}"


def say(sentence: str, forms: Mapping[str, str]) -> str:
    """A ``Said`` with its form, and those of the sentences in it, as ``forms`` has them; other text as it is."""
    if not isinstance(sentence, Said):
        return sentence
    form = forms.get(sentence.form, sentence.form)
    values = [say(value, forms) for value in sentence.values]
    return (form if _fits(sentence.form, form) else sentence.form).format(*values)


def _fits(form: str, text: str) -> bool:
    places = _PLACE.findall(text)
    return places == _PLACE.findall(form) and text.count("{") == text.count("}") == len(places)
