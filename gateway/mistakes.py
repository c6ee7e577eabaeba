"""What is wrong in a configuration, in plain words and with a remedy, out of what pydantic found.

Works for any pydantic model, so the settings and the policy speak alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Location = tuple[int | str, ...]


def explain(
    problem: ValidationError, model: type[BaseModel], where: str, from_environment: Mapping[str, str] | None = None
) -> list[str]:
    """One line a mistake: where it stands, what is wrong, how to mend it.

    ``where`` names the file; ``from_environment`` tells which settings (by key) came from which variable instead.
    """
    errors = problem.errors(include_url=False)
    wrong = [error["loc"] for error in errors]
    lines = []
    for error in errors:
        location = error["loc"]
        if any(len(other) > len(location) and other[: len(location)] == location for other in wrong):
            continue  # a container that is only wrong because of what is in it
        variable = (from_environment or {}).get(key_of(location[:2]))
        place = f"environment: {variable}" if variable else ": ".join(filter(None, (where, key_of(location))))
        lines += [f"{place}: {line}" for line in _words(error, model).splitlines()]
    return lines


def key_of(location: Location) -> str:
    """``("mailbox", 0, "addresses")`` as ``mailbox[1].addresses``: people count from one."""
    return "".join(f"[{p + 1}]" if isinstance(p, int) else f".{p}" for p in location).removeprefix(".")


def section_model(annotation: Any) -> type[BaseModel] | None:
    """The model inside ``Model``, ``Model | None`` or ``tuple[Model, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for inner in get_args(annotation) if (model := section_model(inner))), None)


def setting_names(model: type[BaseModel]) -> tuple[str, ...]:
    """A section's settings as they are written in the file."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _words(error: ErrorDetails, model: type[BaseModel]) -> str:
    value, context = _shown(error), error.get("ctx", {})
    match error["type"]:
        case "value_error":
            return error["msg"].removeprefix("Value error, ")
        case "extra_forbidden":
            return _unknown(error["loc"], model)
        case "missing":
            return _missing(error["loc"], model)
        case "int_type" | "int_parsing" | "int_from_float":
            return f"{value} is no whole number; write it as 10"
        case "float_type" | "float_parsing" | "finite_number":
            return f"{value} is no number; write it as 2.5"
        case "bool_type" | "bool_parsing":
            return f"{value} is neither yes nor no; write true or false"
        case "greater_than":
            return f"{value} is too small; it must be more than {context['gt']}"
        case "greater_than_equal":
            return f"{value} is too small; the least is {context['ge']}"
        case "less_than_equal":
            return f"{value} is too big; the most is {context['le']}"
        case "literal_error" | "enum":
            return f"{value} is not known; use one of {context['expected']}"
        case "string_type" | "path_type":
            return f"{value} is no text; put it in quotes"
        case "string_too_short" | "too_short":
            return "is empty; fill it in"
        case "tuple_type" | "list_type":
            return _no_list(error["loc"], error["input"])
        case "dict_type" | "model_type" | "model_attributes_type":
            return f"{value} is no section; write [{key_of(error['loc'])}] and its settings below"
    return f"{value} is wrong: {error['msg']}"


def _shown(error: ErrorDetails) -> str:
    if any(word in str(error["loc"][-1:]) for word in ("password", "secret", "refresh_token")):
        return "what stands there"
    return repr(error["input"])


def _unknown(location: Location, model: type[BaseModel]) -> str:
    names = setting_names(_around(location, model))
    near = get_close_matches(str(location[-1]), names, n=1)
    if near:
        return f"there is no such setting; did you mean {near[0]}?"
    return f"there is no such setting; known here: {', '.join(sorted(names))}"


def _missing(location: Location, model: type[BaseModel]) -> str:
    fields = _around(location, model).model_fields
    inner = section_model(fields[name].annotation) if (name := str(location[-1])) in fields else None
    if inner is None:
        return "is missing; add it"
    needed = [key for key, field in inner.model_fields.items() if field.is_required()]
    return f"is missing; add a section [[{name}]] with {' and '.join(needed)}"


def _no_list(location: Location, value: object) -> str:
    if isinstance(value, dict):
        return f"is a single section; write [[{location[-1]}]] with two brackets, for there may be several"
    return f"{value!r} is no list; write it in brackets: [...]"


def _around(location: Location, model: type[BaseModel]) -> type[BaseModel]:
    """The section that holds the setting at ``location``."""
    for piece in location[:-1]:
        field = model.model_fields.get(str(piece))
        model = (section_model(field.annotation) if field else None) or model
    return model
