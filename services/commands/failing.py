"""How a command fails: one clear message, and an exit code that a script can tell apart."""

from __future__ import annotations

from aiokafka.errors import KafkaError

from services.commands.approvals.pending import NoSuchApproval
from services.commands.ask import NoAnswer
from services.commands.clients.known import NoSuchClient
from services.commands.codes import ALREADY_RUNNING, FAILED, NO_ANSWER, WRONG_SETTINGS
from services.commands.day_close.accepting import NothingToAccept
from services.commands.letters import NoSuchLetter, WrongUse
from services.commands.moment import InvalidTime
from services.commands.plans.applying import StalePlan
from services.commands.plans.selected import NotMapped
from services.commands.screen import errors
from services.refund_exporter.returns.request import RequestInvalid
from services.shared.broker import BrokerError
from services.shared.messaging.reaching import NotYet
from services.shared.messaging.topics import TopicsNotCreated
from services.shared.running.serving import CannotListen
from services.shared.settings import SettingsError
from services.shared.settings.base import SecretMissing
from services.shared.state.lock import AlreadyRunning
from services.shared.state.trouble import first_cause
from services.shared.upstream.errors import UpstreamError

SETTINGS = (SettingsError, SecretMissing, CannotListen, WrongUse, InvalidTime)
PLAIN = (
    UpstreamError, NoSuchLetter, NoSuchApproval, NoSuchClient, NothingToAccept, StalePlan, NotMapped, BrokerError,
    TopicsNotCreated, RequestInvalid,
    OSError,
)  # fmt: skip


def failed(error: BaseException) -> int:
    """Say what failed and give the exit code. An error that nobody foresaw is raised again, with its traceback."""
    error = first_cause(error)
    match error:
        case NoAnswer():
            code, text = NO_ANSWER, str(error)
        case NotYet():
            code, text = NO_ANSWER, str(error)
        case AlreadyRunning():
            code, text = ALREADY_RUNNING, str(error)
        case KafkaError():
            code, text = FAILED, f"Kafka does not answer as it should ({error!r}): is kafka.bootstrap-servers right?"
        case _ if isinstance(error, SETTINGS):
            code, text = WRONG_SETTINGS, str(error)
        case _ if isinstance(error, PLAIN):
            code, text = FAILED, str(error)
        case _:
            raise error
    errors.print(text, style="red", markup=False, soft_wrap=True)
    return code
