import pytest

from gateway.model import Severity
from gateway.triage.policy import DEFAULT
from gateway.triage.stated import stated_severity


@pytest.mark.parametrize(
    ("subject", "text", "stated"),
    [
        ("", "Severity: S1", Severity.S1),
        ("", "Hello,\nPriority = critical (production)\nBye", Severity.S0),
        ("", "severity: sev 2", Severity.S2),
        ("", "Schweregrad: hoch", Severity.S1),
        ("[S1] login", "", Severity.S1),
        ("[SUP-12] (critical) login", "", Severity.S0),
        ("[S1] login", "Severity: S3", Severity.S3),
        ("S1 is the name of our server", "we see S0 there", None),
        ("", "the severity of this is high", None),
        ("", "Severity: purple", None),
        ("", "", None),
    ],
)
def test_a_stated_severity_is_read_from_its_line_or_tag(subject: str, text: str, stated: Severity | None):
    assert stated_severity(subject, text, DEFAULT.stated_words) is stated
