"""The one error tree.

Every message is one sentence with the value that was wrong; every hint says what to do. A test compares this
drawing with the classes: name, code, exit status where it is not the parent's.

    KbError                        error               1
    ├── UsageError                 usage               2     the request itself is wrong
    │   ├── InvalidName            invalid_name
    │   ├── UnknownSetting         unknown_setting
    │   ├── InvalidSetting         invalid_setting
    │   ├── AlreadyExists          already_exists
    │   ├── NotFound               not_found
    │   ├── TooLarge               too_large                 a limit or quota of the service
    │   ├── Unauthorized           unauthorized              no API key, or not a valid one
    │   └── Forbidden              forbidden                 the key may not do this
    ├── TryLater                   try_later                 the service is too busy now
    │   └── RateLimited            rate_limited              this client asks too often
    ├── MissingExtra               missing_extra             a package that is not installed
    ├── ModelNotFound              model_not_found           a model folder or name that is not there
    ├── ModelMismatch              model_mismatch            the base was made by another embedder or model
    ├── GenerationFailed           generation                the language model could not answer
    │   ├── NotEnoughMemory        memory                    known before the model is loaded
    │   ├── PromptTooLong          prompt_too_long           no room for an answer in the model's window
    │   ├── CannotCallTools        cannot_call_tools         the model can be no agent
    │   ├── InvalidLogits          generation                a model's numbers broke down in one answer
    │   └── ModelServerFailed      model_server              a model behind HTTP is down, slow or refuses
    ├── EmbeddingServerFailed      embedding_server          an embedder behind HTTP, likewise
    ├── ClusterFailed              cluster                   a Ray cluster that cannot be reached
    ├── LoadError                  unreadable                one file; the rest of a batch goes on
    ├── StorageError               storage                   a damaged or unwritable store
    │   ├── BrokenArchive          broken_archive            an export that is not intact
    │   ├── StorageFull            storage_full              no space left
    │   ├── StoreUnavailable       store_unavailable         a server that does not answer
    │   └── Busy                   busy                      another process is writing
    └── Interrupted                interrupted         130   stopped by the user; what is done stays
"""


class KbError(Exception):
    """Base of every error shown to a user: a sentence, and a hint that says how to mend it."""

    code = "error"
    exit_status = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(KbError):
    """The request itself is wrong; the same request fails again."""

    code = "usage"
    exit_status = 2


class InvalidName(UsageError):
    """A knowledge base or document name that is not allowed."""

    code = "invalid_name"


class UnknownSetting(UsageError):
    """A key in a settings file or the environment that no setting has."""

    code = "unknown_setting"


class InvalidSetting(UsageError):
    """A setting whose value cannot be used."""

    code = "invalid_setting"


class AlreadyExists(UsageError):
    """Something of that name is there already."""

    code = "already_exists"


class NotFound(UsageError):
    """Nothing of that name is there."""

    code = "not_found"


class TooLarge(UsageError):
    """More than a limit or quota of the service allows."""

    code = "too_large"


class Unauthorized(UsageError):
    """No API key was given, or one that is not valid."""

    code = "unauthorized"


class Forbidden(UsageError):
    """The API key is valid but may not do this."""

    code = "forbidden"


class TryLater(KbError):
    """The service has too much to do now; `seconds` says when to come again."""

    code = "try_later"

    def __init__(self, message: str, hint: str = "", seconds: int = 1) -> None:
        super().__init__(message, hint)
        self.seconds = seconds


class RateLimited(TryLater):
    """A client asks more often than it may."""

    code = "rate_limited"


class MissingExtra(KbError):
    """A backend whose package is not installed; the hint is the command that installs it."""

    code = "missing_extra"


class ModelNotFound(KbError):
    """A model folder or name that is not on this machine."""

    code = "model_not_found"


class ModelMismatch(KbError):
    """The knowledge base was made by another embedder, or its datastore by another language model, than configured."""

    code = "model_mismatch"


class GenerationFailed(KbError):
    """The language model could not answer."""

    code = "generation"


class InvalidLogits(GenerationFailed):
    """A model gave no usable probabilities for an answer's next token: NaN, infinite, or none at all."""


class NotEnoughMemory(GenerationFailed):
    """A model needs more memory than there is; known by arithmetic before it is loaded."""

    code = "memory"


class PromptTooLong(GenerationFailed):
    """A prompt leaves no room for an answer in the model's window."""

    code = "prompt_too_long"


class CannotCallTools(GenerationFailed):
    """The language model has no way to call tools, so it can be no agent."""

    code = "cannot_call_tools"


class ModelServerFailed(GenerationFailed):
    """A model behind HTTP is down, too slow, refuses, or broke off while it answered."""

    code = "model_server"


class EmbeddingServerFailed(KbError):
    """An embedding model behind HTTP is down, too slow, refuses, or answers what is no vector."""

    code = "embedding_server"


class ClusterFailed(KbError):
    """A Ray cluster that cannot be reached, or whose workers are lost again and again; what was committed stays."""

    code = "cluster"


class LoadError(KbError):
    """One document cannot be read; the rest of a batch goes on."""

    code = "unreadable"


class StorageError(KbError):
    """A store is damaged, of a newer version, or cannot be written."""

    code = "storage"


class BrokenArchive(StorageError):
    """A file that is no intact export of a knowledge base; nothing of it was used."""

    code = "broken_archive"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"'{name}' is no intact export of a knowledge base: {reason}.",
            "Nothing was imported. Copy the archive again, or export it again with `kb export`.",
        )
        self.reason = reason


class StorageFull(StorageError):
    """No space is left where the knowledge base lies."""

    code = "storage_full"


class StoreUnavailable(StorageError):
    """A store's server does not answer; other knowledge bases are not touched by that."""

    code = "store_unavailable"


class Busy(StorageError):
    """Another process is writing to the knowledge base."""

    code = "busy"


class Interrupted(KbError):
    """Stopped by the user; what was committed stays."""

    code = "interrupted"
    exit_status = 130
