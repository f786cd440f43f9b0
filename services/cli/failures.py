"""Errors of commands: one message, and an exit code for scripts."""

from __future__ import annotations

from aiokafka.errors import KafkaError

from services.accounting.documents.return_requests import RequestInvalid
from services.cli.approvals import ApprovalNotFound
from services.cli.clients.history import ClientNotFound
from services.cli.command import ALREADY_RUNNING, FAILED, NO_ANSWER, WRONG_SETTINGS, InvalidArgument
from services.cli.dead_letter_log import DeadLetterNotFound
from services.cli.events.export import ExportRefused, TopicDataMissing
from services.cli.events.records import InvalidExportLine, UnknownName
from services.cli.events.replay import ReplayRefused, ReplayUnconfirmed
from services.cli.plans.apply import GroupsNotMapped, StalePlan
from services.cli.requests import NoAnswer
from services.cli.screen import print_failure, print_traceback
from services.cli.times import InvalidTime
from services.console.model.days.close import DifferenceNotFound
from services.engine.kafka.authorization import RulesRefused
from services.engine.kafka.availability import KafkaNotReady
from services.engine.kafka.topics import TopicsNotCreated
from services.engine.outbox.upstream_errors import UpstreamError
from services.engine.runtime.serving import CannotListen
from services.engine.state.errors import first_cause
from services.engine.state.lock import AlreadyRunning
from services.settings import SettingsError
from services.settings.base import SecretMissing

SETTINGS = (
    SettingsError, SecretMissing, CannotListen, InvalidArgument, InvalidTime, UnknownName, ReplayRefused,
)  # fmt: skip
PLAIN = (
    UpstreamError, DeadLetterNotFound, ApprovalNotFound, ClientNotFound, DifferenceNotFound, StalePlan, GroupsNotMapped,
    TopicsNotCreated, RequestInvalid, TopicDataMissing, ExportRefused, InvalidExportLine, ReplayUnconfirmed,
    RulesRefused, OSError,
)  # fmt: skip


def report_failure(error: BaseException) -> int:
    """Print the error and return the exit code. An unexpected error is printed with its traceback."""
    error = first_cause(error)
    match error:
        case NoAnswer():
            code, text = NO_ANSWER, str(error)
        case KafkaNotReady():
            code, text = NO_ANSWER, str(error)
        case AlreadyRunning():
            code, text = ALREADY_RUNNING, str(error)
        case KafkaError():
            code, text = FAILED, f"Kafka failed ({error!r}). Check kafka.bootstrap-servers."
        case _ if isinstance(error, SETTINGS):
            code, text = WRONG_SETTINGS, str(error)
        case _ if isinstance(error, PLAIN):
            code, text = FAILED, str(error)
        case _:
            print_traceback(error)
            return FAILED
    print_failure(text)
    return code
