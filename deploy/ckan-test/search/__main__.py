"""The server: Solr's HTTP API as far as CKAN uses it."""

import argparse
import json
import os
import signal
import sys
import threading
import traceback
import xml.etree.ElementTree as ET
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from .documents import BadRequest, Schema, as_list
from .index import Index


def xml_update(index, body):
    root = ET.fromstring(body)
    todo = list(root) if root.tag == "update" else [root]
    commit = False
    for el in todo:
        if el.tag == "add":
            docs = []
            for d in el.iter("doc"):
                doc = {}
                for f in d.iter("field"):
                    doc.setdefault(f.get("name"), []).append(f.text or "")
                docs.append({k: v if len(v) > 1 else v[0] for k, v in doc.items()})
            index.add(docs)
        elif el.tag == "delete":
            for x in el:
                if x.tag == "id":
                    index.delete(ident=x.text or "")
                elif x.tag == "query":
                    index.delete(query=x.text or "")
        elif el.tag in ("commit", "optimize"):
            commit = True
    return commit


def json_update(index, body):
    msg = json.loads(body)
    if isinstance(msg, list):
        index.add(msg)
        return False
    if "add" in msg:
        index.add([msg["add"].get("doc", msg["add"])])
    if "delete" in msg:
        d = msg["delete"]
        for x in as_list(d):
            if isinstance(x, dict):
                index.delete(query=x.get("query"), ident=x.get("id"))
            else:
                index.delete(ident=x)
    return "commit" in msg


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "search-standin"
    wbufsize = -1
    disable_nagle_algorithm = True
    index = None

    def log_message(self, *a):
        pass

    def reply(self, code, body, kind="application/json;charset=utf-8"):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_any(self):
        url = urlsplit(self.path)
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size) if size else b""
        params = parse_qs(url.query, keep_blank_values=True)
        kind = self.headers.get("Content-Type", "")
        if "x-www-form-urlencoded" in kind:
            for k, v in parse_qs(body.decode(), keep_blank_values=True).items():
                params.setdefault(k, []).extend(v)
        path = url.path.rstrip("/")
        index = self.index
        try:
            if path.endswith("/select"):
                self.reply(200, index.select(params))
            elif path.endswith("/update"):
                commit = False
                if body.strip():
                    if "json" in kind:
                        commit = json_update(index, body)
                    else:
                        commit = xml_update(index, body)
                if commit or "true" in (
                    params.get("commit", [""])[0],
                    params.get("softCommit", [""])[0],
                ):
                    index.commit()
                self.reply(200, {"responseHeader": {"status": 0, "QTime": 0}})
            elif path.endswith("/admin/ping"):
                self.reply(200, {"responseHeader": {"status": 0}, "status": "OK"})
            elif path.endswith("/schema") or path.endswith("/admin/file"):
                self.reply(200, index.schema.xml, "application/xml")
            else:
                self.reply(
                    404, {"error": {"msg": "not in the search stand-in: " + path, "code": 404}}
                )
        except (BadRequest, ET.ParseError, json.JSONDecodeError) as e:
            self.reply(
                400, {"responseHeader": {"status": 400}, "error": {"msg": str(e), "code": 400}}
            )
        except Exception as e:  # a fault here, not the caller's
            traceback.print_exc()
            self.reply(500, {"error": {"msg": "%s: %s" % (type(e).__name__, e), "code": 500}})

    do_GET = do_POST = handle_any


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    ap = argparse.ArgumentParser(
        prog="search", description="A small stand-in for the one Solr core that CKAN talks to."
    )
    ap.add_argument("--schema", required=True, help="schema.xml of the installed CKAN")
    ap.add_argument("--db", required=True, help="SQLite file that keeps the documents")
    ap.add_argument("--host", default="127.0.0.1")
    ap.add_argument("--port", type=int, default=28983)
    ap.add_argument(
        "--lag",
        type=float,
        default=0.0,
        help="seconds between a commit and its being visible to searches",
    )
    a = ap.parse_args()
    Handler.index = Index(Schema(a.schema), a.db, a.lag)
    server = Server((a.host, a.port), Handler)

    def stop(*_):
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(
        "search stand-in on %s:%d, pid %d, %d documents"
        % (a.host, a.port, os.getpid(), len(Handler.index.docs)),
        flush=True,
    )
    server.serve_forever(poll_interval=0.1)
    Handler.index.flush()


if __name__ == "__main__":
    sys.exit(main())
