"""The words of notes that the settings leave as they are, by language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from services.settings.notes import Text

TEXTS: Mapping[Literal["en", "ka"], Mapping[Text, str]] = {
    "en": {
        "sale": "Balance: order {order} is recorded as Sale {document} of {date}, {total} {currency}.",
        "credit-note": "Balance: order {order} has credit note {document} of {date}, {total} {currency}.",
        "plan": "Davtari, dry run: order {order} would become a Sale of {date}, {total} {currency}.",
        "parked": "Davtari: order {order} waits for a person before it can be recorded in Balance. {cause} ({reason})",
        "waybill": "Waybill {waybill}.",
    },
    "ka": {
        "sale": "ბალანსი: შეკვეთა {order} გატარდა, რეალიზაცია {document}, {date}, {total} {currency}.",
        "credit-note": "ბალანსი: შეკვეთა {order}-ზე გატარდა დაბრუნება {document}, {date}, {total} {currency}.",
        "plan": "დავთარი, საცდელი რეჟიმი: შეკვეთა {order} გატარდებოდა რეალიზაციად, {date}, {total} {currency}.",
        "parked": "დავთარი: შეკვეთა {order} ბალანსში ჯერ ვერ ტარდება, საჭიროა ადამიანის ჩარევა. {cause} ({reason})",
        "waybill": "ზედნადები {waybill}.",
    },
}
