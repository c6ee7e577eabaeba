"""The words by which reports are known: of senders, in subjects, in the prose, and above the returned mail.

Each table is a list of small expressions, lower case, in which a blank stands for white space of any length. They
are matched against lower-case text. A new mail system or language is a new row.
"""

from __future__ import annotations

import re

DAEMONS = frozenset(
    {
        "daemon",
        "mail-daemon",
        "mail.delivery.system",
        "mail_delivery_subsystem",
        "maildaemon",
        "mailer",
        "mailer-daemon",
        "mailer_daemon",
        "mailerdaemon",
        "mdaemon",
        "mmdf",
        "post-master",
        "post_master",
        "postmaster",
        "postoffice",
        "uucp",
    }
)
"""Local parts that a mail system writes reports from. Only ``postmaster`` is a person's too."""


def any_of(*rows: str) -> str:
    """An expression that matches one of ``rows``."""
    return "(?:" + "|".join(row.replace(" ", r"\s+") for row in rows) + ")"


_MAIL = r"(?:e-?mails?|mails?|messages?)"

_TAG = r"\s*(?:\[[^\]]{1,40}\]\s*)?"

TITLE = re.compile(
    _TAG
    + any_of(
        any_of(
            r"(?:undeliverable|undelivered) (?:mail|message)(?: returned to sender)?",
            r"(?:undeliverable|undelivered|unzustellbar)(?=:)",
            r"(?:returned|returning|rejected|bounced|automatically rejected) mail",
            r"mail delivery (?:failed|failure|problem|error|subsystem|system|status|warning)",
            r"mail delivery status notification",
            r"mail system error",
            r"delivery (?:(?:status|failure) )?notification",
            r"delivery failure(?=:|\s*\Z)",
            r"failure notice",
            r"non-?\s?delivery(?=:)",
            r"nondeliverable mail",
            r"(?:nachricht )?unzustellbar",
            r"message non (?:remis|distribué)",
        )
        + r"\s*(?:[:(–-]|\Z)",
        r"warning: (?:message [\w-]{3,40} delayed|could not send message)",
        r"(?:系统退信|退信)",
        # A report that keeps the subject and says so behind it.
        r"[^\n]{0,150}: (?:non remis|not delivered|undelivered)(?:\s*\([^)\n]{0,60}\))?\s*\Z",
    )
)
"""Titles that mail systems give to reports, from the start of the subject. People do not write these."""

SUBJECT = re.compile(
    _TAG
    + any_of(
        r"undeliver(?:able|ed)\b",
        rf"{_MAIL} (?:delivery|system) (?:failed|failure|error|problem|status)",
        rf"{_MAIL} (?:returned|undeliverable|not delivered|failure|could not|status|rejected|frozen)",
        rf"(?:returned|rejected|bounced|failed) (?:{_MAIL}|delivery)",
        rf"(?:your )?{_MAIL} (?:was|has been|is) (?:not|rejected|returned|undeliver|bounced)",
        r"(?:permanent |warning: )?delivery (?:status|failure|failed|notification|problem|error|report|has failed)",
        r"delivery (?:delayed|unsuccessful|incomplete)",
        rf"{_MAIL} delivery (?:has )?failed",
        r"failure (?:delivery|notification|to deliver)",
        r"bounce (?:message|notice|report|action)",
        r"(?:could not (?:send|deliver)|unable to deliver|cannot deliver)",
        rf"(?:sorry, )?your {_MAIL} could not",
        r"there was an error sending",
        r"(?:user|recipient|address) unknown",
        r"unknown (?:user|address|recipient)",
        # German, French, Spanish, Italian, Portuguese, Dutch, Russian, Polish, Japanese, Chinese
        r"(?:nachricht |nicht )?(?:nicht zugestellt|zustellbar)",
        r"rückläufer",
        r"fehler bei der zustellung",
        r"échec d",
        r"(?:courrier )?non (?:remis|distribué)",
        r"(?:mensaje )?(?:no (?:entregado|se puede entregar)|devuelto)",
        r"error de entrega",
        r"mancat[oa] (?:recapito|consegna)",
        r"(?:falha na entrega|não entregue|não foi possível entregar)",
        r"onbestelbaar",
        r"(?:недоставлен|ошибка доставки|не удалось доставить)",
        r"(?:niedostarczon|nieudane dostarczenie)",
        r"(?:メール|メッセージ|送信|配信)\S{0,20}(?:エラー|できません|失敗)",
        r"邮件(?:未|无法|发送失败)",
    )
)
"""Subjects of reports that a person may write as well."""

FAILURE = re.compile(
    any_of(
        r"undeliver",
        r"not (?:be )?(?:able to )?(?:deliver|sent|reach|relay|accept|transmit|receive|forward)",
        r"not (?:be )?(?:valid|found|known|exist|listed)",
        r"(?:could|did|can|was|does|is)(?: not|n't)\b",
        r"cannot",
        r"unable to",
        r"fail",
        r"\berrors?\b",
        r"reject",
        r"\bbounce",
        r"fatal",
        r"unknown",
        r"no such ",
        r"(?:invalid|incorrect|malformed)",
        r"return(?:ed|ing) (?:mail|message|to sender)",
        r"\bquota",
        r"exceed",
        r"mailbox (?:is )?(?:full|unavailable)",
        r"too large",
        r"(?:postponed|delayed|deferred|timed out)",
        r"transcript of session",
        r"delivery status",
        r"\b[45]\d\d[ -][45]\.\d\.\d",
        r"unzustell",
        r"nicht (?:zugestellt|gefunden|zustellbar)",
        r"unbekannt",
        r"n['’]a pas",
        r"non remis",
        r"(?:introuvable|inconnu)",
        r"no (?:pudo|se pudo|se ha podido|existe)",
        r"não (?:pôde|foi|existe)",
        r"non (?:è stato|recapitat|consegnat)",
        r"не (?:удалось|может|доставлен)",
        r"nie (?:można|dostarcz)",
        r"(?:できません|ませんでした|失敗|見つかりません)",
        r"(?:无法|失败|退信|不存在)",
    )
)
"""Says that something was not delivered. Too wide to judge a mail alone."""

DELAY = re.compile(
    any_of(
        r"warning message only",
        r"just a warning",
        r"do not need to resend",
        r"no action is required",
        r"has been (?:postponed|delayed)",
        r"will (?:be )?(?:retry|retried|continue|keep|still be attempted|try again|attempt)",
        r"not been delivered yet",
        r"not yet be",
        r"has not yet",
        r"delivery (?:has been |is |was |will be )?delayed",
        r"delivery temporar",
        r"still (?:trying|being|in the queue|queued)",
        r"temporary (?:failure|error|problem)",
        r"transient",
        r"delivery attempts will continue",
        r"message is (?:being )?delayed",
        r"(?:verzögert|erneut versuch)",
        r"(?:retardé|en attente)",
        r"(?:retrasad|ritard|adiad)",
    )
)
"""Says that the mail system has not given up."""

FINAL = re.compile(
    any_of(
        r"(?:has|have|i've|i am) giv(?:en|ing) (?:it )?up",
        r"giving up on",
        r"permanent",
        r"fatal",
        r"no further attempt",
        r"not going to try",
        r"deleted from (?:the )?queue",
        r"has failed",
        r"not be retried",
        r"(?:been|being|was) returned",
        r"in the queue too long",
        r"retry timeout",
    )
)
"""Says that it has, whatever else it says."""

RETURNED = re.compile(
    r"^[ \t]*+"
    + any_of(
        # Under a rule: `--- Below this line is a copy of the message.`
        r"[-=_*+][-=_*+ \t]++"
        + any_of(
            r"below (?:this|the|follows)",
            r"enclosed",
            r"included",
            r"begin",
            r"this is (?:a )?(?:copy|the (?:original|header))",
            r"(?:the )?(?:(?:body|headers?|first)\b[^\n]{0,40} )?original",
            r"the (?:body|headers?|first)\b[^\n]{0,40} (?:original|message)",
            r"attachment is",
            r"(?:undelivered|unsent|returned|failed|rejected) (?:message|mail)",
            r"message (?:headers?|text|body|contents?|follows)",
            r"copy of",
            r"returned",
            r"mensaje original",
            r"[元原]",
        ),
        rf"(?:the |your |start of )?original {_MAIL}(?: (?:headers?|text|body|as))?(?: (?:below|follows))?"
        r"[ \t]*+(?:as follows)?[.:]*+[ \t]*+$",
        rf"{_MAIL} (?:headers?|text) follows",
        r"(?:included|below) is a copy",
        r"a copy of the original",
        r"the attachment contains the original",
        # Or at once with its own fields.
        r"return-path:[ \t]*<",
        r"received:[ \t]+(?:from|by|\()",
        r"dkim-signature:",
        r"mime-version: 1",
    ),
    re.IGNORECASE | re.MULTILINE,
)
"""The line above the mail that comes back, or the first line of it."""
