"""First-run set-up inside CKAN's own process: tables, sysadmin, token, organization.

Run by `up` with the venv's Python:  bootstrap.py INI sql|init HOME USER ORG [ORG_TITLE]
One process does all of it because each start of CKAN's own CLI costs seconds.
"""

import json
import os
import sys


def main():
    ini, what = sys.argv[1], sys.argv[2]
    from ckan.cli import load_config
    from ckan.config.middleware import make_app

    if what == "sql":
        # The datastore grants, printed for psql; needs no running application.
        from ckanext.datastore.cli import permissions_sql

        print(permissions_sql("ckan", "datastore", "ckan", "ckan", "datastore_ro"))
        return
    home, user, org, org_title = (sys.argv[3:] + [""])[:4]
    app = make_app(load_config(ini))
    flask_app = getattr(app, "_wsgi_app", app)
    import ckan.cli.db as db
    import ckan.model as model
    from ckan.plugins import toolkit as tk

    with flask_app.app_context():
        model.repo.init_db()
        pending = db._get_pending_plugins()
        for plugin in sorted(pending):
            db._run_migrations(plugin)
            print("migrated", plugin, file=sys.stderr)
        with flask_app.test_request_context():
            su = {
                "ignore_auth": True,
                "user": tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"],
            }
            act = lambda action, **d: tk.get_action(action)(dict(su), d)
            if not model.User.get(user):
                act(
                    "user_create",
                    name=user,
                    email=user + "@example.org",
                    password=os.urandom(12).hex(),
                )
            u = model.User.get(user)
            if not u.sysadmin:
                u.sysadmin = True
                model.Session.commit()
            if not model.Group.get(org):
                tk.get_action("organization_create")(
                    {"ignore_auth": True, "user": user}, {"name": org, "title": org_title or org}
                )
            path = os.path.join(home, "token")
            if not os.path.exists(path) or not open(path).read().strip():
                got = act("api_token_create", user=user, name="harness")
                fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with os.fdopen(fd, "w") as f:
                    f.write(got["token"] + "\n")
        with open(os.path.join(home, "bootstrapped"), "w") as f:
            json.dump({"user": user, "org": org}, f)


main()
