from publisher.messages.text import Text

CONTROL: dict[str, Text] = {
    "unexpected": Text(
        en="Something broke that Publisher did not expect ({reason})",
        da="Noget gik galt, som Publisher ikke forventede ({reason})",
        remedy_en="The log tells where; please report it together with that part of the log.",
        remedy_da="Loggen fortæller hvor; meld det sammen med den del af loggen.",
    ),
    "stopped-at-limit": Text(
        en="Stopped after {limit} errors: what comes after them was not read",
        da="Stoppede efter {limit} fejl: hvad der kommer efter dem, blev ikke læst",
        remedy_en="Without --stop-at-limit all errors are counted.",
        remedy_da="Uden --stop-at-limit tælles alle fejl.",
    ),
    "wrong-command": Text(
        en="The command is wrong: {reason}",
        da="Kommandoen er forkert: {reason}",
        remedy_en="`{command} --help` tells what it takes.",
        remedy_da="`{command} --help` fortæller, hvad den tager.",
    ),
    "no-command": Text(
        en="No command is named",
        da="Der er ikke nævnt nogen kommando",
        remedy_en="`{group} --help` lists the commands.",
        remedy_da="`{group} --help` viser kommandoerne.",
    ),
    "unknown-command": Text(
        en="There is no command “{name}”",
        da="Der er ingen kommando “{name}”",
        remedy_en="`{group} --help` lists the commands.",
        remedy_da="`{group} --help` viser kommandoerne.",
    ),
    "unknown-command-near": Text(
        en="There is no command “{name}”",
        da="Der er ingen kommando “{name}”",
        remedy_en="Did you mean “{nearest}”?",
        remedy_da="Mente du “{nearest}”?",
    ),
    "interrupted": Text(
        en="The command was ended by Ctrl-C or a signal before it was done",
        da="Kommandoen blev afsluttet med Ctrl-C eller et signal, før den var færdig",
        remedy_en="What it had committed is kept; run it again for the rest.",
        remedy_da="Det, den nåede at gemme, er bevaret; kør den igen for resten.",
    ),
    "wrong-settings": Text(
        en="The settings are wrong: {faults}",
        da="Indstillingerne er forkerte: {faults}",
        remedy_en="Mend them in the environment (PUBLISHER_...), in publisher.toml or on the"
        " command line; docs/settings.md describes each one.",
        remedy_da="Ret dem i miljøet (PUBLISHER_...), i publisher.toml eller på kommandolinjen;"
        " docs/da/settings.md beskriver dem alle.",
    ),
    "unset-variable": Text(
        en="${{{name}}} is named in a descriptor, but is not set",
        da="${{{name}}} er nævnt i en beskrivelse, men er ikke sat",
        remedy_en="Set the environment variable {name}, or {name}_FILE to a file that holds it.",
        remedy_da="Sæt miljøvariablen {name}, eller {name}_FILE til en fil, der indeholder den.",
    ),
    "unreadable-secret": Text(
        en="The file {file}, named by {name}_FILE, cannot be read",
        da="Filen {file}, som {name}_FILE peger på, kan ikke læses",
        remedy_en="Check that the file is there and that Publisher's user may read it.",
        remedy_da="Kontrollér, at filen findes, og at Publishers bruger må læse den.",
    ),
    "unknown-dataset": Text(
        en="There is no dataset “{dataset}”",
        da="Der er intet datasæt “{dataset}”",
        remedy_en="`publisher status` names the datasets there are.",
        remedy_da="`publisher status` nævner de datasæt, der findes.",
    ),
    "unknown-dataset-near": Text(
        en="There is no dataset “{dataset}”",
        da="Der er intet datasæt “{dataset}”",
        remedy_en="Did you mean “{nearest}”?",
        remedy_da="Mente du “{nearest}”?",
    ),
    "unknown-table": Text(
        en="The dataset “{dataset}” has no table “{table}”",
        da="Datasættet “{dataset}” har ingen tabel “{table}”",
        remedy_en="`publisher status {dataset}` names its tables.",
        remedy_da="`publisher status {dataset}` nævner dets tabeller.",
    ),
    "unknown-table-near": Text(
        en="The dataset “{dataset}” has no table “{table}”",
        da="Datasættet “{dataset}” har ingen tabel “{table}”",
        remedy_en="Did you mean “{nearest}”?",
        remedy_da="Mente du “{nearest}”?",
    ),
    "unknown-target": Text(
        en="There is no target “{target}”",
        da="Der er intet mål “{target}”",
        remedy_en="Targets are listed in catalog/targets.yaml; `folder` is always there.",
        remedy_da="Mål står i catalog/targets.yaml; `folder` findes altid.",
    ),
    "unknown-target-near": Text(
        en="There is no target “{target}”",
        da="Der er intet mål “{target}”",
        remedy_en="Did you mean “{nearest}”?",
        remedy_da="Mente du “{nearest}”?",
    ),
    "unknown-language": Text(
        en="There is no language “{language}” here",
        da="Sproget “{language}” findes ikke her",
        remedy_en="Use en or da.",
        remedy_da="Brug en eller da.",
    ),
    "broken-file": Text(
        en="{file} has errors and is left out",
        da="{file} har fejl og er udeladt",
        remedy_en="`publisher check` names each error, with its line and what to do.",
        remedy_da="`publisher check` nævner hver fejl med linje, og hvad du kan gøre.",
    ),
    "names-or-all": Text(
        en="Either name what is meant, or say --all",
        da="Nævn enten, hvad der menes, eller skriv --all",
        remedy_en="For example: publisher {command} vandstand-ribe",
        remedy_da="For eksempel: publisher {command} vandstand-ribe",
    ),
    "unknown-rows": Text(
        en="No such row waits in the quarantine of {table}: {rows}",
        da="Der venter ingen sådan række i karantænen for {table}: {rows}",
        remedy_en="`publisher quarantine show {table}` names the rows that wait.",
        remedy_da="`publisher quarantine show {table}` nævner de rækker, der venter.",
    ),
    "which-table": Text(
        en="The dataset “{dataset}” has several tables",
        da="Datasættet “{dataset}” har flere tabeller",
        remedy_en="Name one of them: {tables}.",
        remedy_da="Nævn en af dem: {tables}.",
    ),
    "nothing-to-harvest": Text(
        en="{table} has no source",
        da="{table} har ingen kilde",
        remedy_en="State `harvest.source` in its dataset file.",
        remedy_da="Angiv `harvest.source` i datasættets fil.",
    ),
    "no-such-file": Text(
        en="There is no file {file}",
        da="Der er ingen fil {file}",
        remedy_en="Check the path.",
        remedy_da="Kontrollér stien.",
    ),
    "folder-for-file": Text(
        en="{file} is a folder",
        da="{file} er en mappe",
        remedy_en="Name one file in it.",
        remedy_da="Angiv én fil i den.",
    ),
    "unreadable-input": Text(
        en="The file {file} cannot be read: {reason}",
        da="Filen {file} kan ikke læses: {reason}",
        remedy_en="Give the user that Publisher runs as the right to read it.",
        remedy_da="Giv den bruger, som Publisher kører som, ret til at læse den.",
    ),
    "page-over-file": Text(
        en="The page would overwrite {file}, which is what is judged",
        da="Siden ville overskrive {file}, som er det, der bedømmes",
        remedy_en="Name another file for the page.",
        remedy_da="Angiv en anden fil til siden.",
    ),
    "no-such-schema": Text(
        en="There is no schema “{schema}”",
        da="Der er intet skema “{schema}”",
        remedy_en="Give the path of a schema file, or the name of one in schemas/ under --root.",
        remedy_da="Angiv stien til en skemafil, eller navnet på et skema i schemas/ under --root.",
    ),
    "wrong-dialect-option": Text(
        en="--dialect is no JSON object: {reason}",
        da="--dialect er ikke et JSON-objekt: {reason}",
        remedy_en="""Write for example --dialect '{{"csv": {{"delimiter": ";"}}}}'.""",
        remedy_da="""Skriv for eksempel --dialect '{{"csv": {{"delimiter": ";"}}}}'.""",
    ),
    "unknown-profile": Text(
        en="There is no text profile “{profile}”",
        da="Der er ingen tekstprofil “{profile}”",
        remedy_en="Did you mean “{nearest}”? There are: {known}.",
        remedy_da="Mente du “{nearest}”? Der er: {known}.",
        alone_en="State one of: {known}.",
        alone_da="Angiv en af: {known}.",
    ),
    "page-not-written": Text(
        en="The page {file} cannot be written: {reason}",
        da="Siden {file} kan ikke skrives: {reason}",
        remedy_en="Name a file in a folder that is there and may be written to.",
        remedy_da="Angiv en fil i en mappe, som findes og kan skrives i.",
    ),
    "data-folder-unusable": Text(
        en="The data folder {path} cannot be used: {reason}",
        da="Datamappen {path} kan ikke bruges: {reason}",
        remedy_en="Check that it is a folder that this user may write in, or give another one"
        " by --data.",
        remedy_da="Kontrollér, at det er en mappe, som denne bruger må skrive i, eller angiv en"
        " anden med --data.",
    ),
    "data-is-a-file": Text(
        en="{path}, which is to hold the data, is a file and no folder",
        da="{path}, som skal indeholde data, er en fil og ikke en mappe",
        remedy_en="Give a folder by --data, or by the setting PUBLISHER_DATA.",
        remedy_da="Angiv en mappe med --data eller med indstillingen PUBLISHER_DATA.",
    ),
    "already-serving": Text(
        en="Another `publisher serve` (process {pid}) already serves {data}",
        da="En anden `publisher serve` (proces {pid}) betjener allerede {data}",
        remedy_en="Stop that one first, or give this one another folder by --data.",
        remedy_da="Stop den først, eller giv denne en anden mappe med --data.",
    ),
    "not-yours": Text(
        en="The process that holds {path} belongs to another user",
        da="Processen, der bruger {path}, tilhører en anden bruger",
        remedy_en="Run the command as that user, or as root.",
        remedy_da="Kør kommandoen som den bruger, eller som root.",
    ),
    "other-version": Text(
        en="This command is Publisher {theirs}, the running process is Publisher {ours}",
        da="Denne kommando er Publisher {theirs}, den kørende proces er Publisher {ours}",
        remedy_en="Restart `publisher serve`, so that both are of the same version.",
        remedy_da="Genstart `publisher serve`, så begge har samme version.",
    ),
    "holder-died": Text(
        en="The process that did the work ended before it had answered",
        da="Processen, der udførte arbejdet, stoppede, før den havde svaret",
        remedy_en="What it had committed is kept. Look at `publisher status`, then run the command"
        " again if it is still needed.",
        remedy_da="Det, den nåede at gemme, er bevaret. Se `publisher status`, og kør kommandoen"
        " igen, hvis der stadig er brug for den.",
    ),
    "unknown-operation": Text(
        en="The running process knows no operation “{name}”",
        da="Den kørende proces kender ikke handlingen “{name}”",
        remedy_en="Restart `publisher serve`, so that both are of the same version.",
        remedy_da="Genstart `publisher serve`, så begge har samme version.",
    ),
    "wrong-request": Text(
        en="The request to the running process is wrong: {reason}",
        da="Forespørgslen til den kørende proces er forkert: {reason}",
    ),
    "port-taken": Text(
        en="Port {port} on {host} is in use by another program",
        da="Port {port} på {host} bruges af et andet program",
        remedy_en="Stop that program, or choose another port by --port (0 takes a free one).",
        remedy_da="Stop det program, eller vælg en anden port med --port (0 tager en ledig).",
    ),
    "cannot-listen": Text(
        en="Publisher cannot listen on {host}, port {port}: {reason}",
        da="Publisher kan ikke lytte på {host}, port {port}: {reason}",
        remedy_en="Give an address of this machine by --host, and a port that this user may use.",
        remedy_da="Angiv en adresse på denne maskine med --host og en port, som brugeren må bruge.",
    ),
    "backup-inside-data": Text(
        en="{path} lies inside the data folder {data}",
        da="{path} ligger inde i datamappen {data}",
        remedy_en="Give a folder elsewhere, best on another disk.",
        remedy_da="Angiv en mappe et andet sted, helst på en anden disk.",
    ),
    "still-held": Text(
        en="{data} is in use by another Publisher process ({pid})",
        da="{data} bruges af en anden Publisher-proces ({pid})",
        remedy_en="Stop it before restoring.",
        remedy_da="Stop den, før du gendanner.",
    ),
}
