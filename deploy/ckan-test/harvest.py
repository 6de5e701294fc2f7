"""One harvest of a DCAT feed by ckanext-dcat's own RDF harvester, within CKAN's process.

Run by `harvest` with the venv's Python:  harvest.py INI ORG FEED_URL [MEDIA_TYPE] | --forget FEED_URL
Gather, fetch and import run here, one after the other; no queue's consumer is needed.
"""

import argparse
import json
import time

from ckan.cli import load_config
from ckan.config.middleware import make_app


def arguments():
    parser = argparse.ArgumentParser(prog="harvest")
    parser.add_argument("ini", help=argparse.SUPPRESS)
    parser.add_argument("organization", help=argparse.SUPPRESS)
    parser.add_argument("feed")
    parser.add_argument("media_type", nargs="?", help="text/turtle, application/rdf+xml ...")
    parser.add_argument("--forget", action="store_true", help="remove the source and its datasets")
    return parser.parse_args()


def main():
    args = arguments()
    app = make_app(load_config(args.ini))
    with app._wsgi_app.test_request_context():
        from ckan.plugins import toolkit

        user = toolkit.get_action("get_site_user")({"ignore_auth": True}, {})["name"]

        def act(action, **parameters):
            context = {"user": user, "ignore_auth": True}
            return toolkit.get_action(action)(context, parameters)

        print(json.dumps(forget(act, args) if args.forget else harvest(act, args)))


def found(feed):
    from ckanext.harvest.model import HarvestSource

    return HarvestSource.Session.query(HarvestSource).filter_by(url=feed, active=True).first()


def forget(act, args):
    source = found(args.feed)
    if source is not None:
        act("harvest_source_clear", id=source.id)
        act("harvest_source_delete", id=source.id)
    return {"forgotten": source is not None}


def harvest(act, args):
    """A feed that was harvested before is harvested again: so changes and removals show."""
    import ckan.model as model
    from ckanext.harvest import queue
    from ckanext.harvest.model import HarvestGatherError, HarvestJob, HarvestObject

    if found(args.feed) is None:
        name = f"harvest-{time.time_ns()}"
        act(
            "harvest_source_create",
            name=name,
            title=name,
            url=args.feed,
            source_type="dcat_rdf",
            owner_org=args.organization,
            frequency="MANUAL",
            config=json.dumps({"rdf_format": args.media_type} if args.media_type else {}),
        )
    job = HarvestJob.get(act("harvest_job_create", source_id=found(args.feed).id, run=False)["id"])
    job.status = "Running"
    job.save()
    began = time.monotonic()
    harvester = queue.get_harvester("dcat_rdf")
    ids = queue.gather_stage(harvester, job) or []
    for it in ids:
        queue.fetch_and_import_stages(harvester, HarvestObject.get(it))
    job.status = "Finished"
    job.save()
    model.Session.commit()
    gathering = model.Session.query(HarvestGatherError).filter_by(harvest_job_id=job.id)
    return {
        "feed": args.feed,
        "seconds": round(time.monotonic() - began, 3),
        "errors": [error.message for error in gathering],
        "objects": [imported(act, it) for it in ids],
    }


def imported(act, it):
    import ckan.model as model
    from ckanext.harvest.model import HarvestObject, HarvestObjectError

    found = HarvestObject.get(it)
    errors = model.Session.query(HarvestObjectError).filter_by(harvest_object_id=it)
    return {
        "guid": found.guid,
        "status": found.report_status,
        "errors": [f"{error.stage}: {error.message}" for error in errors],
        "package": act("package_show", id=found.package_id) if found.package_id else None,
    }


main()
