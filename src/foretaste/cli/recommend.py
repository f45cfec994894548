"""`foretaste recommend`: what a saved model recommends, to whom, and what it saw of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foretaste.cli.output import JsonFlag, print_json, tell
from foretaste.cli.people import show_person
from foretaste.errors import InputError, UnknownIdError

if TYPE_CHECKING:
    from foretaste.data import Vocabulary


def recommend(
    run: Annotated[Path, typer.Argument(help="A run folder, as foretaste train writes it.")],
    users: Annotated[
        list[str] | None, typer.Option("--user", metavar="ID", help="A user; may be repeated.")
    ] = None,
    history: Annotated[
        str | None,
        typer.Option(
            metavar="ITEM,ITEM,...", help="Instead: items somebody new acted on, in order."
        ),
    ] = None,
    k: Annotated[int, typer.Option("-k", help="Items a person.")] = 10,
    lenient: Annotated[
        bool, typer.Option("--lenient", help="Pass over unknown ids, and count them.")
    ] = False,
    parameters: Annotated[
        list[str] | None,
        typer.Option("--param", metavar="NAME=VALUE", help="Of the rules: $NAME; may be repeated."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Recommend items, with titles, and say what was seen of each person.

    foretaste recommend runs/first --user 42 -k 10
    foretaste recommend runs/first --user 42 --user 43 --json
    foretaste recommend runs/first --history i7,i9
    foretaste recommend runs/first --user 42 --param max=20

    Rules, safety and diversity of the section 'ranking' of the run's configuration are applied.
    """
    from foretaste.artifacts import open_run
    from foretaste.pipeline import look_at_history, look_at_users, ranker_of

    if bool(users) == (history is not None):
        raise InputError("give either --user (once or more) or --history.", field="--user")
    saved = open_run(run)
    model = saved.model
    if lenient:
        k = min(k, len(model.item_vocabulary))
    ranker = ranker_of(saved)
    if parameters and ranker is None:
        raise InputError("the run has no section 'ranking' with rules.", field="--param")
    ranking: dict[str, Any] = {"ranker": ranker, "parameters": _values(parameters or [])}
    if history is None:
        known = _known(model.user_vocabulary, users or [], "--user", lenient)
        people = look_at_users(model, saved.items, known, k, **ranking)
    else:
        known = _known(model.item_vocabulary, _listed(history), "--history", lenient)
        people = [look_at_history(model, saved.items, known, k, **ranking)]
    if json:
        print_json({"run": run, "people": [person.to_dict() for person in people]})
        return
    for person in people:
        show_person(person)


def _values(parameters: list[str]) -> dict[str, Any]:
    """The values of ``name=value``, each written as in YAML."""
    import yaml

    values: dict[str, Any] = {}
    for given in parameters:
        name, equals, text = given.partition("=")
        try:
            values[name.strip()] = yaml.safe_load(text)
        except yaml.YAMLError:
            equals = ""
        if not equals or not name.strip():
            raise InputError(f"'{given}' is not of the form name=value.", field="--param")
    return values


def _listed(history: str) -> list[str]:
    return [item.strip() for item in history.split(",") if item.strip()]


def _known(vocabulary: Vocabulary, ids: list[str], option: str, lenient: bool) -> list[str]:
    """Those of `ids` that the model knows; without leniency, all of them or an error."""
    codes = vocabulary.encode(ids)
    unknown = [given for given, code in zip(ids, codes, strict=True) if code == 0]
    if unknown and not lenient:
        raise UnknownIdError(
            f"the model does not know {unknown[0]!r}.",
            field=option,
            hint=f"The ids it knows look like '{vocabulary.ids[0]}'; "
            "--lenient passes over those it does not.",
        )
    if unknown:
        tell(f"Passed over {len(unknown)} of {len(ids)} ids of {option}: unknown.")
    return [given for given, code in zip(ids, codes, strict=True) if code != 0]
