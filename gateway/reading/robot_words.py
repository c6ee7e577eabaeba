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
    "x-asterisk-callerid": MachineKind.AUTO_GENERATED,
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
    r"(?:nagios|icinga|zabbix|check[-_]?mk|prtg|grafana|alert-?manager|prometheus|uptime-?robot|smartd|monit|munin)",
    r"(?:veeam|fail2ban|apcupsd|ups|nas|(?:hyla)?fax|asterisk|voice-?mail|scanner|copier|spam-?schutz|anti-?spam)",
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
    "[please verify]",
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
        "yahoo! auto response",
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
    "ko": ("자동 회신", "자동 응답", "자동회신", "자동응답", "부재중", "부재중 자동응답", "부재 중"),
    "zh": ("自动答复", "自动回复", "自動回覆", "自動回复", "外出"),
}

# Behind the phrase must stand what a robot puts there: a mark, a date or nothing. "Out of office hours: the portal is
# down" and "Automatic replies fail" are people's.
_BEHIND = (
    r"(?=\s*(?:[:：(\[\]】!.,;|–—-]|\Z|re:|aw:|until|till|from|today|bis|vom|ab\s\d|jusqu|du\s\d|hasta|fino|al?\s\d|\d))"
)
_OPENINGS = sorted({each for row in _PHRASES.values() for each in row}, key=len, reverse=True)
_OPENING = "|".join(map(re.escape, _OPENINGS))
AUTO_REPLY_STARTS = frozenset(phrase[:2] for phrase in _OPENINGS)
"""What the subjects begin with that are worth the long look."""
AUTO_REPLY_SUBJECT = re.compile(rf"\s*(?:{_OPENING})(?:(?<=[:：])|{_BEHIND})")
"""An automatic reply's subject, in lower case, from its start."""

ALARM_SUBJECT = re.compile(r"\s*\[(?:firing|resolved):\d+\]")
"""Of Prometheus's Alertmanager and of Grafana, in lower case."""
BY_HAND = re.compile(
    r"\b(?:i(?:phone|pad) mail|apple mail|outlook|thunderbird|mutt|kmail|evolution|k-9|roundcube|sogo|horde|em ?client"
    r"|the bat|postbox|mailbird|airmail|spark|zimbra|open-xchange|claws|sylpheed|pine|betterbird|fairemail)",
    re.IGNORECASE,
)
"""Programs that people write with, in X-Mailer or User-Agent; not mailx and its like, which scripts use."""

_ABSENCES: tuple[str, ...] = (
    r"is\ (?:currently\ )?(?:out\ of|away\ from)\ (?:the\ )?office",
    r"ist\ (?:zurzeit\ |derzeit\ )?(?:außer\ haus|nicht\ im\ (?:büro|hause?)|abwesend)",
    r"est\ absent(?:e|\(e\))?(?:\ du\ bureau)?|est\ en\ congés?",
    r"está\ (?:ausente|fuera\ de\ la\ oficina)|está\ (?:ausente|fora\ do\ escritório)",
    r"è\ (?:fuori\ ufficio|assente)|is\ (?:afwezig|niet\ op\ kantoor)",
)
ABSENCE_SUBJECT = re.compile(rf".{{2,60}}\s(?:{'|'.join(_ABSENCES)})\.?", re.VERBOSE)
"""What Notes makes of a name, in lower case. People write the like of colleagues, so the text must bear it out."""
ABSENT = re.compile(
    r"i\ (?:will\ be|am)\ |i(?:'|’)(?:ll\ be|m)\ |ich\ (?:werde|bin|befinde)\ |je\ (?:suis|serai)\ |estar[eé]\ |estoy\ "
    r"|sar[oò]\ |sono\ |ik\ (?:ben|zal)\ |estou\ |estarei\ ",
    re.VERBOSE,
)
"""The first words of such a notice, in lower case."""

READ_SUBJECT = re.compile(
    r"(?:read|gelesen|lu|leído|letto|lida|lido|gelezen|läst|lest|læst|luettu|przeczytane|przeczytano|přečteno|elolvasva"
    r"|прочтено|прочитано|okundu|開封済み|已读|已讀|읽음)\s?[:：]"
)
"""A read receipt that lost its report, in lower case."""
YOUR_MESSAGE = re.compile(
    r"\s*(?:your message|ihre nachricht|votre message|su mensaje|(?:a )?sua mensagem|il messaggio|uw bericht"
    r"|ditt meddelande|din meddelelse|meldingen din|viestisi|twoja wiadomość|vaše zpráva|ваше сообщение|iletiniz"
    r"|お使いのメッセージ|您的邮件)"
)
"""How its text begins, in lower case."""
RETURN_RECEIPT = re.compile(r"\s*return receipt\s+your\s+document:", re.IGNORECASE)
"""The text of a receipt of Notes."""

_SELF_REPLIES: tuple[str, ...] = (
    r"this\ is\ an\ auto(?:mat(?:ic|ed))?[\ -]?(?:ally\ generated\ )?(?:reply|response|responder|answer)",
    r"i\ apologi[sz]e\ for\ this\ automatic\ reply",
    r"(?:dies|das)\ ist\ eine\ automati(?:sche|sch\ \w{4,12})\ (?:rück)?(?:antwort|abwesenheits\w{3,20})",
    r"automatische\ antwort:",
    r"(?:ceci|il\ s(?:'|’)agit)\ (?:est\ |d(?:'|’))une\ réponse\ automatique",
    r"est[ae]\ es\ una\ respuesta\ automática|esta\ é\ uma\ resposta\ automática",
    r"questa\ è\ una\ risposta\ automatica",
    r"dit\ is\ een\ automatisch(?:e)?\ (?:antwoord|reactie|bericht\ van\ afwezigheid)",
    r"to\ jest\ (?:automatyczna\ odpowiedź|odpowiedź\ automatyczna)",
    r"detta\ är\ ett\ automatiskt\ svar|dette\ er\ et\ automatisk\ svar|tämä\ on\ automaattinen\ vastaus",
    r"toto\ je\ automatická\ odpověď|ez\ egy\ automatikus\ válasz|это\ автоматический\ ответ",
    r"це\ автоматична\ відповідь",
    r"bu\ (?:bir\ )?otomatik\ (?:bir\ )?(?:yanıt|cevap)|αυτή\ είναι\ (?:μια\ )?αυτόματη\ απάντηση",
    r"(?:これ|この(?:メール|メッセージ))は自動(?:返信|応答)|(?:这是|此(?:邮件)?为|本邮件为)(?:一封)?自动(?:回复|答复)",
    r"본\ (?:메일|이메일)은\ 자동\ ?(?:회신|응답)",
)
_SELF_GENERATED: tuple[str, ...] = (
    r"this\ is\ an\ auto(?:matic|mated|matically\ generated)\ "
    r"(?:e?-?mail|message|notification|acknowledge?ment|confirmation)",
    r"this\ (?:e-?mail|message|notification)\ (?:was|is|has\ been)\ "
    r"(?:automatically\ )?(?:generated|sent\ automatically)",
    r"(?:please\ )?do\ not\ (?:reply|respond)\ to\ this\ (?:e-?mail|message|notification)",
    r"dies\ ist\ eine\ automati(?:sche|sch\ \w{4,12})\ "
    r"(?:e-?mail|nachricht|benachrichtigung|mail|eingangsbestätigung|mitteilung)",
    r"diese\ (?:e-?mail|nachricht|mail|benachrichtigung)\ (?:wurde|wird|ist)\ (?:[\w\ ]{0,30}\ )?automatisch\ ",
    r"bitte\ antworten\ sie\ nicht\ auf\ diese\ (?:e-?mail|nachricht|mail)",
    r"(?:ceci\ est|il\ s(?:'|’)agit\ d(?:'|’))\ ?un\ (?:message|e-?mail|courriel)\ automatique",
    r"ce\ (?:message|mail|courriel)\ (?:a\ été|est)\ (?:généré|envoyé|émis)\ automatiquement",
    r"merci\ de\ ne\ pas\ répondre\ à\ ce",
    r"non\ rispondere\ a\ quest|(?:por\ favor,?\ )?(?:no\ respond[ae]|não\ respond[ae])\ a\ est",
    r"(?:prosimy|proszę)\ (?:na\ nią\ nie\ odpowiadać|nie\ odpowiadać\ na\ t)",
    r"gelieve\ niet\ te\ (?:antwoorden|reageren)|svara\ inte\ på\ detta",
    r"na\ t(?:uto\ zprávu|ento\ e-mail)\ neodpovídejte|(?:пожалуйста,\ )?не\ отвечайте\ на\ это",
    r"(?:请|請)勿(?:回复|回覆|直接回)",
    r"este\ (?:es\ un\ )?(?:mensaje|correo)\ (?:\w{2,12}\ )?"
    r"(?:automático|(?:ha\ sido|fue)\ (?:generado|enviado)\ automáticamente)",
    r"esta\ é\ uma\ mensagem\ automática|questo\ è\ un\ (?:messaggio|e-?mail)\ (?:generat[oa]\ )?automatic",
    r"dit\ is\ een\ automatisch\ (?:\w{4,14}\ )?(?:bericht|e-?mail)",
    r"(?:ta\ )?wiadomość\ (?:została\ )?(?:wygenerowana|wysłana)\ automatycznie",
    r"detta\ är\ ett\ automatiskt\ (?:meddelande|mejl)",
    r"dette\ er\ en\ automatisk\ (?:besked|melding|meddelelse|e-?post)",
    r"это\ автоматическое\ (?:сообщение|уведомление)",
    r"данное\ (?:сообщение|письмо)\ (?:создано|сформировано)\ автоматически",
    r"この(?:メール|メッセージ)は(?:、)?(?:システムより)?自動(?:的に)?(?:送信|配信|で)|(?:本|此)(?:邮件|郵件)(?:由|为|為)?系[统統]自[动動]",
    r"(?:본|이)\ (?:메일|이메일|메시지)은\ 자동으로",
    r"bu\ (?:e-?posta|mesaj|ileti)\ (?:\w+\ ){0,3}otomatik\ olarak\ (?:gönderil|oluşturul)",
)
# At the beginning of a sentence: people cite it in the middle of theirs, or in quotation marks.
_SENTENCE = r"(?:\A|[\n.!?。]\s*+)[\[(*※~_–—-]{0,3}\s?"
SAYS_AUTOMATIC = re.compile(
    rf"{_SENTENCE}(?:(?P<reply>{'|'.join(_SELF_REPLIES)})|{'|'.join(_SELF_GENERATED)})", re.VERBOSE
)
"""What a program says of its own mail, in lower case."""
AUTOMATIC = (
    "auto", "otomatik", "αυτόμ", "автомат", "自动", "自動", "자동", "generated", "not reply", "not respond to this",
    "répondre à ce", "nicht auf diese", "non rispond", "no respond", "não respond", "nie odpow", "gelieve",
    "svara inte",
    "neodpov", "не отвеч", "勿",
)  # fmt: skip
"""One of these is in every such sentence."""

ABSENT_AND_BACK: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (re.compile(rf"\b(?:{away})"), re.compile(rf"\b(?:{back})"))
    for away, back in (
        (
            r"i(?:'m|’m| am| will be) (?:currently |now )?(?:out of (?:the )?office|away from the office"
            r"|on (?:\w+ )?(?:leave|vacation|holidays?))",
            r"(?:limited|no) access|on my return|when i (?:return|get back|am back)"
            r"|will (?:return|be back|reply|respond)",
        ),
        (
            r"ich bin (?:[^.\n]|\d\.){0,60}(?:nicht im (?:büro|hause?)|im urlaub|außer haus|abwesend)"
            r"|ich befinde mich (?:[^.\n]|\d\.){0,40}im urlaub",
            r"nach meiner rückkehr|in dringenden fällen|wieder (?:da|im büro|erreichbar)|meine vertretung"
            r"|nicht weitergeleitet",
        ),
        (r"je (?:suis|serai) (?:actuellement )?(?:absent|en congé)", r"à mon retour|en cas d.urgence|de retour"),
        (
            r"(?:estoy|estaré) (?:fuera de la oficina|de vacaciones|ausente)",
            r"a mi (?:vuelta|regreso)|en caso de urgencia|asuntos urgentes",
        ),
        (r"sono (?:fuori ufficio|in ferie|assente)", r"al mio r(?:ientro|itorno)|per urgenze|in caso di urgenz"),
        (
            r"ik ben (?:op vakantie|afwezig|niet (?:aanwezig|op kantoor))",
            r"bij (?:mijn )?terugkomst|dringende|weer terug",
        ),
        (
            r"(?:estou|estarei) (?:de férias|ausente|fora do escritório)",
            r"no meu regresso|quando (?:voltar|regressar)|urgente",
        ),
        (r"(?:przebywam|jestem) na urlopie", r"po powrocie|w pilnych sprawach"),
    )
)
"""What an absence notice says of its owner: that he is away, and when he is back or who is there. In lower case."""

EXCHANGE_AUTO_REPLY = "out of office autoreply"
"""What Exchange wrote in front of a subject, and what other programs then put theirs in front of."""
