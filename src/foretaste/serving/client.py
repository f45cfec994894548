"""A client of the service in Python, and its asynchronous twin."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel

from foretaste.errors import ForetasteError, InputError, UnknownIdError
from foretaste.serving.api.schemas import (
    CountOut,
    ErasureOut,
    EventsOut,
    ExplainOut,
    ItemsOut,
    ListOut,
    PredictOut,
    SearchOut,
    SuggestOut,
)

_Wire = TypeVar("_Wire", bound=BaseModel)
_AGAIN = {429, 502, 503, 504}
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 5.0


class ServiceError(ForetasteError):
    """The service could not answer, also after trying again."""


class _Calls:
    """What is called and how answers are read; the same for both clients."""

    def __init__(self, url: str, key: str | None, tries: int, timeout: float) -> None:
        if tries < 1:
            raise InputError("at least one try is needed.", field="tries")
        self._tries = tries
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._options: dict[str, Any] = {
            "base_url": url.rstrip("/"),
            "headers": headers,
            "timeout": timeout,
        }

    def _wait(self, attempt: int, response: httpx.Response | None) -> float:
        """Seconds before the next try: what the service asks for, or ever longer, by chance."""
        asked = None if response is None else response.headers.get("retry-after")
        if asked is not None and asked.isdigit():
            return min(float(asked), _LONGEST_WAIT)
        return random.uniform(0.5, 1) * min(_FIRST_WAIT * 2**attempt, _LONGEST_WAIT)  # noqa: S311


def _read(response: httpx.Response, kind: type[_Wire]) -> _Wire:
    if response.is_success:
        return kind.model_validate_json(response.content)
    try:
        error = response.json()["error"]
        message, field, hint = error["message"], error.get("field"), error.get("hint")
    except (ValueError, LookupError, TypeError):
        message, field, hint = f"the service answered {response.status_code}.", None, None
    if response.status_code == 404:
        raise UnknownIdError(message, field=field, hint=hint)
    if response.is_client_error:
        raise InputError(message, field=field, hint=hint)
    raise ServiceError(message, hint=hint)


@dataclass(frozen=True)
class _Call(Generic[_Wire]):
    """One request and the form of its answer."""

    method: str
    path: str
    answer: type[_Wire]
    body: Any = None
    query: Mapping[str, Any] | None = None

    def built(self, client: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        return client.build_request(self.method, self.path, json=self.body, params=self.query)


def _events(events: Iterable[Mapping[str, Any]]) -> _Call[EventsOut]:
    # With ids, so that trying again can't count an event twice.
    rows = [{"event_id": uuid.uuid4().hex, **event} for event in events]
    return _Call("POST", "/v1/events", EventsOut, {"events": rows})


def _list(person: Mapping[str, Any]) -> _Call[ListOut]:
    return _Call("POST", "/v1/recommendations", ListOut, dict(person))


def _ranked(items: Sequence[str | int], person: Mapping[str, Any]) -> _Call[ListOut]:
    return _Call("POST", "/v1/rank", ListOut, {"items": list(items), **person})


def _similar(item_id: str | int, k: int) -> _Call[ItemsOut]:
    return _Call("GET", f"/v1/similar/{quote(str(item_id), safe='')}", ItemsOut, query={"k": k})


def _searched(query: str, person: Mapping[str, Any]) -> _Call[SearchOut]:
    return _Call("POST", "/v1/search", SearchOut, {"query": query, **person})


def _suggested(typed: str, k: int) -> _Call[SuggestOut]:
    return _Call("GET", "/v1/suggest", SuggestOut, query={"typed": typed, "k": k})


def _explained(item_id: str | int, person: Mapping[str, Any]) -> _Call[ExplainOut]:
    return _Call("POST", "/v1/explain", ExplainOut, {"item_id": item_id, **person})


def _predicted(pairs: Iterable[Mapping[str, Any]]) -> _Call[PredictOut]:
    return _Call("POST", "/v1/predict", PredictOut, {"pairs": [dict(pair) for pair in pairs]})


def _items(items: Mapping[str | int, Mapping[str, Any]]) -> _Call[CountOut]:
    rows = [{"id": item, "fields": dict(fields)} for item, fields in items.items()]
    return _Call("POST", "/v1/items", CountOut, {"items": rows})


def _erased(user_id: str | int) -> _Call[ErasureOut]:
    return _Call("DELETE", f"/v1/users/{quote(str(user_id), safe='')}", ErasureOut)


class Client(_Calls):
    """Calls a service; what fails for the moment is tried again, ever later.

    Every method raises `InputError` (or `UnknownIdError`) for what the service finds wrong with
    the request, and `ServiceError` where there is no answer after all tries.

    Args:
        url: Where the service is, as "http://127.0.0.1:8080".
        key: A key, where it wants one.
        tries: Of each call, the first included.
        timeout: Seconds for each try.
    """

    def __init__(
        self, url: str, key: str | None = None, *, tries: int = 4, timeout: float = 10.0
    ) -> None:
        super().__init__(url, key, tries, timeout)
        self._http = httpx.Client(**self._options)

    def send_events(self, events: Iterable[Mapping[str, Any]]) -> EventsOut:
        """Sends events, each with `user_id`, `item_id` and what else `EventIn` has."""
        return self._answer(_events(events))

    def recommend(self, **person: Any) -> ListOut:
        """A list; takes what `RecommendIn` has: `user_id` or `history`, `k` and others."""
        return self._answer(_list(person))

    def rank(self, items: Sequence[str | int], **person: Any) -> ListOut:
        """Given items in the order that suits somebody."""
        return self._answer(_ranked(items, person))

    def similar(self, item_id: str | int, k: int = 10) -> ItemsOut:
        """Items like an item."""
        return self._answer(_similar(item_id, k))

    def search(self, query: str, **person: Any) -> SearchOut:
        """Items for words; takes what `SearchIn` has."""
        return self._answer(_searched(query, person))

    def suggest(self, typed: str, k: int = 8) -> SuggestOut:
        """Completions of what is typed."""
        return self._answer(_suggested(typed, k))

    def explain(self, item_id: str | int, **person: Any) -> ExplainOut:
        """Why somebody would be shown an item."""
        return self._answer(_explained(item_id, person))

    def predict(self, pairs: Iterable[Mapping[str, Any]]) -> PredictOut:
        """How likely people are to act on items."""
        return self._answer(_predicted(pairs))

    def put_items(self, items: Mapping[str | int, Mapping[str, Any]]) -> CountOut:
        """Adds or changes items; fields by id."""
        return self._answer(_items(items))

    def erase_user(self, user_id: str | int) -> ErasureOut:
        """Has a person forgotten."""
        return self._answer(_erased(user_id))

    def close(self) -> None:
        """Gives connections back."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _answer(self, call: _Call[_Wire]) -> _Wire:
        for attempt in range(self._tries):
            response = None
            try:
                response = self._http.send(call.built(self._http))
            except httpx.TransportError as error:
                if attempt + 1 == self._tries:
                    raise ServiceError(f"the service can't be reached: {error}.") from None
            if response is not None and (
                response.status_code not in _AGAIN or attempt + 1 == self._tries
            ):
                return _read(response, call.answer)
            time.sleep(self._wait(attempt, response))
        raise AssertionError("the last try returns or raises")


class AsyncClient(_Calls):
    """`Client` for asynchronous code; the same methods, to be awaited.

    Args:
        url: As of `Client`, and so are the others.
        key: Likewise.
        tries: Likewise.
        timeout: Likewise.
    """

    def __init__(
        self, url: str, key: str | None = None, *, tries: int = 4, timeout: float = 10.0
    ) -> None:
        super().__init__(url, key, tries, timeout)
        self._http = httpx.AsyncClient(**self._options)

    async def send_events(self, events: Iterable[Mapping[str, Any]]) -> EventsOut:
        """See `Client.send_events`."""
        return await self._answer(_events(events))

    async def recommend(self, **person: Any) -> ListOut:
        """See `Client.recommend`."""
        return await self._answer(_list(person))

    async def rank(self, items: Sequence[str | int], **person: Any) -> ListOut:
        """See `Client.rank`."""
        return await self._answer(_ranked(items, person))

    async def similar(self, item_id: str | int, k: int = 10) -> ItemsOut:
        """See `Client.similar`."""
        return await self._answer(_similar(item_id, k))

    async def search(self, query: str, **person: Any) -> SearchOut:
        """See `Client.search`."""
        return await self._answer(_searched(query, person))

    async def suggest(self, typed: str, k: int = 8) -> SuggestOut:
        """See `Client.suggest`."""
        return await self._answer(_suggested(typed, k))

    async def explain(self, item_id: str | int, **person: Any) -> ExplainOut:
        """See `Client.explain`."""
        return await self._answer(_explained(item_id, person))

    async def predict(self, pairs: Iterable[Mapping[str, Any]]) -> PredictOut:
        """See `Client.predict`."""
        return await self._answer(_predicted(pairs))

    async def put_items(self, items: Mapping[str | int, Mapping[str, Any]]) -> CountOut:
        """See `Client.put_items`."""
        return await self._answer(_items(items))

    async def erase_user(self, user_id: str | int) -> ErasureOut:
        """See `Client.erase_user`."""
        return await self._answer(_erased(user_id))

    async def close(self) -> None:
        """Gives connections back."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _answer(self, call: _Call[_Wire]) -> _Wire:
        for attempt in range(self._tries):
            response = None
            try:
                response = await self._http.send(call.built(self._http))
            except httpx.TransportError as error:
                if attempt + 1 == self._tries:
                    raise ServiceError(f"the service can't be reached: {error}.") from None
            if response is not None and (
                response.status_code not in _AGAIN or attempt + 1 == self._tries
            ):
                return _read(response, call.answer)
            await asyncio.sleep(self._wait(attempt, response))
        raise AssertionError("the last try returns or raises")
