import smtplib
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest

from tests.fakes import Fakes, Step


def message(
    to: str = "ann@shop.example", number: str = "<d-1@shop.example>", text: str = "Hallo Ann – 10 % für dich"
) -> EmailMessage:
    found = EmailMessage()
    found["From"], found["To"], found["Subject"] = "Shop <news@shop.example>", to, "Grüße"
    found["Message-ID"], found["List-Unsubscribe"] = number, "<https://shop.example/u/1>"
    found.set_content(text)
    found.add_alternative(f"<p>{text}</p>", subtype="html")
    return found


def session(fakes: Fakes, login: bool = True, timeout: float = 5) -> smtplib.SMTP:
    parts = urlsplit(fakes.smtp.url)
    found = smtplib.SMTP(parts.hostname or "", parts.port or 0, timeout=timeout)
    if login:
        found.login(fakes.smtp.username, fakes.smtp.password)
    return found


def send(fakes: Fakes, sent: EmailMessage | None = None, timeout: float = 5) -> None:
    with session(fakes, timeout=timeout) as relay:
        relay.send_message(sent or message())


def test_a_message_is_held_as_its_reader_would_see_it(fakes: Fakes) -> None:
    sent = message()
    send(fakes, sent)
    send(fakes, sent)

    first, second = fakes.smtp.state()["messages"]
    assert first == second
    assert (first["from"], first["to"]) == ("news@shop.example", ["ann@shop.example"])
    assert first["headers"]["Subject"] == "Grüße"
    assert first["headers"]["List-Unsubscribe"] == "<https://shop.example/u/1>"
    assert first["text"].strip() == "Hallo Ann – 10 % für dich"
    assert first["html"].startswith("<p>")
    assert fakes.smtp.counters()["duplicates"] == 1


def test_a_user_and_a_password_are_needed(fakes: Fakes) -> None:
    with session(fakes, login=False) as relay:
        with pytest.raises(smtplib.SMTPAuthenticationError) as wrong:
            relay.login(fakes.smtp.username, "guess")
        with pytest.raises(smtplib.SMTPSenderRefused) as missing:
            relay.send_message(message())

    assert wrong.value.smtp_code == 535
    assert missing.value.smtp_code == 530
    assert fakes.smtp.state()["messages"] == []


def test_a_mailbox_that_does_not_exist_and_a_message_that_is_too_large_are_refused(fakes: Fakes) -> None:
    fakes.smtp.do("unknown_mailboxes", ["nobody@shop.example"])
    fakes.smtp.configure(max_bytes=2_000)

    with pytest.raises(smtplib.SMTPRecipientsRefused) as bounced:
        send(fakes, message("nobody@shop.example"))
    with pytest.raises(smtplib.SMTPException) as large:
        send(fakes, message(text="x" * 3_000))

    assert bounced.value.recipients["nobody@shop.example"][0] == 550
    assert large.value.args[0] == 552
    assert fakes.smtp.state()["messages"] == []


def test_too_many_messages_are_told_to_come_back(fakes: Fakes) -> None:
    fakes.smtp.configure(rate=(1, 60))
    send(fakes)

    with pytest.raises(smtplib.SMTPSenderRefused) as slower:
        send(fakes)
    fakes.advance(60)
    send(fakes)

    assert slower.value.smtp_code == 421
    assert len(fakes.smtp.state()["messages"]) == 2


@pytest.mark.parametrize(
    ("step", "held"),
    [
        (Step("reset_before_body", at=[1]), 0),
        (Step("reset", at=[1]), 0),
        (Step("hang", at=[1]), 0),
        (Step("lost", at=[1]), 1),
        (Step("lost", at=[1], how="hang"), 1),
        (Step("status", at=[1], status=451), 0),
        (Step("throttle", at=[1]), 0),
        (Step("partial", at=[1]), 0),
    ],
)
def test_faults_take_the_message_or_do_not(fakes: Fakes, step: Step, held: int) -> None:
    fakes.smtp.script(step)

    with pytest.raises((smtplib.SMTPException, OSError)):
        send(fakes, timeout=0.2)
    assert len(fakes.smtp.state()["messages"]) == held
    assert fakes.smtp.counters()["faults"] == {step.fault: 1}
    send(fakes)
    assert len(fakes.smtp.state()["messages"]) == held + 1


def test_a_user_who_is_revoked_in_the_middle_sends_no_more(fakes: Fakes) -> None:
    fakes.smtp.script(Step("revoke", at=[2]))

    with session(fakes) as relay:
        relay.send_message(message())
        with pytest.raises(smtplib.SMTPSenderRefused):
            relay.send_message(message())
    with pytest.raises(smtplib.SMTPAuthenticationError):
        session(fakes)
    fakes.smtp.restore()
    send(fakes)

    assert len(fakes.smtp.state()["messages"]) == 2
