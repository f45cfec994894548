"""What a shop wants and does not want in its lists."""

from foretaste.ranking.rules.availability import availability
from foretaste.ranking.rules.language import Rule, RuleError, parse_rule
from foretaste.ranking.rules.placement import Pin, Placement, Promotion
from foretaste.ranking.rules.rules import BoundRules, Rules, ask_about_events, check_parameters
from foretaste.ranking.rules.seen import SeenConfig, SeenItems

__all__ = [
    "BoundRules",
    "Pin",
    "Placement",
    "Promotion",
    "Rule",
    "RuleError",
    "Rules",
    "SeenConfig",
    "SeenItems",
    "ask_about_events",
    "availability",
    "check_parameters",
    "parse_rule",
]
