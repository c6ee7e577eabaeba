"""What mail clients write around quoted mail, by language: labels, separators, verbs, closings.

Facts about clients and languages only; the rules that use them stand in ``headings``, ``signature``, ``reply`` and
``forward``. ``|`` divides variants; all is compared without regard to case. A new language is a new row.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Labels(NamedTuple):
    """One language's names of the header fields that a client writes above a quoted mail."""

    sender: str
    to: str
    cc: str
    reply_to: str
    date: str
    subject: str


LABELS: dict[str, Labels] = {
    "en": Labels("from", "to", "cc|copy|bcc", "reply-to|reply to", "date|sent|sent on|on|sent at", "subject"),
    "de": Labels(
        "von",
        "an",
        "cc|kopie|kopie (cc)|kopie an|bcc|blindkopie",
        "antwort an|antworten an|antwort-an",
        "datum|gesendet|gesendet am|verschickt",
        "betreff",
    ),
    "fr": Labels(
        "de|expéditeur|message de",
        "à|a|pour|destinataire|destinataires",
        "cc|copie à|copie",
        "répondre à|reply-to",
        "date|envoyé|envoyé le|envoyée|date d'envoi|message du",
        "objet|sujet",
    ),
    "es": Labels(
        "de|remitente",
        "a|para|destinatario",
        "cc|copia",
        "responder a|responder-a",
        "fecha|enviado|enviado el|enviado en|enviados",
        "asunto",
    ),
    "it": Labels("da|mittente", "a|per", "cc|copia", "rispondi a|risposta", "data|inviato|inviata", "oggetto"),
    "nl": Labels("van|afzender", "aan|naar", "cc|kopie", "antwoord aan|antwoordadres", "datum|verzonden", "onderwerp"),
    "pt": Labels(
        "de|remetente",
        "para|a",
        "cc|com cópia|cópia",
        "responder a|responder para|responder à",
        "data|enviado|enviada|enviada em|enviado em",
        "assunto",
    ),
    "pl": Labels(
        "od|nadawca",
        "do|adresat",
        "dw|do wiadomości|kopia",
        "odpowiedz do|adres zwrotny",
        "data|wysłano|wysłane|dnia",
        "temat",
    ),
    "sv": Labels(
        "från|avsändare",
        "till",
        "kopia|cc",
        "svara till|svar till|svarsadress",
        "datum|skickat|skickad",
        "ämne",
    ),
    "da": Labels("fra|afsender", "til", "cc|kopi|kopi til", "svar til|besvar til|svaradresse", "dato|sendt", "emne"),
    "no": Labels("fra|avsender", "til", "kopi|kopi til|cc", "svar til|svar-til", "dato|sendt", "emne"),
    "fi": Labels(
        "lähettäjä|keneltä",
        "vastaanottaja|kenelle|saaja",
        "kopio|cc",
        "vastaus|vastausosoite|vastaa",
        "päiväys|päivämäärä|lähetetty|pvm",
        "aihe|otsikko",
    ),
    "is": Labels("frá", "til", "afrit", "svara", "dagsetning|sent", "efni"),
    "cs": Labels(
        "od|odesílatel",
        "komu|pro",
        "kopie|kopie komu",
        "odpověď|odpovědět komu|odpověď komu",
        "datum|odesláno",
        "předmět|věc",
    ),
    "sk": Labels("od|odosielateľ", "komu|pre", "kópia", "odpovedať komu|odpoveď", "dátum|odoslané", "predmet"),
    "sl": Labels("od|pošiljatelj", "za|prejemnik", "kp|kopija", "odgovori na|odgovor", "datum|poslano", "zadeva"),
    "hr": Labels(
        "od|šalje",
        "za|prima|do",
        "kopija|kopija (cc)",
        "odgovori na|odgovori",
        "datum|poslano",
        "predmet|naslov",
    ),
    "hu": Labels(
        "feladó|küldő",
        "címzett|címzettek",
        "másolat|másolatot kap",
        "válaszcím|válasz erre",
        "dátum|elküldve|küldve|küldés dátuma",
        "tárgy",
    ),
    "ro": Labels(
        "de la|de|expeditor|din",
        "către|catre|la|pentru",
        "cc|copie",
        "răspuns la|raspuns la|răspunde la",
        "data|dată|trimis|trimisă",
        "subiect|subiectul",
    ),
    "bg": Labels("от", "до", "копие", "отговор до|отговор на", "дата|изпратено", "тема|относно"),
    "ru": Labels(
        "от|от кого",
        "кому",
        "копия",
        "ответить|кому ответить|обратный адрес|ответ на",
        "дата|отправлено|отправлен",
        "тема",
    ),
    "uk": Labels(
        "від|від кого",
        "кому",
        "копія",
        "відповісти|зворотна адреса|відповідь",
        "дата|надіслано|відправлено",
        "тема",
    ),
    "sr": Labels(
        "od|шаље|од",
        "za|за|прима",
        "kopija|копија",
        "odgovor na|одговори на",
        "датум|послато|poslato",
        "наслов|тема|naslov",
    ),
    "el": Labels("από", "προς", "κοιν|κοινοποίηση", "απάντηση σε|απάντηση προς", "ημερομηνία|στάλθηκε|εστάλη", "θέμα"),
    "tr": Labels(
        "kimden|gönderen",
        "kime|alıcı",
        "bilgi|cc|kopya",
        "yanıt adresi|yanıtla|yanıt",
        "tarih|gönderildi|gönderilme|gönderme tarihi|gönderilme tarihi",
        "konu",
    ),
    "et": Labels("saatja|kellelt", "saaja|kellele|adressaat", "koopia", "vasta", "kuupäev|saadetud", "teema"),
    "lv": Labels("no|sūtītājs", "kam|saņēmējs", "kopija", "atbildēt", "datums|nosūtīts", "temats|tēma"),
    "lt": Labels("nuo|siuntėjas", "kam|gavėjas", "kopija", "atsakyti", "data|išsiųsta", "tema"),
    "ca": Labels("de|remitent", "a|per a", "a/c|còpia", "respon a", "data|enviat|enviat el", "assumpte|tema"),
    "vi": Labels(
        "từ|người gửi",
        "đến|tới|người nhận",
        "cc|đồng gửi",
        "trả lời|trả lời đến",
        "ngày|đã gửi|thời gian",
        "chủ đề|tiêu đề",
    ),
    "id": Labels("dari", "kepada|ke|untuk", "cc|tembusan", "balas ke", "tanggal|dikirim", "subjek|perihal|judul"),
    "ja": Labels("差出人|送信者|送信元|from", "宛先|to", "cc|写し", "返信先", "日付|日時|送信日時|送信日", "件名|題名"),
    "zh": Labels(
        "发件人|寄件者|寄件人|發件人|发送者|寄信人",
        "收件人|收件者|收信人",
        "抄送|副本|抄送人|副本抄送",
        "回复|回覆|回复给|答复|答覆|回复至",
        "日期|时间|時間|发送时间|發送時間|傳送日期|寄件日期|发送日期|已发送|已傳送|送信时间",
        "主题|主旨|主題",
    ),
    "ko": Labels(
        "보낸 사람|보낸사람|발신|보낸이|발신자",
        "받는 사람|받는사람|수신|받는이|수신자",
        "참조",
        "회신|답장 받는 사람|회신 주소|답장",
        "보낸 날짜|날짜|일시|보낸날짜|보낸 시간|발송일",
        "제목",
    ),
    "he": Labels("מאת|מ", "אל|נמען", "עותק", "השב אל", "תאריך|נשלח|נשלח ב", "נושא"),
    "ar": Labels("من", "إلى|الى", "نسخة|نسخة إلى", "الرد على|الرد إلى", "التاريخ|تاريخ|تم الإرسال|أرسلت", "الموضوع"),
    "th": Labels("จาก", "ถึง", "สำเนา|สำเนาถึง", "ตอบกลับ", "วันที่|ส่งเมื่อ|ส่ง", "เรื่อง|หัวข้อ"),
}

# Headers that clients write among those above; nothing is read from them.
OTHER_LABELS = (
    "allegati|allegato|anexos|anhänge|anlagen|archivos adjuntos|attachment|attachments|bcc|bifogade filer|bijlage|"
    "bijlagen|bilagor|categories|content-type|datos adjuntos|důležitost|ekler|flag|fontosság|importance|"
    "importancia|importanza|importância|in-reply-to|kategorien|kennzeichnung|liitteet|list-id|mellékletek|"
    "message-id|mime-version|newsgroups|organisation|organization|pièce jointe|pièces jointes|prioridad|prioridade|"
    "prioriteit|prioritet|priority|priorità|priorität|priorité|priorytet|prílohy|přílohy|received|references|"
    "reply to|resent-date|resent-from|resent-to|return-path|sender|sensitivity|thread-topic|to be read by|tärkeys|"
    "urgentie|user-agent|vedhæftede filer|vedlegg|vigtighed|viktighet|wann|ważność|when|where|wichtigkeit|wo|"
    "x-mailer|x-originating-ip|załączniki|önem|важность|вкладення|вложения|приоритет|添付ファイル|重要度|"
    "重要性|附件|중요도|첨부|첨부 파일"
)

# Said of the mail below: it was forwarded (Gmail, Apple Mail, Thunderbird, Yahoo, Zimbra, Proton Mail and others).
FORWARDED: dict[str, str] = {
    "en": (
        "forwarded message|begin forwarded message|forwarded mail|forwarded email|forward message|forwarded by|"
        "forwarded message from|this is a forwarded message"
    ),
    "de": (
        "weitergeleitete nachricht|anfang der weitergeleiteten nachricht|weitergeleitete e-mail|"
        "weitergeleitet von|weitergeleitete mail"
    ),
    "fr": (
        "message transféré|mail transféré|début du message transféré|début du message réexpédié|message réexpédié|"
        "courriel transféré|message transmis|e-mail transféré"
    ),
    "es": (
        "mensaje reenviado|inicio del mensaje reenviado|mensaje enviado|correo reenviado|comienzo del mensaje reenviado"
    ),
    "it": "messaggio inoltrato|inizio messaggio inoltrato|inizio del messaggio inoltrato|messaggio girato",
    "nl": "doorgestuurd bericht|begin doorgestuurd bericht|begin van doorgestuurd bericht|doorgezonden bericht",
    "pt": (
        "mensagem encaminhada|mensagem reencaminhada|início da mensagem encaminhada|"
        "início da mensagem reencaminhada|começo da mensagem encaminhada"
    ),
    "pl": (
        "wiadomość przekazana dalej|przekazana wiadomość|początek przekazywanej wiadomości|"
        "początek przekazanej wiadomości|przesłana dalej wiadomość|treść przekazanej wiadomości|"
        "forwardowana wiadomość"
    ),
    "sv": (
        "vidarebefordrat meddelande|vidarebefordrat brev|börja vidarebefordrat meddelande|vidarebefordrat mejl|"
        "påbörja vidarebefordrat meddelande"
    ),
    "da": (
        "videresendt meddelelse|videresendt besked|start på videresendt besked|begyndelse på videresendt besked|"
        "start på videresendt meddelelse|videresendt e-mail"
    ),
    "no": (
        "videresendt melding|begynnelse på videresendt melding|start på videresendt melding|videresendt e-post|"
        "videresendt meddelande"
    ),
    "fi": (
        "välitetty viesti|välitetty viesti alkaa|edelleen lähetetty viesti|alkaa välitetty viesti|"
        "edelleenlähetetty viesti"
    ),
    "cs": "přeposlaná zpráva|začátek přeposílané zprávy|začátek přeposlané zprávy|přeposlaný e-mail|předaná zpráva",
    "sk": "preposlaná správa|začiatok preposlanej správy|preposlaný e-mail|postúpená správa",
    "sl": "posredovano sporočilo|začetek posredovanega sporočila",
    "hr": "proslijeđena poruka|započni proslijeđenu poruku|proslijeđena e-poruka|početak proslijeđene poruke",
    "sr": "прослеђена порука|prosleđena poruka",
    "hu": (
        "továbbított üzenet|továbbított levél|a továbbított levél kezdete|továbbított levél kezdete|"
        "továbbított üzenet kezdete"
    ),
    "ro": (
        "mesaj redirecționat|mesaj redirecţionat|început mesaj redirecționat|mesajul redirecționat|"
        "începutul mesajului redirecționat|mesaj retrimis|mesaj înaintat"
    ),
    "bg": "препратено съобщение|начало на препратеното съобщение|начало на препратено съобщение",
    "ru": (
        "пересылаемое сообщение|начало переадресованного сообщения|начало пересылаемого сообщения|"
        "перенаправленное сообщение|пересланное сообщение|пересылаемое письмо|начало переадресованного письма|"
        "переадресованное сообщение|перенаправленное письмо"
    ),
    "uk": (
        "переслане повідомлення|перенаправлене повідомлення|початок пересланого повідомлення|"
        "початок листа, що пересилається|пересилається повідомлення|початок переспрямованого повідомлення|"
        "лист, що пересилається"
    ),
    "el": "προωθημένο μήνυμα|αρχή προωθημένου μηνύματος|έναρξη προωθημένου μηνύματος",
    "tr": (
        "iletilen ileti|yönlendirilmiş ileti|yönlendirilmiş mesaj|iletilmiş mesaj başlangıcı|iletilen mesaj|"
        "başlangıç yönlendirilen ileti|yönlendirilen mesaj|iletilen e-posta"
    ),
    "et": "edastatud kiri|edastatud sõnum|edasi saadetud kiri",
    "lv": "pārsūtīta ziņa|pārsūtītā ziņa",
    "lt": "persiųstas laiškas|persiunčiamas laiškas",
    "ca": "missatge reenviat|inici del missatge reenviat",
    "vi": (
        "thư đã chuyển tiếp|chuyển tiếp thư|tin nhắn đã chuyển tiếp|bắt đầu thư được chuyển tiếp|thư được chuyển tiếp"
    ),
    "id": "pesan terusan|pesan yang diteruskan|mulai pesan yang diteruskan|email terusan",
    "ja": "転送されたメッセージ|転送されたメール|以下は転送メッセージです|転送メッセージ|転送メール",
    "zh": (
        "转发的邮件|转发邮件|转发信息|轉寄的郵件|轉寄郵件|轉寄的信件|已转发邮件|已转发的邮件|"
        "下面是被转发的邮件|开始转发的邮件|開始轉寄郵件|开始转发邮件|转发的消息|轉寄訊息|转发邮件信息|"
        "被转发邮件信息|以下是轉寄的郵件"
    ),
    "ko": "전달된 메시지|전달된 메일|전달된 이메일|다음은 전달된 메시지입니다|전달한 메시지|전달 메시지",
    "he": "הודעה שהועברה|תחילת ההודעה שהועברה|הודעה מועברת",
    "ar": "رسالة معاد توجيهها|بداية الرسالة المعاد توجيهها|الرسالة المعاد توجيهها",
    "th": "ข้อความที่ส่งต่อ|เริ่มข้อความที่ส่งต่อ",
    "is": "áframsent skeyti|framsend skilaboð",
}

# Said of the mail below: it is what this one answers, or forwards (Outlook, Android, QQ, IONOS and others).
ORIGINAL: dict[str, str] = {
    "en": (
        "original message|original mail|original email|original e-mail|original appointment|original|"
        "original message text|original message from|reply message|replied message"
    ),
    "de": (
        "ursprüngliche nachricht|originalnachricht|original-nachricht|originale nachricht|ursprüngliche mail|"
        "original nachricht|antwort nachricht|ursprünglicher termin|urspr. nachricht|originalmail"
    ),
    "fr": (
        "message d'origine|message original|message initial|courriel original|mail original|e-mail d'origine|"
        "message d’origine"
    ),
    "es": "mensaje original|correo original",
    "it": "messaggio originale|messaggio originario|messaggio di origine",
    "nl": "oorspronkelijk bericht|origineel bericht|oorspronkelijke bericht|origineel mailbericht",
    "pt": "mensagem original|correio original",
    "pl": "wiadomość oryginalna|oryginalna wiadomość|pierwotna wiadomość|wiadomość pierwotna|oryginał wiadomości",
    "sv": "ursprungligt meddelande|originalmeddelande|ursprungsmeddelande",
    "da": "oprindelig meddelelse|oprindelig besked|original meddelelse|original besked|den oprindelige meddelelse",
    "no": "opprinnelig melding|original melding|opprinnelig beskjed",
    "fi": "alkuperäinen viesti|alkuperäinen sanoma|alkup. viesti",
    "cs": "původní zpráva|původní e-mail",
    "sk": "pôvodná správa|originál správy",
    "sl": "izvirno sporočilo|originalno sporočilo",
    "hr": "izvorna poruka|originalna poruka|izvornik",
    "hu": "eredeti üzenet|eredeti levél",
    "ro": "mesaj original|mesajul original|mesaj inițial",
    "bg": "оригинално съобщение|първоначално съобщение",
    "ru": "исходное сообщение|исходное письмо|оригинальное сообщение|первоначальное сообщение|оригинал сообщения",
    "uk": "вихідне повідомлення|оригінальне повідомлення|початкове повідомлення|оригінал повідомлення",
    "el": "αρχικό μήνυμα|πρωτότυπο μήνυμα",
    "tr": "orijinal mesaj|özgün ileti|orijinal ileti|asıl mesaj|orjinal mesaj|özgün mesaj",
    "et": "algne kiri|algsõnum",
    "lt": "pradinis laiškas|originalus laiškas",
    "ca": "missatge original",
    "vi": "thư gốc|tin nhắn gốc|tin nhắn ban đầu",
    "id": "pesan asli",
    "ja": "元のメッセージ|オリジナルメッセージ|元のメール|元メール",
    "zh": "原始邮件|原始郵件|原邮件|原始信息|原始訊息|原郵件|回复的原邮件|邮件原件|回复的邮件",
    "ko": "원본 메시지|원본 메일|원본 이메일|원래 메시지",
    "he": "הודעה מקורית",
    "ar": "الرسالة الأصلية|رسالة أصلية",
    "th": "ข้อความต้นฉบับ",
}

# Said below a forwarded mail: it ends here.
FORWARD_ENDS = (
    "end forwarded message|end of forwarded message|end of original message text|end of forwarded mail|"
    "ende der weitergeleiteten nachricht|fin du message transféré|fin du message réexpédié|"
    "fin del mensaje reenviado|fine del messaggio inoltrato|fine messaggio inoltrato|einde doorgestuurd bericht|"
    "fim da mensagem encaminhada|fim da mensagem reencaminhada|koniec przekazywanej wiadomości|"
    "koniec przekazanej wiadomości|slut på vidarebefordrat meddelande|slut på videresendt meddelelse|"
    "slutt på videresendt melding|välitetty viesti päättyy|konec přeposlané zprávy|konec přeposílané zprávy|"
    "továbbított levél vége|sfârșitul mesajului redirecționat|конец пересылаемого сообщения|"
    "завершение пересылаемого сообщения|конец переадресованного сообщения|конец переадресованного письма|"
    "кінець пересланого повідомлення|кінець переспрямованого повідомлення"
)

# The verb of an attribution ("On ... wrote:") as its last word or words.
WROTE: dict[str, str] = {
    "en": "wrote|writes|write|said|you wrote",
    "de": "schrieb|schrieb folgendes|hat geschrieben|geschrieben|schrieben|schreibt",
    "fr": "a écrit|écrit|a ecrit|écrivait",
    "es": "escribió|escribio|ha escrito|escribía|va escriure",
    "it": "ha scritto|scrisse|scrive|scriveva",
    "nl": "schreef|geschreven|schrijft",
    "pt": "escreveu|escreveram",
    "pl": "napisał|napisała|napisał(a)|napisał/a|napisał(-a)|pisze|pisał|pisał(a)|napisano",
    "sv": "skrev",
    "da": "skrev",
    "no": "skrev",
    "is": "skrifaði",
    "fi": "kirjoitti",
    "cs": "napsal|napsala|napsal(a)|napsal/a|píše",
    "sk": "napísal|napísala|napísal(a)|napísal/a",
    "sl": "napisal|napisala|je napisal|je napisal(a)|napisal(a)",
    "hr": (
        "napisao|napisala|je napisao/la|napisao/la|napisao je|je napisao|je napisala|napisao(la)|napisao/la je|"
        "је написао|је написао/ла|пише"
    ),
    "hu": "írta|ezt írta|írta (időpont",
    "ro": "a scris|scris",
    "bg": "написа",
    "ru": "написал|написала|написал(а)|писал|писал(а)|пишет|написал(-а)|написали",
    "uk": "пише|написав|написала|написав(ла)|написав/ла|писав|написав(-ла)",
    "el": "έγραψε|έγραψε τα εξής",
    "tr": "yazdı|şunu yazdı|şunları yazdı|tarihinde şunu yazdı",
    "et": "kirjutas",
    "lv": "rakstīja",
    "lt": "rašė",
    "vi": "đã viết|viết|đã ghi",
    "id": "menulis",
    "ja": "のメール|書きました|wrote|のメッセージ|は書きました",
    "zh": "写道|寫道|写到|写信|已写",
    "ko": "작성|님이 작성|썼습니다|님 작성",
    "he": "כתב|כתבה|כתב/ה",
    "ar": "كتب|كتبت",
    "th": "เขียนว่า|เขียน",
}

# Verbs that may stand before the name: "Am 3.2. schrieb Max:".
WROTE_NAME = "schrieb|schreef|skrev|skrifaði|kirjoitti|heeft|napisał|napsal|escribió|escreveu|пишет|a écrit"

# Said above a quotation: the answers stand in it, or in a colour of their own; or it is what the mail is about.
_ANSWERS = (
    r"(?:answer|comment|repl(?:y|ie)|respon[sd]|remark|antwort|anmerkung|kommentar|répon[ds]|commentaire|rispo(?:st|nd)"
    r"|respuest|respond|comentario|respost|antwoord|opmerking|odpowied|svar|回答|回复|コメント)"
)
_INSIDE = (
    r"(?:\b(?:inline|in[ -]line|below|in (?:red|blue|green|bold|colou?r|the text|your (?:mail|text)))\b"
    r"|\b(?:in (?:rot|blau|grün)|im text|unten|darunter)\b"
    r"|\b(?:en (?:rouge|bleu|vert)|ci-dessous|dans le (?:texte|corps))\b"
    r"|\b(?:in (?:rosso|blu|verde)|qui sotto|en (?:rojo|azul|verde)|abajo|en el texto)\b"
    r"|\b(?:em (?:vermelho|azul)|abaixo|no texto|in het (?:rood|blauw)|hieronder|in de tekst)\b"
    r"|\b(?:na (?:czerwono|niebiesko)|poniżej|(?:i|med) (?:rött|blått|rødt|blåt)|ned(?:an|enfor))\b"
    r"|赤字|青字|文中|红[字色]|見下|见下)"
)
_SEE_BELOW = (
    r"\b(?:see|read|check|find|refer to|look at)\b[^\n.!?]{0,40}below\b"
    r"|\b(?:mail|message|thread|chain|report|request) below\b"
    r"|\bsiehe (?:unten|untere|nachstehend|folgende)|\bs\. ?u\.|\b(?:mail|nachricht|anfrage|verlauf|meldung) unten\b"
    r"|\b(?:unten|nach)stehende|\bvoir (?:plus bas|ci-dessous)|\bvedi (?:qui )?sotto\b|\bzie (?:hieronder|onder)"
    r"|\b(?:ver|vea|véase|mira|veja|vide) (?:más )?(?:abajo|abaixo)\b|\bpatrz poniżej|\bse (?:nedan|nedenfor)\b"
    r"|\bсм(?:\.|отрите) ниже"
)
INSIDE = re.compile(rf"{_ANSWERS}[^\n.!?]{{0,40}}{_INSIDE}|{_SEE_BELOW}")

# What a device or an app writes below the mails it sends; verbose patterns, the rest of the line names it.
MOBILE: tuple[str, ...] = (
    r"(?:(?:this\ (?:mail|email|e-mail|message)\ was\ )?sent\ (?:wirelessly\ |securely\ )?from\ my)\ ",
    r"sent\ (?:from|via|with|using|by)\ |get\ \[?outlook\ for\ ",
    r"from\ my\ (?:iphone|ipad|android|mobile|phone|samsung|blackberry)",
    r"(?:diese\ (?:nachricht|e-mail)\ wurde\ )?(?:gesendet|geschickt)\ (?:von|mit|via|über|aus)\ ",
    r"(?:diese\ (?:nachricht|e-mail)\ wurde\ )?von\ (?:meinem|meiner|unterwegs|mein)\b.{0,60}(?:gesendet|geschickt)",
    r"holen\ sie\ sich\ outlook\ für\ ",
    r"envoy[ée]{1,2}\ (?:sans\ fil\ )?(?:de|depuis|à\ partir|avec|par|via|du)\ ",
    r"(?:télécharger|obtenir)\ outlook\ pour\ ",
    r"enviado\ (?:desde|de|do|a\ partir|con|com|pelo|via|por)\ ",
    r"(?:obtener|obter\ o?\ ?)\ ?outlook\ para\ ",
    r"inviat[oa]\ (?:da|dal|con|tramite|dall)\b|(?:scarica|ottieni)\ outlook\ per\ ",
    r"(?:verzonden|verstuurd)\ (?:vanaf|met|via|vanuit|van)\ |outlook\ voor\ (?:ios|android)\ downloaden",
    r"wysłan[eoay]{1,2}\ (?:z|ze|przez|za\ pomocą)\ ",
    r"(?:skickat|skickades)\ (?:från|med|via)\ |sendt\ (?:fra|med|via)\ ",
    r"lähetetty\ \w{1,30}(?:ltä|lta|stä|sta|lla|llä)\b|lähetetty\ (?:iphone|ipad)",
    r"odesláno\ (?:z|ze|pomocí)\ |odoslané\ (?:z|zo)\ |poslano\ (?:z|s|iz|sa)\ ",
    r"отправлено\ (?:с|из|через)\ |надіслано\ (?:з|із|за\ допомогою)\ |відправлено\ (?:з|із)\ ",
    r".{0,30}\ gönderildi$|trimis\ (?:de\ pe|din|prin)\ |(?:küldve|elküldve)\ |στάλθηκε\ από\ ",
    r".{0,30}から送信(?:されました)?$|(?:从|從).{1,30}(?:发送|傳送|发出)$|(?:发自|發自).{1,30}$|.{1,30}에서\ 보냄$",
    r"skaff\ deg\ outlook\ for\ |få\ outlook\ til\ |skaffa\ outlook\ för\ |hanki\ outlook\ |pobierz\ outlook\ dla\ ",
    r"získat\ outlook\ pro\ |obțineți\ outlook\ pentru\ |(?:получить|скачать|отримати)\ outlook\ для\ ",
    r"(?:获取|取得)\ .{0,6}outlook|[^.!?]{0,40}\boutlook\b[^.!?]{0,30}[<(]?https://aka\.ms/|yahoo\ mail\ ?:\ ",
    r"נשלח\ מה|أرسلت\ من\ |được\ gửi\ từ\ |đã\ gửi\ từ\ |dikirim\ dari\ ",
)
# How such a line begins, and how it ends where it begins with the device.
MOBILE_FIRST = (
    "thi|sen|get|fro|die|ges|von|hol|env|tél|obt|inv|sca|ott|ver|out|wys|ski|läh|ode|odo|pos|отп|над|від|tri|kül|elk|"
    "στά|发自我|發自我|发自 |發自 |נשל|أرس|đượ|đã |dik|ska|få |han|pob|zís|пол|ска|отр|obț|获取 |取得 |yah"
)
MOBILE_LAST = "送信|されました|发送|傳送|发出|보냄|gönderildi"

# What a legal notice below a mail says: of a secret, and of who may read it. Both must be there.
NOTICE_SECRET = (
    r"\b(?:e-?mail|message|communication|transmission|information)\b.{0,160}\b(?:confidential|privileged)",
    r"\bconfidentiality notice\b",
    r"\b(?:e-?mail|nachricht|mitteilung|information\w*)\b.{0,160}\bvertraulich",
    r"\b(?:message|courriel|courrier|e-?mail|mail)\b.{0,160}\b(?:confidentiel|secret professionnel)",
    r"\b(?:mensaje|correo|e-?mail|mensagem|informações|información)\b.{0,160}\bconfidencia",
    r"\b(?:messaggio|e-?mail|informazioni|comunicazione)\b.{0,160}\b(?:riservat|confidenzial)",
    r"\b(?:e-?mail|bericht)\b.{0,160}\bvertrouwelijk|\b(?:wiadomość|korespondencja|e-?mail)\b.{0,160}\bpoufn",
    r"\b(?:meddelande|e-?post\w*|e-?mail|melding|meddelelse|mail)\b.{0,160}\b(?:konfidenti|fortrolig)",
    r"\b(?:сообщение|письмо|информация)\b.{0,160}\bконфиденциальн|(?:メール|邮件|郵件).{0,80}(?:機密|秘密|保密|机密)",
)
# One of these is in each of those.
NOTICE_ROOTS = (
    "confiden", "privileged", "vertraulich", "secret professionnel", "riservat", "vertrouwelijk", "poufn", "konfidenti",
    "fortrolig", "конфиденциальн", "機密", "秘密", "保密", "机密",
)  # fmt: skip
NOTICE_ADDRESSEE = (
    r"\b(?:intended|addressee|recipient|in error|delete)\b|adressat|empfänger|irrtümlich|löschen|destinata|erreur",
    r"2016/679|por error|por erro|per errore|geadresseerde|bestemd|ontvanger|adresat|omyłk",
    r"mottagare|modtager|mottaker|avsedd",
    r"получател|адресат|ошибк|удалить|誤って|宛先|削除|收件人|删除|刪除",
)

# What companies write below their mails, often in one long line: what the law asks for, and not to print them.
COMPANY = (
    r"\bHR[AB]\s?\d|Amtsgericht|Handelsregister|Firmenbuch|Geschäftsführ|\bUSt\.?-?Id|[Rr]egistered (?:office|in)\b",
    r"[Cc]ompany (?:[Nn]o|[Nn]umber|[Rr]eg)|\bVAT\b|\bRCS\b|\bSIREN\b|\bSIRET\b|[Cc]apital social|\bP\.?\s?IVA\b",
    r"[Pp]artita IVA|[Cc]ap(?:itale)?\.? [Ss]oc|\bREA\b|\bC\.?I\.?F\.?\b|Registro Mercantil|\bCNPJ\b|\bKvK\b|\bBTW\b",
    r"(?i:environment|umwelt|environnement|medio ambiente|\bambiente|milieu|środowisk|miljö|miljø)",
    r"\bKRS\b|\bNIP\b|\bREGON\b|[Ss]ąd Rejonowy|[Oo]rg\.?\s?nr|\bCVR\b|[Yy]-tunnus",
)

# A closing formula on a line of its own; a name follows.
CLOSINGS = (
    "regards|best regards|kind regards|kindest regards|warm regards|many regards|best|best wishes|all the best|cheers|"
    "thanks and regards|thanks & regards|yours sincerely|yours faithfully|yours truly|yours|sincerely|sincerely yours|"
    "respectfully|br|rgds|with kind regards|with best regards|warmly|cordially|mit freundlichen grüßen|"
    "mit freundlichen grüssen|mit freundlichem gruß|mit freundlichem gruss|freundliche grüße|freundliche grüsse|"
    "viele grüße|viele grüsse|beste grüße|beste grüsse|liebe grüße|liebe grüsse|herzliche grüße|herzliche grüsse|"
    "schöne grüße|gruß|grüße|gruss|grüsse|mfg|lg|vg|mit besten grüßen|mit lieben grüßen|besten gruß|hochachtungsvoll|"
    "cordialement|bien cordialement|bien à vous|salutations|meilleures salutations|cdlt|sincères salutations|"
    "amicalement|respectueusement|bonne journée|saludos|un saludo|saludos cordiales|atentamente|cordialmente|"
    "un cordial saludo|atte|salutacions|cordiali saluti|distinti saluti|saluti|un saluto|cari saluti|buona giornata|"
    "met vriendelijke groet|met vriendelijke groeten|vriendelijke groet|vriendelijke groeten|groet|groeten|mvg|"
    "hartelijke groet|atenciosamente|cumprimentos|com os melhores cumprimentos|melhores cumprimentos|abraços|abraço|"
    "att|pozdrawiam|z poważaniem|z powazaniem|pozdrowienia|serdecznie pozdrawiam|z wyrazami szacunku|"
    "med vänlig hälsning|med vänliga hälsningar|vänliga hälsningar|vänlig hälsning|hälsningar|mvh|med venlig hilsen|"
    "venlig hilsen|de bedste hilsner|bedste hilsner|mange hilsner|hilsen|kh|med vennlig hilsen|vennlig hilsen|"
    "med hilsen|dbh|hilsner|kveðja|kær hilsen|kærlig hilsen|ystävällisin terveisin|terveisin|terv|yt|"
    "parhain terveisin|lugupidamisega|tervitades|s pozdravem|s přátelským pozdravem|hezký den|s pozdravom|"
    "s priateľským pozdravom|lep pozdrav|lp|s poštovanjem|srdačan pozdrav|pozdrav|lijep pozdrav|с поштовањем|"
    "üdvözlettel|tisztelettel|köszönettel|üdv|cu stimă|cu respect|o zi bună|cu drag|с уважением|"
    "с наилучшими пожеланиями|з повагою|з найкращими побажаннями|с уважение|поздрави|με εκτίμηση|φιλικά|saygılarımla|"
    "saygılar|iyi çalışmalar|ar cieņu|pagarbiai|trân trọng|thân mến|salam|hormat saya|敬具|"
    "よろしくお願いいたします|よろしくお願いします|此致|"
    "敬礼|敬禮|祝好|בברכה|مع أطيب التحيات|تحياتي"
)
# The same, but it says something too.
THANKS = (
    "thanks|thank you|many thanks|thanks in advance|thanks again|merci d'avance|merci|muchas gracias|gracias|grazie|"
    "obrigado|obrigada|teşekkürler|terima kasih|谢谢|謝謝|감사합니다|תודה|شكرا"
)

# Small words inside a name.
NAME_PARTICLES = "van|von|der|den|de|del|della|di|da|do|dos|das|du|le|la|el|ter|ten|zu|zum|y|e|bin|ibn|al|af|av"

# Prefixes of a subject that say that the mail answers, or that it forwards.
_REPLY_PREFIXES = (
    "ad|antw|antwort|atb|aw|bls|odp|r|re|ref|res|rif|sv|vs|vá|yan|ynt|απ|ηλ|πσ|відп|отв|ответ|"
    "הש|תגובה|رد|回|回复|回覆|答复|答覆|返信|답장|회신"
)
_FORWARD_PREFIXES = (
    "doorst|enc|fs|fw|fwd|hl|i|ilt|inoltro|pd|pren|przek|přep|redirect|rv|rép|továbbítás|tr|"
    "trs|vb|vl|wg|πρθ|προ|пер|перенапр|пересл|הועבר|إعادة|転送|轉寄|轉發|转|转发|전달"
)
REPLY_PREFIXES = frozenset(_REPLY_PREFIXES.split("|"))
FORWARD_PREFIXES = frozenset(_FORWARD_PREFIXES.split("|"))
