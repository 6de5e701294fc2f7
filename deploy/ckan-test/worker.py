"""CKAN's background worker without a process for each job, which costs more than the job itself.

Run by `up` with the venv's Python:  worker.py INI
"""

import sys

from ckan.cli import load_config
from ckan.config.middleware import make_app
from ckan.lib import jobs
from rq.worker import WorkerStatus


class InProcess(jobs.Worker):
    def execute_job(self, job, queue):
        if hasattr(self, "prepare_execution"):  # since rq 2.1
            self.prepare_execution(job)
        self.perform_job(job, queue)  # CKAN's own, which closes its sessions afterwards
        self.set_state(WorkerStatus.IDLE)


def main():
    app = make_app(load_config(sys.argv[1]))
    with getattr(app, "_wsgi_app", app).app_context():
        InProcess().work(with_scheduler=False)


if __name__ == "__main__":
    main()
