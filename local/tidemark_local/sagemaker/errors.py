"""SageMaker's errors, by the names and status codes of its API reference (CommonErrors and each operation's Errors)."""


class SageMakerError(Exception):
    """An error of the API: `code` is what SDKs report as the error's name, `extra` its further members."""

    def __init__(self, code: str, message: str, status: int = 400, **extra: object):
        super().__init__(message)
        self.code, self.message, self.status, self.extra = code, message, status, extra


def validation(message: str) -> SageMakerError:
    """The control plane's answer to a request it cannot accept; a missing model or endpoint is one as well."""
    return SageMakerError("ValidationException", message)


def resource_in_use(message: str) -> SageMakerError:
    return SageMakerError("ResourceInUse", message)


def resource_limit_exceeded(message: str) -> SageMakerError:
    return SageMakerError("ResourceLimitExceeded", message)


def conflict(message: str) -> SageMakerError:
    return SageMakerError("ConflictException", message)
