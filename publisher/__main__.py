from publisher.cli.main import run

run()
