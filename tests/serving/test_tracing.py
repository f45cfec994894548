from __future__ import annotations

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.testclient import TestClient


def test_a_request_is_a_span_with_its_stages(http: TestClient) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    http.post("/v1/recommendations", json={"user_id": "2"})
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert "POST /v1/recommendations" in spans
    told = [event for span in spans.values() for event in span.events]
    assert [event.name for event in told][:2] == ["candidates", "rank"]
    assert told[1].attributes is not None
    assert told[1].attributes["items"] == 28  # Of 40 those that this person has not acted on.
