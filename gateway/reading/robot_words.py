"""What robots write: header fields, senders, and the openings of automatic replies by language.

Facts only; the rules that use them stand in ``robots``. A new language or product is a new row.
"""

from __future__ import annotations

import re

from gateway.model import MachineKind

MARKS: dict[str, MachineKind] = {
    "list-id": MachineKind.LIST,
    "list-post": MachineKind.LIST,
    "mailing-list": MachineKind.LIST,
    "x-mailing-list": MachineKind.LIST,
    "x-beenthere": MachineKind.LIST,
    "x-mailman-version": MachineKind.LIST,
    "x-ml-name": MachineKind.LIST,
    "x-mlserver": MachineKind.LIST,
    "list-unsubscribe": MachineKind.BULK,
    "feedback-id": MachineKind.BULK,
    "x-campaign": MachineKind.BULK,
    "x-campaignid": MachineKind.BULK,
    "x-mailgun-tag": MachineKind.BULK,
    "x-autoreply-from": MachineKind.AUTO_REPLY,
    "x-autorespond": MachineKind.AUTO_REPLY,
    "x-autoresponder": MachineKind.AUTO_REPLY,
    "x-mail-autoreply": MachineKind.AUTO_REPLY,
    "x-vacation": MachineKind.AUTO_REPLY,
    "x-fc-machinegenerated": MachineKind.AUTO_GENERATED,
    "x-cron-env": MachineKind.AUTO_GENERATED,
    "x-servicenow-generated": MachineKind.AUTO_GENERATED,
    "x-jira-fingerprint": MachineKind.AUTO_GENERATED,
    "x-rt-loop-prevention": MachineKind.AUTO_GENERATED,
    "x-otrs-loop": MachineKind.AUTO_GENERATED,
    "x-roundup-loop": MachineKind.AUTO_GENERATED,
    "x-loop": MachineKind.AUTO_GENERATED,
    "x-tmda-fingerprint": MachineKind.CHALLENGE,
    "x-spamarrest-info": MachineKind.CHALLENGE,
    "x-askversion": MachineKind.CHALLENGE,
    "x-choicemail-registration-request": MachineKind.CHALLENGE,
}
"""Header fields whose mere presence tells. A Return-Receipt-To or a priority tells nothing: people set those."""

PRECEDENCES: dict[str, MachineKind] = {
    "auto_reply": MachineKind.AUTO_REPLY,
    "bulk": MachineKind.BULK,
    "junk": MachineKind.BULK,
    "list": MachineKind.LIST,
}

_NOBODY = (
    r"(?:mailer|mail)[-_.]?daemon",
    r"post[-_]?master",
    r"mdaemon",
    r"(?:do[-_.]?)?not?[-_.]?reply",
    r"(?:no|do[-_.]?not)[-_.]?(?:response|respond|answer)",
    r"ne[-_.]?pas[-_.]?repondre",
    r"(?:keine[-_.]?antwort|nicht[-_.]?antworten)",
    r"no[-_.]?(?:responder|contestar)",
    r"nao[-_.]?responda",
    r"non[-_.]?rispondere",
    r"nie[-_.]?odpowiadaj",
    r"auto[-_.]?(?:reply|responder|confirm|mailer|notify)",
    r"notifications?",
    r"bounces?",
    r"(?:cron|nobody|www-data)",
)
ROBOT_SENDER = re.compile(
    rf"(?:{'|'.join(_NOBODY)})(?:[-_+.=].{{0,200}}|\d{{0,6}})|.{{1,60}}[-_.+](?:bounces?|(?:do-?not|no)-?reply)",
    re.IGNORECASE,
)
"""Local parts that nobody reads, plain or with a tag (``noreply+42``, ``jira-noreply``)."""

CHALLENGERS = frozenset(
    {"boxbe.com", "spamarrest.com", "bluebottle.com", "mailblocks.com", "knowspam.net", "sendio.com"}
)
"""Domains of services that ask a stranger to confirm a mail."""

CHALLENGE_SUBJECTS = frozenset(
    {
        "please confirm your message",
        "confirm your message",
        "confirmation required to deliver your message",
        "message verification required",
        "sender verification required",
        "sender address verification",
        "your message requires verification",
        "your message is awaiting verification",
        "please verify your message",
        "please verify that you are a person",
    }
)
"""Whole subjects, lower case and without Re:, of such services."""

CHALLENGE_ENDINGS = (
    "(verification required)",
    "(confirmation required)",
    "(permission required)",
    "(verification needed)",
)

_PHRASES: dict[str, tuple[str, ...]] = {
    "en": (
        "automatic reply",
        "automatic response",
        "automated reply",
        "automated response",
        "auto reply",
        "auto-reply",
        "autoreply",
        "auto response",
        "auto-response",
        "autoresponse",
        "autoresponder",
        "auto responder",
        "auto:",
        "out of office",
        "out of the office",
        "out-of-office",
        "ooo:",
        "i am out of the office",
        "i'm out of the office",
        "i am currently out of the office",
        "i am away",
        "away from my mail",
        "away from office",
        "away from the office",
        "currently away",
        "on vacation",
        "on annual leave",
        "on maternity leave",
        "on parental leave",
        "vacation reply",
        "vacation message",
        "vacation auto-reply",
        "away message",
        "no longer with the company",
    ),
    "de": (
        "automatische antwort",
        "automatische rückantwort",
        "automatische abwesenheitsnotiz",
        "abwesenheitsnotiz",
        "abwesenheitsnachricht",
        "abwesenheitsbenachrichtigung",
        "abwesenheitsagent",
        "abwesenheitsassistent",
        "nicht im büro",
        "nicht im hause",
        "ich bin nicht im büro",
        "ich bin außer haus",
        "außer haus",
        "urlaubsbenachrichtigung",
        "urlaubsnotiz",
        "eingangsbestätigung (automatisch",
    ),
    "fr": (
        "réponse automatique",
        "reponse automatique",
        "réponse auto",
        "message d'absence",
        "notification d'absence",
        "absence du bureau",
        "absent du bureau",
        "absente du bureau",
        "je suis absent",
        "je suis en congé",
        "en congés",
    ),
    "es": (
        "respuesta automática",
        "respuesta automatica",
        "contestación automática",
        "fuera de la oficina",
        "fuera de oficina",
        "estoy fuera de la oficina",
        "ausencia de la oficina",
        "ausente de la oficina",
    ),
    "pt": (
        "resposta automática",
        "resposta automatica",
        "fora do escritório",
        "fora de escritório",
        "ausência temporária",
        "estou fora do escritório",
        "ausente do escritório",
    ),
    "it": (
        "risposta automatica",
        "fuori ufficio",
        "fuori sede",
        "sono fuori ufficio",
        "assenza dall'ufficio",
        "assente dall'ufficio",
    ),
    "nl": (
        "automatisch antwoord",
        "automatische reactie",
        "afwezigheidsmelding",
        "afwezigheidsbericht",
        "niet op kantoor",
        "afwezig",
    ),
    "da": ("automatisk svar", "autosvar", "ikke til stede", "fraværsmeddelelse", "fraværende"),
    "sv": ("autosvar", "automatiskt svar", "frånvaromeddelande", "frånvarande", "ej på kontoret"),
    "no": ("automatisk svar", "fraværsmelding", "ikke på kontoret", "fraværende"),
    "fi": ("automaattinen vastaus", "poissaoloviesti", "poissa toimistosta", "en ole paikalla"),
    "pl": (
        "automatyczna odpowiedź",
        "odpowiedź automatyczna",
        "autoodpowiedź",
        "poza biurem",
        "nieobecność w biurze",
        "jestem poza biurem",
    ),
    "cs": ("automatická odpověď", "mimo kancelář", "nepřítomnost", "nejsem v kanceláři"),
    "sk": ("automatická odpoveď", "mimo kancelárie", "neprítomnosť"),
    "hu": ("automatikus válasz", "házon kívül", "távollét"),
    "ro": ("răspuns automat", "raspuns automat", "în afara biroului"),
    "bg": ("автоматичен отговор", "извън офиса"),
    "ru": ("автоматический ответ", "автоответ", "вне офиса", "нет на месте", "нет на работе"),
    "uk": ("автоматична відповідь", "автовідповідь", "поза офісом"),
    "el": ("αυτόματη απάντηση", "εκτός γραφείου"),
    "tr": ("otomatik yanıt", "otomatik cevap", "ofis dışında", "ofis dışındayım"),
    "hr": ("automatski odgovor", "izvan ureda"),
    "sl": ("samodejni odgovor", "samodejno sporočilo", "odsotnost z dela"),
    "et": ("automaatvastus",),
    "lv": ("automātiska atbilde",),
    "lt": ("automatinis atsakymas",),
    "ca": ("resposta automàtica", "fora de l'oficina"),
    "he": ("תשובה אוטומטית", "מענה אוטומטי", "מחוץ למשרד"),
    "ar": ("رد تلقائي", "الرد التلقائي", "خارج المكتب"),
    "fa": ("پاسخ خودکار",),
    "hi": ("स्वचालित उत्तर",),
    "th": ("ตอบกลับอัตโนมัติ",),
    "vi": ("trả lời tự động", "thư trả lời tự động"),
    "id": ("balasan otomatis", "di luar kantor"),
    "ja": ("自動応答", "自動返信", "不在通知", "不在のお知らせ", "不在:"),
    "ko": ("자동 회신", "자동 응답", "자동회신", "부재중", "부재 중"),
    "zh": ("自动答复", "自动回复", "自動回覆", "自動回复", "外出"),
}

# Behind the phrase must stand what a robot puts there: a mark, a date or nothing. "Out of office hours: the portal is
# down" and "Automatic replies fail" are people's.
_BEHIND = (
    r"(?=\s*(?:[:：(\[\]!.,;|–—-]|\Z|re:|aw:|until|till|from|today|bis|vom|ab\s\d|jusqu|du\s\d|hasta|fino|al?\s\d|\d))"
)
_OPENINGS = sorted({each for row in _PHRASES.values() for each in row}, key=len, reverse=True)
_OPENING = "|".join(map(re.escape, _OPENINGS))
AUTO_REPLY_STARTS = frozenset(phrase[:2] for phrase in _OPENINGS)
"""What the subjects begin with that are worth the long look."""
AUTO_REPLY_SUBJECT = re.compile(rf"\s*(?:{_OPENING})(?:(?<=[:：])|{_BEHIND})")
"""An automatic reply's subject, in lower case, from its start."""

EXCHANGE_AUTO_REPLY = "out of office autoreply"
"""What Exchange wrote in front of a subject, and what other programs then put theirs in front of."""
