"""What a service measures of itself, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Measures:
    """Counters and clocks of one service, in a registry of its own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.requests = Counter(
            "foretaste_requests", "Requests.", ["route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "foretaste_request_seconds",
            "Time to answer.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.stage_seconds = Histogram(
            "foretaste_stage_seconds",
            "Time of a stage of an answer.",
            ["stage"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.waiting_seconds = Histogram(
            "foretaste_waiting_seconds",
            "Time before a model took a request up.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.batch_size = Histogram(
            "foretaste_batch_size",
            "Requests answered together.",
            buckets=(1, 2, 4, 8, 16, 32),
            registry=registry,
        )
        self.events = Counter(
            "foretaste_events", "Events that came.", ["result"], registry=registry
        )
        self.answers = Counter(
            "foretaste_answers", "Lists that were given.", ["source", "degraded"], registry=registry
        )
        self.score = Histogram(
            "foretaste_top_score",
            "Score of the first item of a list.",
            buckets=(-8, -4, -2, -1, 0, 1, 2, 4, 8, 16, 32),
            registry=registry,
        )
        self.history_length = Histogram(
            "foretaste_history_events",
            "Known actions of a person who is answered.",
            buckets=(0, 1, 2, 5, 10, 20, 50, 100, 200),
            registry=registry,
        )
        self.drift = Gauge(
            "foretaste_drift",
            "Population stability index of what a model sees and says, against what it learnt.",
            ["what", "model"],
            registry=registry,
        )
        self.errors = Counter(
            "foretaste_errors", "What went wrong inside.", ["part"], registry=registry
        )
        self.queue_depth = Gauge(
            "foretaste_queue_depth", "Requests that wait.", ["queue"], registry=registry
        )
        self.model_age = Gauge(
            "foretaste_model_age_seconds", "Since the live model was loaded.", registry=registry
        )

    def text(self) -> bytes:
        """All of it in Prometheus' format."""
        return generate_latest(self.registry)
