"""kNN-LM datastores of a base: which there are, and building one as a job."""

from dataclasses import asdict

from fastapi import APIRouter

from kb_server.api.knn_schemas import BuildKnn, Datastore, Datastores
from kb_server.api.routes.jobs import job_json
from kb_server.api.schemas import JobDetail
from kb_server.api.service import CurrentBase, CurrentCaller, CurrentService, audited
from kb_server.catalog.jobs import JobKind
from kb_server.services.keys import Scope
from kb_server.services.knn_state import datastore_states

router = APIRouter(prefix="/api/v1/knowledge-bases/{base}/knn", tags=["kNN-LM"])


@router.get("")
def list_datastores(base: CurrentBase, service: CurrentService) -> Datastores:
    """List the datastores of a base, the one that changed last first; each is of one model."""
    states = datastore_states(service.app.base_files(base))
    return Datastores(possible=service.app.gives_states, datastores=[Datastore(**asdict(one)) for one in states])


@router.post("", status_code=202, dependencies=[audited("knn.build", Scope.WRITE)])
def build_datastore(asked: BuildKnn, base: CurrentBase, service: CurrentService, caller: CurrentCaller) -> JobDetail:
    """Read the base's text with the language model and keep a key for each token; returns the job.

    Only what the datastore does not have is read, unless it is to be made `anew`.
    """
    service.app.refuse_without_states()
    request = {"anew": asked.anew, "tune": asked.tune}
    return job_json(service.app.jobs.submit_task(base.id, caller.id, JobKind.KNN, request), [])
