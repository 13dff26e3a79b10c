"""All commands, one file each."""

from __future__ import annotations

import typer

from smsqueue.cli import backlog, doctor, explain, keys, messages, pause, policy, recover, send_file

app = typer.Typer(
    name="smsqueue",
    help="Text messages at the right time or not at all, once, and unread on the way.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a traceback with locals would show numbers and texts
    add_completion=False,
)
app.command()(messages.send)
app.command("send-file")(send_file.send_file)
app.command()(messages.status)
app.command()(explain.explain)
app.command()(messages.cancel)
app.command()(pause.pause)
app.command()(pause.resume)
app.add_typer(policy.app, name="policy")
app.add_typer(keys.app, name="keys")
app.command()(backlog.backlog)
app.command()(doctor.doctor)
app.command()(recover.recover)
