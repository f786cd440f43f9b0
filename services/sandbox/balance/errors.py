"""Error responses: plain text from the platform, `{"Error": [...]}` from the Exchange service, with their texts."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

HANDLER = "ОбработкаПроведения"
"""The posting handler that a failure to post names in every language (Balance fact 21)."""

TEXTS: dict[str, dict[str, str]] = {
    "array": {
        "ka": "მოთხოვნის ტანი უნდა იყოს ობიექტების მასივი",
        "ru": "Тело запроса должно быть массивом объектов",
    },
    "missing": {"ka": "არ არის შევსებული ველი {field}", "ru": "Не заполнено поле {field}"},
    "no-lines": {"ka": 'ცხრილური ნაწილი "Items" ცარიელია', "ru": 'Табличная часть "Items" пуста'},
    "field": {"ka": "უცნობი ველი {field}", "ru": "Неизвестное поле {field}"},
    "number": {
        "ka": "სტრიქონი {line}: ველის {field} მნიშვნელობა არ არის რიცხვი: {value}",
        "ru": "Строка {line}: значение поля {field} не является числом: {value}",
    },
    "date": {"ka": "ველი {field} არ არის თარიღი: {value}", "ru": "Поле {field} не является датой: {value}"},
    "reference": {
        "ka": "ველი {field}: ობიექტი ვერ მოიძებნა: {value}",
        "ru": "Поле {field}: объект не найден: {value}",
    },
    "quantity": {
        "ka": "სტრიქონი {line}: რაოდენობა უნდა იყოს ნულზე მეტი: {value}",
        "ru": "Строка {line}: количество должно быть больше нуля: {value}",
    },
    "negative": {
        "ka": "სტრიქონი {line}: თანხა არ შეიძლება იყოს უარყოფითი: {value}",
        "ru": "Строка {line}: сумма не может быть отрицательной: {value}",
    },
    "amount": {
        "ka": "სტრიქონი {line}: თანხა {value} არ უდრის რაოდენობისა და ფასის ნამრავლს {meant}",
        "ru": "Строка {line}: сумма {value} не равна произведению количества и цены {meant}",
    },
    "operation": {
        "ka": "ველი OperationType: უცნობი მნიშვნელობა: {value}",
        "ru": "Поле OperationType: неизвестное значение: {value}",
    },
    "base": {
        "ka": "ველი BaseDocument: საფუძველი ვერ მოიძებნა: {value}",
        "ru": "Поле BaseDocument: документ-основание не найден: {value}",
    },
    "series": {"ka": "სტრიქონი {line}: მიუთითეთ სერია", "ru": "Строка {line}: не указана серия"},
    "uid": {"ka": "ობიექტი ვერ მოიძებნა: uid {value}", "ru": "Объект не найден: uid {value}"},
    "client-id": {
        "ka": "კონტრაგენტი საიდენტიფიკაციო კოდით {value} უკვე არსებობს",
        "ru": "Контрагент с кодом {value} уже существует",
    },
    "period": {
        "ka": "{handler}: პერიოდი დახურულია {value}-მდე, დოკუმენტის თარიღი {meant}",
        "ru": "{handler}: период закрыт до {value}, дата документа {meant}",
    },
    "stock": {
        "ka": "{handler}: საწყობში არ არის საკმარისი ნაშთი: {value}, აკლია {meant}",
        "ru": "{handler}: недостаточно остатка на складе: {value}, не хватает {meant}",
    },
    "second-note": {
        "ka": "{handler}: რეალიზაციაზე {value} უკვე არსებობს საკრედიტო დოკუმენტი {meant}",
        "ru": "{handler}: по реализации {value} уже есть кредит-нота {meant}",
    },
}


def error_text(language: str, key: str, **values: Any) -> str:
    """One message of Balance, e.g. `text("ka", "missing", field="Date")`."""
    return TEXTS[key][language].format(handler=HANDLER, **values)


class PlatformRefusal(Exception):
    """The platform rejected a request, in plain text."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.response: Response = PlainTextResponse(message, status, headers)


class ExchangeRefusal(Exception):
    """The Exchange service rejected a write: `{"Error": [texts]}`."""

    def __init__(self, status: int, texts: list[str]) -> None:
        super().__init__("; ".join(texts))
        self.response: Response = JSONResponse({"Error": texts}, status)
