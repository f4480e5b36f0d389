"""kNN-LM over the bases of one home: each base has its datastore, which all that asks it shares."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from kb_server.bases.service import BaseService
from kb_server.config.models import Models
from kb_server.config.settings import Settings
from kb_server.core.domain import KnowledgeBase
from kb_server.knnlm.datastore.build import DatastoreShape
from kb_server.knnlm.datastore.manifest import DatastoreState, datastore_states
from kb_server.knnlm.knn_lm import KnnLm
from kb_server.runtime.once import MadeByKey

if TYPE_CHECKING:
    from kb_server.core.ports import NextTokenModel
    from kb_server.knnlm.measure import KnnMeasurement


class KnnLmService:
    """Makes datastores, mixes them into answers, and says what they are worth."""

    def __init__(self, settings: Settings, bases: BaseService, models: Models) -> None:
        self._settings = settings
        self._bases = bases
        self._models = models
        self._made: MadeByKey[str, KnnLm] = MadeByKey()

    def of(self, base: str | KnowledgeBase) -> KnnLm:
        """Return what makes a base's datastore and mixes it into answers, one for each base."""
        opened = self._bases.open(base)
        model: Callable[[], NextTokenModel] = lambda: self._models.next_token_model  # noqa: E731
        shape = DatastoreShape(dimension=self._settings.knn_lm.dimension)
        return self._made.get(opened.base.id, lambda: KnnLm(opened, model, shape))

    def measurement(self, base: str | KnowledgeBase) -> "KnnMeasurement":
        """Return what tunes a base's datastore and says what it is worth."""
        from kb_server.knnlm.measure import KnnMeasurement

        return KnnMeasurement(self.of(base))

    def states(self, base: KnowledgeBase) -> list[DatastoreState]:
        """Return which datastores a base has, told from their files, without a model."""
        return datastore_states(self._bases.files(base))
