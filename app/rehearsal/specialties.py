"""Which specialty a diagnosis or a complaint suggests: a table of words, good enough to spread a rehearsal over desks.

It is no triage and never runs for a real patient: there the doctor chooses.
"""

import re
from typing import Final

# The first line that matches decides; codes are in order of preference. English, with the typing errors of the wards.
_WORDS: Final[dict[tuple[str, ...], str]] = {
    ("K02", "K03"): r"arrest|resuscitat|\bshock|anaphyla|respiratory failure|unconscious|sepsis|septic shock",
    ("K27",): r"pregnan|vaginal|pelvic infl|ovar|menorr|uterus|uterine|abortion|labou?r pain|hyperemesis",
    ("K20", "K14"): (
        r"subarachnoid|subdural|epidural|intracranial|intracerebral|head trauma|injury of head|head injury|"
        r"skull"
    ),
    (
        "STROKE",
        "K14",
    ): r"cerebral infarct|cerebrovascular|stroke|transient isch|dysarthria|side weakness|hemip|sided weak",
    ("K04", "K03"): (
        r"angina|coronary|myocard|cardi|atrial|tachyc|bradyc|palpit|heart|isch[a]?emic chest|chest pain|"
        r"chest discom|syncope"
    ),
    ("TOX", "K02"): r"intoxic|poison|overdose|ingest|mushroom|alcohol|drug|pesticide|suicid|\bdi\b|toxic",
    ("VASC", "K21", "K04"): r"aortic|aneurysm|limb isch|deep vein|arterial embol|varicose|arteriovenous|avf",
    ("K21", "K24"): r"pneumothorax|ha?emothorax|\bribs?\b|thorax|sternum|chest wall|chest trauma",
    ("K14", "K03"): (
        r"seizure|convuls|epilep|headache|dizz|vertigo|vestibul|palsy|encephal|amnesia|mental change|numb|"
        r"tremor"
    ),
    ("K29", "K28"): r"tooth|dental|gingiv|mandib|\bjaw|oral cavity|\blip\b|laceration of face|face",
    ("K28",): (
        r"epistaxis|tonsil|pharyn|throat|\bear\b|otitis|epiglott|nasal|nose|sinus|laryn|hearing|tinnitus|"
        r"fish bone"
    ),
    ("K23", "K07"): r"ureter|urolith|prostat|urinary ret|retension|hematuria|haematuria|testic|scrot|voiding|foley",
    ("K07", "K03"): r"kidney|pyelone|renal|nephr|urinary|dysuria|dialysis|natr[a]?emia|kal[a]?emia|flank|urem",
    ("K22", "K05"): r"appendic|cholecyst|peritonit|ileus|perforat|acute abdomen|hernia|cholang|bile duct|gallbl",
    ("K33", "K03"): r"carcinoma|malignan|cancer|neoplasm|tumou?r|lymphoma|leuk[a]?emia|metasta",
    ("K24", "K31"): (
        r"fractur|dislocat|sprain|contusion|lacerat|injury|wound|abrasion|burn|limb|back pain|disc |arthr|"
        r"gout|knee|ankle|wrist|shoulder|finger|arm pain|leg pain|\blbp\b|foot|hip pain|rhabdo|spine"
    ),
    ("K12", "K03", "K02"): r"pneumon|asthma|copd|dyspn|cough|hemopty|haemopty|tubercul|hypervent|bronch|pleur|sob\b",
    ("K05", "K03"): (
        r"gastr|colitis|ha?emorrhage|pancrea|cirrho|hepat|liver|abd|epigas|constip|vomit|diarr|naus|melena|"
        r"hematem|ascites|duoden|dyspep|hematoch"
    ),
    ("K11", "K03"): r"fever|viral|cellulit|infect|malaria|dengue|mening|herpes|tetan|abscess|chill|uri\b|influenza",
}
_TABLE: Final = tuple((re.compile(words, re.IGNORECASE), codes) for codes, words in _WORDS.items())
GENERAL: Final = ("K03", "K02")


def suggest(diagnosis: str, complaint: str, *, urgent: bool) -> list[str]:
    """Return codes, best first: by the diagnosis, then by the complaint, then a general one."""
    found: list[str] = []
    for text in (diagnosis, complaint):
        found += next((codes for words, codes in _TABLE if words.search(text)), ())
    found += reversed(GENERAL) if urgent else GENERAL
    return list(dict.fromkeys(found))
