"""Alarms and their page speak of metrics that exist, with labels that exist, and leave none out."""

from __future__ import annotations

import re

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from lab.processes import ROOT
from smsqueue.core.lateness import Lateness
from smsqueue.core.states import Reason, State
from smsqueue.core.submission import SendStatus
from smsqueue.privacy.log import EventName
from smsqueue.store import gauges
from workers.beat import Beat
from workers.metrics import ROLES, SCOPES, exposition

RULES = [
    rule
    for group in yaml.safe_load((ROOT / "config/alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]  # fmt: skip
PAGE = (ROOT / "docs/operating.md").read_text()
NAME = re.compile(r"smsqueue_[a-z_]+")


@pytest.fixture
def shown(store):
    """The labels and values of every metric of one scrape, once each counter has something to count."""
    for role in ROLES:
        Beat(store, role).beat()
    gauges.tell_key(store, "k2026-01-01")
    fields = ["doubt|otp", "lost|otp", "held|retry|otp", "lease|dispatch.otp", "lease|wire:twilio.otp"]
    fields += [f"late|{how}|twilio|US" for how in Lateness]
    fields += [f"told|{state}|{reason}|otp|twilio" for state in State for reason in Reason]
    for field in fields:
        store.redis.hincrby(store.keys.tally, field, 1)
    found: dict[str, dict[str, set[str]]] = {}
    for family in text_string_to_metric_families(exposition(store).decode()):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return found


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alarm_asks_for_what_a_scrape_shows(shown, rule):
    expression = rule["expr"]
    assert NAME.findall(expression)
    for name in NAME.findall(expression):
        assert name in shown
    for name, selectors in re.findall(r"(smsqueue_[a-z_]+)\{([^}]*)\}", expression):
        for label, operator, value in re.findall(r'(\w+)(=~|!=|=)"([^"]*)"', selectors):
            for wanted in value.split("|") if operator == "=~" else [value]:
                assert wanted in shown[name][label]
    for group in re.findall(r"by \(([^)]*)\)", expression):
        names = [shown[name] for name in NAME.findall(expression)]
        assert all(label in labels for labels in names for label in group.split(", "))
    assert expression.count("(") == expression.count(")")
    assert rule["labels"]["severity"] in {"page", "ticket"}


def test_every_alarm_has_its_paragraph_and_every_paragraph_its_alarm():
    told = {name for line in PAGE.splitlines() if line.startswith("**") for name in re.findall(r"\*\*(\w+)\*\*", line)}

    assert {rule["alert"] for rule in RULES} == told


def test_the_page_names_every_metric_and_no_other(shown):
    ours = {re.sub(r"(?<=smsqueue_provider_seconds)_(bucket|sum|count)$", "", name) for name in shown}

    assert set(NAME.findall(PAGE)) == ours


def test_what_the_page_says_of_labels_is_so(shown):
    assert shown["smsqueue_processes"]["role"] == set(ROLES)
    assert shown["smsqueue_pauses"]["scope"] == set(SCOPES)
    assert shown["smsqueue_provider_results_total"]["status"] == set(SendStatus)
    assert shown["smsqueue_worker_events_total"]["event"] == set(EventName)
