"""The commands, as an operator types them: real processes, real server."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from lab.system import POLICY
from smsqueue.keyring import KEYRING_FILE, SUBJECT_FILE

pytestmark = pytest.mark.slow


@pytest.fixture
def run(server, store, tmp_path):
    """Run a command against the store with keys of its own; returns exit status, output and errors."""
    keys = tmp_path / "keys"
    env = {
        **os.environ,
        "SMSQUEUE_REDIS_URL": server.url,
        "SMSQUEUE_KEYRING_FILE": str(keys / KEYRING_FILE),
        "SMSQUEUE_SUBJECT_FILE": str(keys / SUBJECT_FILE),
    }

    def command(*words: str, **changed: str):
        done = subprocess.run(
            [sys.executable, "-m", "smsqueue.cli", *words],
            env={**env, **changed}, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    assert command("keys", "init", str(keys))[0] == 0
    return command


def sent(run, *words):
    status, out, err = run("send", "+1 202 555 0123", "Hello.", "--category", "alert", "--json", *words)
    assert status == 0, err
    return json.loads(out)


def test_send_status_explain_and_cancel(run):
    id = sent(run)["id"]

    assert "queued" in run("status", id)[1]
    assert "nothing stood in the way" in run("explain", id)[1]
    assert run("cancel", id)[:2] == (0, f"id                  result   \n{id}  cancelled\n")
    assert json.loads(run("status", id, "--json")[1])["state"] == "cancelled"
    assert run("cancel", id)[0] == 1


def test_who_only_asks_and_withdraws_needs_no_keys(run):
    id = sent(run, "--campaign", "spring")["id"]
    keyless = {"SMSQUEUE_KEYRING_FILE": "", "SMSQUEUE_SUBJECT_FILE": ""}

    assert "queued" in run("status", id, **keyless)[1]
    assert "nothing stood in the way" in run("explain", id, **keyless)[1]
    assert run("explain", "+1 202 555 0123", "--category", "alert", **keyless)[0] == 0
    assert "withdrawn" in run("cancel", "--campaign", "spring", **keyless)[1]
    assert "cancelled" in run("cancel", id, **keyless)[1]
    assert (
        "SMSQUEUE_KEYRING_FILE is not set" in run("send", "+1 202 555 0123", "Hi", "--category", "alert", **keyless)[2]
    )


def test_a_command_that_stops_waits_for_replicas_too(run):
    status, _, err = run("pause", "lane", "otp", SMSQUEUE_REPLICAS="one")

    assert status == 1
    assert "SMSQUEUE_REPLICAS is the number" in err


def test_explain_tells_for_a_number_when_it_would_go_and_by_which_rules(run):
    at = ("--at", "2026-11-25T03:00:00+00:00")
    status, out, err = run("explain", "+1 850 555 0123", "--category", "promotional", *at)

    assert (status, err) == (0, "")
    for said in (
        "held until 2026-11-25 14:01:00 UTC or up to 30m later, as its id decides: in some place where", "it is quiet,",
        "name the recipient's timezone with the message",
        "US-FL", "America/New_York, America/Chicago", "by the number's prefix", "3 messages to one recipient",
        "us-fl", "Mo-Su 08:00-20:00", "Tue 24 Nov", "closed", "09:01-19:59",
    ):  # fmt: skip
        assert said in out, said
    assert "5550123" not in out.replace(" ", "")

    row = json.loads(run("explain", "+1 850 555 0123", "--category", "promotional", *at, "--json")[1])
    assert (row["reason"], row["goes"], row["spread"]) == ("quiet_hours", "2026-11-25T14:01:00+00:00", 1800)
    assert [rule["id"] for rule in row["rules"]] == ["us", "us-fl"]


def test_a_narrow_window_leaves_an_id_whole(run):
    id = sent(run)["id"]

    assert id in run("status", id, COLUMNS="80")[1]


def test_neither_number_nor_text_is_printed(run):
    status, out, err = run("send", "+1 202 555 0123", "QZXSECRET", "--category", "nonsense")

    assert status == 1
    assert "category: the policy knows" in err
    assert "QZXSECRET" not in out + err
    assert "5550123" not in (out + err).replace(" ", "")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(["status", "no-such-id"], "id: an id has 18 characters", id="an id that is none"),
        pytest.param(["explain", "00AAAAAAAAAAAAAAAA", "--region", "GB"], "--category is needed", id="half a question"),
        pytest.param(
            ["explain", "+12025550123"], "say which category: --category service", id="a number, and no category"
        ),
        pytest.param(["keys", "init", "/proc/keys"], "could not be written there", id="keys where nobody may write"),
        pytest.param(["explain", "12", "--category", "otp"], "to: ", id="no number to explain"),
        pytest.param(["explain", "+12025550123", "--category", "x"], "category: the policy knows", id="no category"),
        pytest.param(["explain", "00AAAAAAAAAAAAAAAA"], "id: the store does not know it", id="an id nobody knows"),
        pytest.param(["pause", "lane", "gossip"], "lane: the policy knows", id="pausing a lane nobody knows"),
        pytest.param(["resume", "lane", "otp"], "lane: otp is not paused", id="resuming what is not paused"),
        pytest.param(
            ["cancel", "--campaign", "sprng"], "no message of a campaign of this name", id="a mistyped campaign"
        ),
        pytest.param(["cancel"], "give ids, or --campaign", id="cancelling nothing"),
        pytest.param(["policy", "check", "nowhere.toml"], "there is no such file", id="a policy that is not there"),
        pytest.param(["send-file", "nowhere.csv"], "path: there is no such file", id="a file that is not there"),
        pytest.param(["send-file", "."], "path: it is a folder", id="a folder instead of a file"),
    ],
)
def test_wrong_input_is_a_sentence_and_nothing_changes(run, words, sentence):
    status, _, err = run(*words)

    assert status == 1
    assert sentence in err
    assert "Traceback" not in err


def test_without_settings_or_policy_the_sentence_says_what_to_do(run, store):
    assert "SMSQUEUE_REDIS_URL is not set" in run("doctor", SMSQUEUE_REDIS_URL="")[2]
    assert "smsqueue keys init" in run("keys", "show", SMSQUEUE_KEYRING_FILE="/nowhere")[2]
    store.redis.flushall()
    assert "smsqueue policy apply" in run("send", "+12025550123", "Hi.", "--category", "otp")[2]


def test_a_server_that_keeps_nothing_on_disk_is_refused(run, broker):
    _, _, err = run("send", "+12025550123", "Hi.", "--category", "otp", SMSQUEUE_REDIS_URL=broker.url)

    assert "Set `appendonly yes`" in err


def test_a_policy_that_fails_is_never_applied(run, tmp_path):
    bad = tmp_path / "bad.toml"
    bad.write_text('[categories.otp]\nvalidty = "5m"\n')
    before = run("policy", "show")[1]

    status, _, err = run("policy", "apply", str(bad))

    assert status == 1
    assert "bad.toml" in err
    assert "categories.otp.validty" in err
    assert run("policy", "show")[1] == before
    assert run("policy", "check", str(POLICY))[0] == 0


FILE = """to,text,category,order
+12025550123,Your parcel is here.,alert,A1
+12025550124,"Größe, ""L"" ist da",alert,A2
call me,Hello,alert,A3
+12025550125,,alert,A4
+12025550126,too few columns
"""


def test_a_file_is_accepted_once_however_often_it_is_sent(run, tmp_path, store):
    file = tmp_path / "messages.csv"
    file.write_text(FILE)

    status, out, _ = run("send-file", "messages.csv", "--campaign", "spring", "--json")
    assert status == 1  # rows were refused
    counted = {row["what"]: row["rows"] for row in map(json.loads, out.splitlines())}
    assert counted == {
        "accepted, queued": 2, "segments": 2, "refused, to: not_a_number": 1, "refused, text: empty": 1,
        "refused, row: malformed": 1,
    }  # fmt: skip
    refused = [json.loads(line) for line in (tmp_path / "messages.refused.jsonl").read_text().splitlines()]
    assert [(row["row"], row["rule"]) for row in refused] == [(3, "not_a_number"), (4, "empty"), (5, "malformed")]
    assert (tmp_path / "messages.refused.jsonl").stat().st_mode & 0o077 == 0

    again = run("send-file", "messages.csv", "--campaign", "spring", "--json")[1]
    assert json.loads(again.splitlines()[0])["what"] == "accepted, queued, accepted before"
    assert store.redis.zcard(store.keys.ready("dispatch.service")) == 2


def test_a_dry_run_tells_and_stores_nothing(run, tmp_path, store):
    (tmp_path / "messages.jsonl").write_text('{"to": "+12025550123", "text": "Hi.", "category": "alert"}\nnot json\n')

    status, out, _ = run("send-file", "messages.jsonl", "--dry-run")

    assert status == 1
    assert "Nothing was stored." in out
    assert store.redis.zcard(store.keys.ready("dispatch.service")) == 0


def test_backlog_shows_lanes_and_says_what_is_an_estimate(run):
    sent(run)

    status, out, err = run("backlog", "--json")

    rows = {row.get("what") or row["category"]: row for row in map(json.loads, out.splitlines())}
    assert status == 0, err
    assert (rows["service"]["open"], rows["otp"]["open"]) == (1, 0)
    assert rows["alert"] == {"category": "alert", "open": 1, "how": "counted", "samples": 1}
    assert "service" in run("backlog")[1]


def test_doctor_audits_on_demand_and_says_what_it_mended(run, store):
    id = sent(run)["id"]
    store.redis.zrem(store.keys.ready("dispatch.service"), id)

    mended, proved = (
        next(
            row for row in map(json.loads, run("doctor", "--audit", "--json")[1].splitlines()) if row["what"] == "audit"
        )
        for _ in range(2)
    )

    assert mended["state"] == "trouble"
    assert "1 were open without a home and got one" in mended["found"]
    assert proved == {
        "what": "audit", "state": "ok",
        "found": "1 envelopes, 1 places: 0 without a home, 0 orphans, 0 strays",
    }  # fmt: skip


def test_doctor_says_what_is_missing(run, broker):
    status, out, _ = run("doctor", "--json", SMSQUEUE_BROKER_URL=broker.url)

    findings = [json.loads(line) for line in out.splitlines()]
    assert status == 1  # no process is alive
    assert {f["state"] for f in findings if f["what"] in {"store", "broker", "keys", "clock", "policy"}} == {"ok"}
    assert any("python -m workers dispatch" in f["found"] for f in findings)


def test_doctor_says_which_provider_delivered_late(run, store):
    store.redis.hset(store.keys.tally, "late|in_quiet|twilio|IN", 2)

    assert "twilio delivered 2 in quiet hours in IN" in run("doctor")[1]


def test_doctor_says_which_provider_does_not_answer(run, store):
    assert "does not answer" not in run("doctor")[1]

    store.health("twilio", well=False, bad=20)

    assert "twilio does not answer: it is only probed" in run("doctor")[1]
